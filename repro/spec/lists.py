"""Lists of weight files: whether one is right, which of its files a person means, and which are a row's."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from repro.errors import UsageError
from repro.spec.checkpoint import CLASSIFIERS, Checkpoint, Checkpoints
from repro.spec.model import Table
from repro.spec.places import Faults, listed, nearest

if TYPE_CHECKING:
    from repro.spec.load import Specs


def check(found: Checkpoints, rows: Sequence[str], faults: Faults) -> None:
    """Check one list against itself and the rows, as `table1/byol`, of every table and figure."""
    known, names = set(rows), [each.name for each in found.checkpoints]
    for index, each in enumerate(found.checkpoints):
        if each.name in names[:index]:
            faults.add(("checkpoints", index, "name"), f'checkpoints: the name "{each.name}" is given twice')
        for row in each.serves:
            if row not in known:
                sentence = f'checkpoint "{each.name}": serves "{row}", which is no row{nearest(row, rows)}'
                faults.add(("checkpoints", index, "serves"), sentence)
        if each.serves and each.layout in CLASSIFIERS:
            sentence = f'checkpoint "{each.name}": is a classifier alone, which serves no row; an encoder names it'
            faults.add(("checkpoints", index, "serves"), sentence)
    for row in found.missing:
        if row not in known:
            faults.add(("missing", row), f'missing: "{row}" is no row{nearest(row, rows)}')


def check_runs(found: Checkpoints, tables: Mapping[str, Table], faults: Faults) -> None:
    """See that no two files of one list are the same run of the same network."""
    first: dict[tuple[str, int], str] = {}
    for index, each in enumerate(found.checkpoints):
        for row in each.serves:
            other = first.setdefault((network(tables, row), run(each)), each.name)
            if other != each.name:
                both = f'is run {run(each)} of {row}, as "{other}" is'
                faults.add(("checkpoints", index, "serves"), f'checkpoint "{each.name}": {both}; give it another run')


def check_classifiers(found: Checkpoints, known: Mapping[str, Checkpoint], faults: Faults) -> None:
    """See that the classifiers which one list names are among the files of every list, and that they are some."""
    names = [name for name, each in known.items() if each.layout in CLASSIFIERS]
    for index, each in enumerate(found.checkpoints):
        if each.classifier is not None and known[each.name] is each:  # not one that a later list replaces
            fault = classifier_fault(each, known)
            if fault:
                sentence = f'checkpoint "{each.name}": classifier: {fault}{nearest(each.classifier, names)}'
                faults.add(("checkpoints", index, "classifier"), sentence)


def classifier_fault(encoder: Checkpoint, known: Mapping[str, Checkpoint]) -> str:
    """What is wrong with the classifier that an encoder names, in a few words; "" where nothing is."""
    if encoder.layout in CLASSIFIERS:
        return "it is a classifier itself, and has none"
    other = known.get(str(encoder.classifier))
    if other is None:
        return f'no weight file "{encoder.classifier}" in the list'
    if other.layout not in CLASSIFIERS:
        return f'expected a file of the layout {" or ".join(CLASSIFIERS)}, found "{other.name}" of {other.layout}'
    return ""


def check_named(tables: Mapping[str, Table], known: Mapping[str, Checkpoint]) -> list[str]:
    """A line for each file that a row of a table names and no list has."""
    return [
        f'{table}, row "{row.id}": checkpoints: no weight file "{name}" in the list{nearest(name, known)}'
        for table, spec in tables.items()
        for row in spec.rows
        for name in row.checkpoints
        if name not in known
    ]


def check_rows(tables: Mapping[str, Table], serves: Sequence[str]) -> None:
    """See that each row, as `table1/byol`, is there; raises `UsageError` with the nearest."""
    rows = [f"{name}/{row.id}" for name, table in tables.items() for row in table.rows]
    for each in serves:
        if each not in rows:
            raise UsageError(f'--serves: expected TABLE/ROW, found "{each}"{nearest(each, rows)}')


def run(checkpoint: Checkpoint) -> int:
    """Which of a row's runs a file is, from 1."""
    return checkpoint.run or 1


def network(tables: Mapping[str, Table], row: str) -> str:
    """The row, as `table1/byol`, that is trained for a row: itself, or the one that it is `same_as`."""
    table, _, name = row.partition("/")
    return next((one.same_as for one in tables[table].rows if one.id == name and one.same_as), row)


def of_row(tables: Mapping[str, Table], row: str, known: Mapping[str, Checkpoint]) -> list[Checkpoint]:
    """The weight files of a row, as `table1/byol`, one for each of its runs, in their order.

    Where two are the same run, the later of `known` counts: lists of the user's own stand behind the shipped one.
    """
    by_run = {run(each): each for each in serving(tables, row, known)}
    return [by_run[number] for number in sorted(by_run)]


def serving(tables: Mapping[str, Table], row: str, known: Mapping[str, Checkpoint]) -> list[Checkpoint]:
    """The weight files that a row's table names, and those that say they serve it or another row of its network."""
    wanted = network(tables, row)
    named = {
        name
        for key in (row, wanted)
        for one in tables[key.partition("/")[0]].rows
        if one.id == key.partition("/")[2]
        for name in one.checkpoints
    }
    return [
        each
        for each in known.values()
        if each.name in named or any(network(tables, served) == wanted for served in each.serves)
    ]


def with_classifiers(found: Iterable[Checkpoint], known: Mapping[str, Checkpoint]) -> list[Checkpoint]:
    """Each file, with the classifier that goes with it behind it; none twice."""
    chosen: dict[str, Checkpoint] = {}
    for each in found:
        chosen.setdefault(each.name, each)
        if each.classifier is not None:
            chosen.setdefault(each.classifier, known[each.classifier])
    return list(chosen.values())


def check_new(
    entry: Checkpoint, tables: Mapping[str, Table], known: Mapping[str, Checkpoint], *, shipped: Collection[str]
) -> dict[str, str]:
    """See that an entry of the user's fits into the list; gives the shipped files that it replaces, with the row.

    Raises `UsageError` where it serves no row and is no classifier, where its classifier is none, and where another
    file of the user's is that run of the row already.
    """
    if entry.layout in CLASSIFIERS and entry.serves:
        raise UsageError(
            "--serves: a classifier alone serves no row; add it without, then its encoder with --classifier "
            f"{entry.name}"
        )
    if entry.layout not in CLASSIFIERS and not entry.serves:
        raise UsageError("--serves: expected TABLE/ROW, the row whose network it is, found none")
    fault = classifier_fault(entry, known) if entry.classifier else ""
    if fault:
        names = [name for name, each in known.items() if each.layout in CLASSIFIERS]
        raise UsageError(f"--classifier: {fault}{nearest(str(entry.classifier), names)}")
    found = {each.name: row for row in entry.serves for each in serving(tables, row, known) if run(each) == run(entry)}
    for name, row in found.items():
        if name not in shipped:
            raise UsageError(f'--run: "{name}", of your own, is run {run(entry)} of {row} already; say another run')
    return found


def same(tables: Mapping[str, Table]) -> dict[str, list[str]]:
    """Row -> the rows that are `same_as` it."""
    found: dict[str, list[str]] = {}
    for name, table in tables.items():
        for row in table.rows:
            if row.same_as:
                found.setdefault(row.same_as, []).append(f"{name}/{row.id}")
    return found


def selected(
    specs: Specs, known: Checkpoints, names: Sequence[str], *, table: str, rows: str
) -> tuple[list[Checkpoint], dict[str, str]]:
    """The files that are meant, and the rows among them that have none, with what is known of that.

    By name, by the rows of a table with commas between, or all. Raises `UsageError` for what there is not.
    """
    by_name = {each.name: each for each in known.checkpoints}
    for name in names:
        if name not in by_name:
            raise UsageError(
                f'no weight file "{name}" in the list{nearest(name, by_name)}; repro checkpoints list shows them'
            )
    if rows and not table:
        raise UsageError("--rows: expected --table as well, which they are rows of")
    if not table and not names:
        return list(by_name.values()), dict(known.missing)
    keys = _keys(specs, table, rows) if table else set()
    theirs = {each.name for row in keys for each in serving(specs.tables, row, by_name)}
    found = [each for each in known.checkpoints if each.name in theirs]
    chosen = {each.name: each for each in [*(by_name[name] for name in names), *found]}
    return list(chosen.values()), {row: why for row, why in known.missing.items() if row in keys}


def _keys(specs: Specs, table: str, rows: str) -> set[str]:
    """Rows of a table, and those that they are `same_as`."""
    spec = specs.table(table)
    by_id = {row.id: row for row in spec.rows}
    wanted = [part.strip() for part in rows.split(",") if part.strip()] or list(by_id)
    for row in wanted:
        if row not in by_id:
            raise UsageError(f'{table} has no row "{row}"; there are {listed(by_id)}{nearest(row, by_id)}')
    return {f"{table}/{row}" for row in wanted} | {other for row in wanted if (other := by_id[row].same_as)}
