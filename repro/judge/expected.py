"""Our numbers beside those that a profile is expected to give: whether our own code still does what it did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from repro.errors import SpecError
from repro.judge.cells import Cell, CellJudgement, Guard, Verdict, judge_cell
from repro.judge.policy import Policy
from repro.judge.statistics import Spread, Spreads, holm
from repro.plan.expand import CellKey, Plan
from repro.spec.numbers import Reported, parse_reported
from repro.spec.places import nearest
from repro.spec.profile import Expected
from repro.store import Store


def guarded(cells: Mapping[CellKey, Cell], plan: Plan, policy: Policy) -> dict[CellKey, Cell]:
    """The cells, those that are measured whole and expected with a guard.

    The deviation of a run is that of the expected runs of its column, moderated where Bartlett's test forbids one for
    all; either side of the interval counts. A cell differs only where it does as one of all that are looked at.
    """
    one = plan.profile.expected.get(plan.table.id)
    if one is None:
        return dict(cells)
    wanted = _numbers(one, plan)
    spreads = _spreads(wanted, len(one.seeds))
    found = {
        key: _judged(wanted[key], cell, spreads[key[1]], len(one.seeds), policy)
        for key, cell in cells.items()
        if cell.verdict is Verdict.MEASURED and key in wanted
    }
    known = {key: each.difference_p for key, each in found.items() if each.difference_p is not None}
    joint = dict(zip(known, holm(list(known.values())), strict=True))
    guards = {
        key: Guard(wanted[key], len(one.seeds), found[key], p, differs=p < policy.level) for key, p in joint.items()
    }
    return {key: replace(cell, guard=guards.get(key)) for key, cell in cells.items()}


def _numbers(one: Expected, plan: Plan) -> dict[CellKey, Reported]:
    """Every expected number; raises `SpecError` for one of a cell that the table has not."""
    rows, columns = ({part.id: None for part in parts} for parts in (plan.table.rows, plan.table.columns))
    where = f"expected/{plan.profile.id}.toml, {plan.table.id}"
    faults = [f'{where}: no row "{row}"{nearest(row, rows)}' for row in one.cells if row not in rows]
    faults += [
        f'{where}, row "{row}": no column "{column}"{nearest(column, columns)}'
        for row, cells in one.cells.items()
        for column in cells
        if column not in columns
    ]
    if faults:
        raise SpecError(faults)
    return {(row, column): parse_reported(text) for row, cells in one.cells.items() for column, text in cells.items()}


def _spreads(wanted: Mapping[CellKey, Reported], runs: int) -> dict[str, Spreads]:
    """Column -> the deviations of its expected numbers."""
    found: dict[str, list[Spread]] = {column: [] for _, column in wanted}
    for (_, column), number in wanted.items():
        if number.std is not None:
            found[column].append(Spread(float(number.std), runs))
    return {column: Spreads(each) for column, each in found.items()}


def _judged(expected: Reported, cell: Cell, spreads: Spreads, runs: int, policy: Policy) -> CellJudgement:
    """Our runs against the expected ones; these are ours too, so their deviation was divided by n - 1."""
    return judge_cell(
        expected,
        list(cell.seeds.values()),
        runs=runs,
        column_sds=spreads,
        margin=None,
        direction="none",
        policy=replace(policy, ddof=1),
    )


def machines(plan: Plan, store: Store) -> list[str]:
    """On which machines a plan's cells were measured, each once: processor, cores, system, versions."""
    told: dict[str, None] = {}
    for seeds in plan.cells.values():
        for record in filter(None, map(store.read, seeds.values())):
            found = record.environment
            packages = found.get("packages", {})
            system = " ".join(str(found.get("system", "")).split()[::2])
            versions = ", ".join(f"{name} {packages[name]}" for name in ("torch", "numpy") if name in packages)
            cores = f"{found.get('processor')}, {found.get('cores')} cores"
            told[f"{cores}, {system}, Python {found.get('python')}, {versions}"] = None
    return list(told)
