"""What of a table and of a profile results and verdicts rest on: no captions, quotes, notes, reasons or speeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from repro.errors import SpecError
from repro.files import digest
from repro.judge.certificate import premises
from repro.spec import families, model, operands, recipes
from repro.spec.profile import Profile

Tables = Mapping[str, model.Table]
_UNSAID = "-"  # stands for prose that a certificate does not hold


def concerned(tables: Tables, named: Iterable[str]) -> list[str]:
    """The tables of these names and all that their claims and rows lead to, in the order of `tables`."""
    waiting, found = list(named), set[str]()
    texts = {text.id: table.id for table in tables.values() for text in table.texts}
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        table = tables[name]
        terms = [term for claim in table.claims for term in operands.terms(claim.test, name)]
        waiting += [term.table if isinstance(term, operands.CellRef) else texts[term.id] for term in terms]
        waiting += [row.same_as.partition("/")[0] for row in table.rows if row.same_as is not None]
    return [name for name in tables if name in found]


def elsewhere(table: model.Table) -> dict[str, list[str]]:
    """The other tables that the claims of a table ask, each with the columns."""
    terms = [term for claim in table.claims for term in operands.terms(claim.test, table.id)]
    found: dict[str, list[str]] = {}
    for term in terms:
        if isinstance(term, operands.CellRef) and term.table != table.id:
            columns = found.setdefault(term.table, [])
            columns += [] if term.column in columns else [term.column]
    return found


def table(tables: Tables, spec: model.Table) -> dict[str, Any]:
    """The essentials of a table, and their digest."""
    columns = [
        {
            **column.model_dump(include={"id", "dataset", "evaluator", "metric", "direction", "unit", "n_images"}),
            "margin": column.margin.value if column.margin else None,
        }
        for column in spec.columns
    ]
    rows = [
        {
            **row.model_dump(include={"id", "runs", "reported", "suspect", "same_as"}),
            "reimplemented": row.reimplemented is not None,
            "recipe": _recipe(tables, spec, row),
        }
        for row in spec.rows
    ]
    claims = [
        {"id": claim.id, "of_paper": claim.of_paper, "test": claim.test.model_dump(exclude_none=True)}
        for claim in spec.claims
    ]
    texts = [{"id": text.id, "printed": text.printed} for text in spec.texts]
    found = {"columns": columns, "rows": rows, "claims": claims, "texts": texts}
    return {"sha256": digest(found), **found}


def _recipe(tables: Tables, spec: model.Table, row: model.Row) -> str:
    """A hash of a row's whole recipe without the marks, and of what its table asks of a measurement."""
    whole = recipes.plain(recipes.resolve(tables, spec, row))
    asked = {group: spec.recipe[group] for group in families.ASKED if group in spec.recipe}
    return digest({**whole, **recipes.plain(asked)})


def profile(spec: Profile, judged: Iterable[str]) -> dict[str, Any]:
    """The essentials of a profile, and their digest; the numbers expected of it are those of the `judged` tables."""
    found = {
        **spec.model_dump(include={"id", "judges", "seeds", "threads", "device", "references"}),
        "missing": sorted(spec.missing),
        "datasets": {name: recipes.dataset(spec, name) for name in spec.datasets},
        "expected": {name: spec.expected[name].model_dump() for name in judged if name in spec.expected},
        "scale": {key: rule.model_dump(exclude={"why"}, exclude_none=True) for key, rule in spec.scale.items()},
    }
    return {"sha256": digest(found), **found}


def as_table(name: str, spec: premises.Spec) -> model.Table:
    """A table that can be judged by; its prose is left out."""
    columns = [
        model.Column(
            **column.model_dump(exclude={"margin"}),
            label=column.id,
            margin=None if column.margin is None else model.Margin(value=column.margin, why=_UNSAID),
        )
        for column in spec.columns
    ]
    rows = [
        model.Row(
            **row.model_dump(exclude={"recipe", "reimplemented"}),
            label=row.id,
            reimplemented=_UNSAID if row.reimplemented else None,
        )
        for row in spec.rows
    ]
    texts = [model.Printed(**text.model_dump(), section=_UNSAID, quote=_UNSAID, about=_UNSAID) for text in spec.texts]
    claims = [
        model.Claim(
            id=claim.id,
            section=_UNSAID,
            quote=_UNSAID,
            statement=claim.id,
            of_paper=claim.of_paper,
            test=claim.test,
        )
        for claim in spec.claims
    ]
    return model.Table(
        schema=1,
        id=name,
        title=name,
        caption=_UNSAID,
        section=_UNSAID,
        columns=columns,
        rows=rows,
        texts=texts,
        claims=claims,
    )


def as_profile(means: premises.Means) -> Profile:
    """A profile that can be judged by."""
    return Profile(
        schema=1,
        id=means.id,
        title=means.id,
        judges=means.judges,
        seeds=means.seeds,
        workers=1,
        threads=max(1, means.threads),
        device=means.device,
        expected=means.expected,
    )


def faults(tables: Tables) -> list[str]:
    """What in tables of a certificate leads nowhere, one sentence each."""
    found = []
    texts = {text.id for table in tables.values() for text in table.texts}
    for table in tables.values():
        for row in table.rows:
            other, _, name = (row.same_as or "").partition("/")
            if row.same_as is not None and not (other in tables and _has(tables[other].rows, name)):
                found.append(f'{table.id}, row "{row.id}": same_as "{row.same_as}" leads nowhere')
        for claim in table.claims:
            try:
                terms = list(operands.terms(claim.test, table.id))
            except (ValueError, SpecError) as error:
                found.append(f'{table.id}, claim "{claim.id}": {error}')
                continue
            found += [
                f'{table.id}, claim "{claim.id}": {term} leads nowhere'
                for term in terms
                if not (term.id in texts if isinstance(term, operands.TextRef) else _leads(tables, term))
            ]
    return found


def _leads(tables: Tables, cell: operands.CellRef) -> bool:
    table = tables.get(cell.table)
    return table is not None and _has(table.rows, cell.row) and _has(table.columns, cell.column)


def _has(parts: Iterable[model.Row] | Iterable[model.Column], name: str) -> bool:
    return any(part.id == name for part in parts)
