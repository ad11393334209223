"""The cells and claims of a certificate judged anew, by its own tables and policy, on numbers that are handed in."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from repro.judge.board import Board, assemble, readings
from repro.judge.certificate import essentials, layout, premises
from repro.judge.measured import Measured
from repro.judge.policy import Policy
from repro.plan.jobs import Job
from repro.plan.outline import Options, Plan
from repro.spec.model import Table
from repro.spec.profile import Profile
from repro.store import Failure, Record, Store

Values = Mapping[str, Mapping[str, Any]]  # id of an evaluation -> what it says
_WORK = Job("evaluate", {}, None, {}, "", 1, "cpu", "")  # of which a verdict asks nothing but its number


@dataclass(frozen=True)
class Known:
    """A table before it is judged; `beside`: by table, the cells of other tables that its claims rest on."""

    table: str
    cells: Sequence[layout.Numbers]
    beside: Mapping[str, Sequence[layout.Numbers]]


@dataclass(frozen=True)
class Ground:
    """What verdicts rest on besides the numbers."""

    tables: Mapping[str, Table]
    profile: Profile
    options: Options
    policy: Policy


def ground(
    specs: Mapping[str, premises.Spec], means: premises.Means, policy: Mapping[str, Any], asked: premises.Asked
) -> Ground:
    """What verdicts rest on, from the parts of a certificate."""
    tables = {name: essentials.as_table(name, spec) for name, spec in specs.items()}
    options = Options(
        seeds=asked.seeds,
        rows=asked.rows,
        columns=asked.columns,
        limit=asked.limit,
        device=asked.device,
        source=asked.source,
    )
    return Ground(tables, essentials.as_profile(means), options, premises.policy(policy))


def known(held: layout.Judged) -> Known:
    """A table of a certificate without its verdicts."""
    return Known(held.table, held.cells, held.beside)


def judge(known: Known, on: Ground, values: Values) -> Board:
    """Judge a table as `repro check` does; `values`: what its evaluations say."""
    board = _assembled(known.table, known.cells, on, values)
    cells = {name: _assembled(name, others, on, values).cells for name, others in known.beside.items()}
    table, boards = on.tables[known.table], {**cells, known.table: board.cells}
    ours = Measured(on.tables, lambda name: boards.get(name, {}), limit=on.options.limit)
    return replace(board, table=table, claims=readings(table, ours, profile=on.profile, policy=on.policy))


def _assembled(name: str, cells: Sequence[layout.Numbers], on: Ground, values: Values) -> Board:
    """Cells of a table, without its claims: those may ask of other tables what a certificate has no plan for."""
    table = on.tables[name].model_copy(update={"claims": []})
    rows, columns = {cell.row for cell in cells}, {cell.column for cell in cells}
    plan = Plan(
        table,
        on.profile,
        on.options,
        [row for row in table.rows if row.id in rows],
        [column for column in table.columns if column.id in columns],
    )
    failed = set()
    for cell in cells:
        key = (cell.row, cell.column)
        if cell.blocked is not None:
            plan.blocked[key] = cell.blocked
        plan.cells[key] = {seed.seed: seed.job for seed in cell.seeds}
        plan.jobs.update(dict.fromkeys(plan.cells[key].values(), _WORK))
        failed |= {seed.job for seed in cell.seeds if seed.failed}
    return assemble(on.tables, plan, _Told(values, failed), policy=on.policy)


class _Told(Store):
    """In place of a results folder: what evaluations say is told, and nothing is read."""

    def __init__(self, values: Values, failed: Collection[str]) -> None:
        super().__init__(Path("results"))
        self.values, self.failed = values, failed

    def read(self, job: str, content: Mapping[str, Any] | None = None) -> Record | None:
        """What is told of a job."""
        told = self.values.get(job)
        return None if told is None else Record(job, {}, "", told, {}, "", 0.0, 0.0, {})

    def failure(self, job: str) -> Failure | None:
        """That the last try failed, where it did; why is not told."""
        return Failure("the last try failed", Path("log.txt")) if job in self.failed else None

    def rules(self, name: str) -> list[dict[str, Any]]:
        """None: that rules were changed is told by `grounds`."""
        return []
