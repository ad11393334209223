"""What a schema cannot say: names that must exist, numbers that must parse, recipes that must be whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from repro.spec import families, model, numbers, operands, panels, recipes
from repro.spec.places import Faults, Place, listed, nearest

Tables = Mapping[str, model.Table]


def table(spec: model.Table, stem: str, tables: Tables, faults: Faults) -> None:
    """Check one table or figure against itself, the other tables and the folders of `repro/lab`."""
    if spec.id != stem:
        faults.add(("id",), f'expected id "{stem}", the name of the file, found "{spec.id}"')
    for kind, parts in (
        ("columns", spec.columns),
        ("rows", spec.rows),
        ("claims", spec.claims),
        ("texts", spec.texts),
        ("notes", spec.notes),
    ):
        _unique(kind, [part.id for part in parts], faults)
    columns = [column.id for column in spec.columns]
    for index, column in enumerate(spec.columns):
        known = (*families.members("evaluators"), *families.ASKED)
        if column.evaluator not in known and column.not_runnable is None:
            faults.add(
                ("columns", index, "evaluator"),
                f'column "{column.id}": ' + families.unknown("evaluator", column.evaluator, "evaluators", known),
            )
    for index, row in enumerate(spec.rows):
        _reported(row, ("rows", index), columns, faults)
        _row_recipe(spec, row, ("rows", index), tables, faults)
    _asked(spec, faults)
    _marks(spec, faults)
    for index, claim in enumerate(spec.claims):
        _claim(claim, ("claims", index), spec, tables, faults)
    for index, note in enumerate(spec.notes):
        _note(note, ("notes", index), spec, tables, faults)
    if spec.axes is not None:
        panels.check(spec.axes, [row.id for row in spec.rows], columns, faults)


def _unique(kind: str, ids: list[str], faults: Faults) -> None:
    for name, count in Counter(ids).items():
        if count > 1:
            again = len(ids) - 1 - ids[::-1].index(name)
            faults.add((kind, again, "id"), f'{kind}: the id "{name}" is given {count} times; ids are given once')


def _reported(row: model.Row, place: Place, columns: list[str], faults: Faults) -> None:
    for key, cells in (("reported", row.reported), ("suspect", row.suspect)):
        for column in cells:
            if column not in columns:
                known = f"expected one of {listed(columns)}{nearest(column, columns)}"
                sentence = f'row "{row.id}": {key} cell in no column: "{column}"; {known}'
                faults.add((*place, key, column), sentence)
    for column, text in row.reported.items():
        try:
            numbers.parse_reported(text)
        except ValueError as error:
            faults.add((*place, "reported", column), f'row "{row.id}", column "{column}": {error}')


def _row_recipe(spec: model.Table, row: model.Row, place: Place, tables: Tables, faults: Faults) -> None:
    if row.same_as is not None:
        if row.recipe:
            faults.add((*place, "recipe"), f'row "{row.id}": a row that is same_as another has no recipe of its own')
        _same_as(row, place, tables, faults)
        return
    whole = recipes.merged(spec, row)
    for group in whole:
        if group not in (*families.GROUPS, *families.ASKED):
            known = f"expected {listed(families.GROUPS)}{nearest(group, families.GROUPS)}"
            sentence = f'row "{row.id}": recipe group "{group}" is not known; {known}'
            faults.add(_recipe_place(spec, row, place, group, None), sentence)
    for group in families.GROUPS:
        if group not in whole:
            faults.add(
                place, f'row "{row.id}": recipe group "{group}" is missing, here and in the [recipe] of {spec.id}'
            )
        elif row.not_runnable is None:  # what code that is not there asks for cannot be known
            _group(spec, row, place, group, whole[group], faults)


def _asked(spec: model.Table, faults: Faults) -> None:
    """A column may ask for a group of its own, which stands in the table's [recipe] and is one for all rows."""
    for group in families.ASKED:
        if any(column.evaluator == group and column.not_runnable is None for column in spec.columns):
            if group not in spec.recipe:
                faults.add(("recipe",), f'[recipe] of {spec.id}: the evaluator "{group}" needs a group "{group}" in it')
                continue
            keys, fields = spec.recipe[group], families.fields(group, None)
            for key in sorted(keys.keys() | fields.keys()):
                place, label = ("recipe", group, key), f"recipe.{group}.{key}"
                if key not in fields:
                    faults.add(place, f"{label}: unknown; expected {listed(fields)}{nearest(key, fields)}")
                elif key not in keys:
                    faults.add(("recipe", group), f"{label} ({fields[key]}) is missing; nothing has a default")
                elif not families.fits(keys[key].value, fields[key]):
                    faults.add(place, f"{label}: expected {fields[key]}, found {keys[key].value!r}")


def _same_as(row: model.Row, place: Place, tables: Tables, faults: Faults) -> None:
    assert row.same_as is not None
    other, _, name = row.same_as.partition("/")
    rows = {candidate.id: candidate for candidate in tables[other].rows} if other in tables else {}
    here = (*place, "same_as")
    if other not in tables:
        faults.add(
            here, f'row "{row.id}": same_as "{row.same_as}" leads nowhere: no table "{other}"{nearest(other, tables)}'
        )
    elif name not in rows:
        faults.add(
            here,
            f'row "{row.id}": same_as "{row.same_as}" leads nowhere: {other} has no row "{name}"{nearest(name, rows)}',
        )
    elif rows[name].same_as is not None:
        faults.add(
            here,
            f'row "{row.id}": same_as "{row.same_as}" leads to a row that is itself same_as "{rows[name].same_as}"; '
            "name that one",
        )


def _whose(spec: model.Table, row: model.Row, group: str, key: str | None) -> str:
    """Who wrote a value, for a sentence: a row, or the table for all its rows."""
    return (
        f'row "{row.id}"'
        if group in row.recipe and (key is None or key in row.recipe[group])
        else f"[recipe] of {spec.id}"
    )


def _recipe_place(spec: model.Table, row: model.Row, place: Place, group: str, key: str | None) -> Place:
    """Where a value is written: in the row, or in the table's [recipe]."""
    own = group in row.recipe and (key is None or key in row.recipe[group])
    at: Place = (*place, "recipe", group) if own else ("recipe", group)
    return at if key is None else (*at, key)


def _group(
    spec: model.Table, row: model.Row, place: Place, group: str, keys: Mapping[str, model.Value], faults: Faults
) -> None:
    name = keys["name"].value if "name" in keys else None
    if families.has_names(group):
        known = families.members(families.folder(group))
        if not isinstance(name, str):
            sentence = f'{_whose(spec, row, group, None)}: recipe.{group} needs a "name", one of {listed(known)}'
            faults.add(_recipe_place(spec, row, place, group, None), sentence)
            return
        if name not in known:
            at = _recipe_place(spec, row, place, group, "name")
            faults.add(
                at,
                f"{_whose(spec, row, group, 'name')}: " + families.unknown(group, name, families.folder(group), known),
            )
            return
    fields = families.fields(group, name if isinstance(name, str) else None)
    for key in keys.keys() - fields.keys() - {"name"}:
        expected = f"expected {listed(fields)}{nearest(key, fields)}"
        sentence = f'{_whose(spec, row, group, key)}: recipe.{group}: unknown key "{key}"; {expected}'
        faults.add(_recipe_place(spec, row, place, group, key), sentence)
    for key, annotation in fields.items():
        if key not in keys:
            label = f"{_whose(spec, row, group, None)}: recipe.{group}.{key}"
            sentence = f"{label} ({annotation}) is missing; nothing has a default"
            faults.add(_recipe_place(spec, row, place, group, None), sentence)
        elif not families.fits(keys[key].value, annotation):
            label = f"{_whose(spec, row, group, key)}: recipe.{group}.{key}"
            sentence = f"{label}: expected {annotation}, found {keys[key].value!r}"
            faults.add(_recipe_place(spec, row, place, group, key), sentence)


def _marks(spec: model.Table, faults: Faults) -> None:
    """Each value says where it comes from, in exactly one way, and a source it names is one of [sources]."""
    places: list[tuple[Place, model.Recipe]] = [(("recipe",), spec.recipe)]
    places += [(("rows", index, "recipe"), row.recipe) for index, row in enumerate(spec.rows)]
    for place, recipe in places:
        for group, keys in recipe.items():
            for key, value in keys.items():
                given = [mark for mark in (value.sourced, value.default, value.choice) if mark is not None]
                here, label = (*place, group, key), f"recipe.{group}.{key}"
                if len(given) != 1:
                    faults.add(here, f"{label}: expected exactly one of sourced, default, choice, found {len(given)}")
                    continue
                source = (value.sourced or value.default or "").replace(",", " ").replace(":", " ").split()
                if source and source[0] not in spec.sources:
                    faults.add(
                        here,
                        f'{label}: source "{source[0]}" is not in [sources] ({listed(spec.sources)})'
                        f"{nearest(source[0], spec.sources)}",
                    )


def _claim(claim: model.Claim, place: Place, spec: model.Table, tables: Tables, faults: Faults) -> None:
    texts = [text.id for other in tables.values() for text in other.texts]
    here = (*place, "test")
    try:
        used = list(operands.terms(claim.test, spec.id))
    except ValueError as error:
        faults.add(here, f'claim "{claim.id}": {error}')
        return
    for part in dict.fromkeys(used):
        if isinstance(part, operands.TextRef):
            if part.id not in texts:
                faults.add(here, f'claim "{claim.id}": no [[texts]] entry "{part.id}"{nearest(part.id, texts)}')
        elif part.table not in tables:
            faults.add(here, f'claim "{claim.id}": no table "{part.table}"{nearest(part.table, tables)}')
        else:
            rows = [row.id for row in tables[part.table].rows]
            columns = [column.id for column in tables[part.table].columns]
            if part.row not in rows:
                faults.add(here, f'claim "{claim.id}": {part.table} has no row "{part.row}"{nearest(part.row, rows)}')
            if part.column not in columns:
                faults.add(
                    here,
                    f'claim "{claim.id}": {part.table} has no column "{part.column}"{nearest(part.column, columns)}',
                )


def _note(note: model.Note, place: Place, spec: model.Table, tables: Tables, faults: Faults) -> None:
    known = [claim.id for claim in spec.claims]
    known += [f"{other.id}/{claim.id}" for other in tables.values() for claim in other.claims]
    for name in note.claims:
        if name not in known:
            faults.add((*place, "claims"), f'note "{note.id}": no claim "{name}"{nearest(name, known)}')
