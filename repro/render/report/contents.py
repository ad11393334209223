"""What the page is made of: judged tables, what they rest on, the audit and drawn figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from repro.judge.audit import Audit
from repro.judge.board import Board
from repro.judge.provenance import Environment, Origin, Work, environments
from repro.plan.expand import CellKey, Plan
from repro.plan.typed import again
from repro.render.report.picture import Picture
from repro.store import Store


@dataclass(frozen=True)
class Chapter:
    """One table or figure: judged, with the plan and the records behind it."""

    board: Board
    plan: Plan
    origin: Origin

    @property
    def id(self) -> str:
        """The table's own."""
        return self.board.table.id


@dataclass(frozen=True)
class Report:
    """All that the page shows; `typed` are the options as a person typed them, for the lines that do a cell again."""

    chapters: tuple[Chapter, ...]
    audit: Audit
    store: Store
    typed: Mapping[str, Any] = field(default_factory=dict)
    pictures: Mapping[str, Picture] = field(default_factory=dict)  # id of a figure -> as it was drawn

    @cached_property
    def works(self) -> tuple[Work, ...]:
        """Every job of every table, each once."""
        found = {work.job.id: work for chapter in self.chapters for work in chapter.origin.works}
        return tuple(found.values())

    @cached_property
    def environments(self) -> list[Environment]:
        """Where the records were made, the first used first."""
        return environments(self.works)

    def command(self, table: str, key: CellKey) -> str:
        """The line that does a cell, as it is typed."""
        row, column = key
        return f"repro run {again(table, {**self.typed, 'rows': row, 'columns': column})}"

    def span(self) -> tuple[str, str] | None:
        """When the first and the last of the jobs began that have a record."""
        started = sorted(work.record.started for work in self.works if work.record)
        return (started[0], started[-1]) if started else None
