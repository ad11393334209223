"""Lists of weight files: whether one is right, and which of its files a person means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from repro.errors import UsageError
from repro.spec.model import Checkpoint, Checkpoints, Table
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
    for row in found.missing:
        if row not in known:
            faults.add(("missing", row), f'missing: "{row}" is no row{nearest(row, rows)}')


def check_rows(tables: Mapping[str, Table], serves: Sequence[str]) -> None:
    """See that each row, as `table1/byol`, is there; raises `UsageError` with the nearest."""
    rows = [f"{name}/{row.id}" for name, table in tables.items() for row in table.rows]
    for each in serves:
        if each not in rows:
            raise UsageError(f'--serves: expected TABLE/ROW, found "{each}"{nearest(each, rows)}')


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
    serving = [each for each in known.checkpoints if keys & set(each.serves)]
    chosen = {each.name: each for each in [*(by_name[name] for name in names), *serving]}
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
