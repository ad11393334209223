"""Judged tables for tests of what shows them, with results that no network gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

from repro.judge.board import Board, assemble
from repro.plan.expand import Options, Plan, expand
from repro.spec import load
from repro.spec.profile import Profile
from repro.store import Record, Store

SPECS = load.specs()


def profile(*, judges: str = "claims") -> Profile:
    """The profile `mini`, which judges cells or claims as asked, and expects nothing."""
    mini = load.profile("mini").model_dump(by_alias=True)
    return Profile.model_validate({**mini, "judges": judges, "expected": {}})


class Shelf(Store):
    """A results folder that has a record of a share of the jobs, each with a number for every metric."""

    def __init__(self, plan: Plan, *, share: float) -> None:
        super().__init__(Path("results"))
        self.plan, self.share = plan, share
        self.units = {column.metric: column.unit for column in plan.table.columns}

    def read(self, job: str, content: Mapping[str, Any] | None = None) -> Record | None:
        """A record whose numbers depend on the job's name alone; none of another table's job."""
        if job not in self.plan.jobs:
            return None
        chance = crc32(self.plan.jobs[job].label.encode()) / 2**32
        if chance >= self.share:
            return None
        values = {metric: chance - 0.4 if unit == "cosine" else 100 * chance for metric, unit in self.units.items()}
        return Record(job, {}, "", values, {}, "", 1.0, 1.0, {})


def shelved(table: str, *, judges: str = "claims", share: float = 1.0, seeds: Sequence[int] = (0, 1, 2)) -> Board:
    """A table of the project with that share of its results."""
    plan = expand(SPECS.tables, SPECS.table(table), profile(judges=judges), Options(seeds=seeds))
    return assemble(SPECS.tables, plan, Shelf(plan, share=share))
