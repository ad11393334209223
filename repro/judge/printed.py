"""The paper's own numbers, for its claims."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from repro.judge.cells import Direction
from repro.judge.findings import Missing
from repro.judge.statistics import Sample, Spread
from repro.spec.model import Column, Row, Table
from repro.spec.numbers import parse_reported


def deviations(table: Table, column: Column) -> list[Spread]:
    """Every printed deviation of a column with its number of runs; a suspect cell's is left out."""
    spreads = []
    for row in table.rows:
        text = row.reported.get(column.id)
        reported = parse_reported(text) if text and column.id not in row.suspect else None
        if reported and reported.std is not None:
            spreads.append(Spread(float(reported.std), row.runs))
    return spreads


class Printed:
    """Cells as the tables print them, numbers of the text as they stand there."""

    def __init__(self, tables: Mapping[str, Table]) -> None:
        self.tables = tables
        self.texts = {text.id: parse_reported(text.printed).mean for table in tables.values() for text in table.texts}
        self._rows: dict[str, dict[str, Row]] = {}  # of the tables that were asked for
        self._spreads: dict[tuple[str, str], list[Spread]] = {}  # table, column -> asked for by each contrast

    def text(self, name: str) -> Decimal | Sample | Missing:
        """A number printed in the text."""
        return self.texts[name]

    def direction(self, table: str, column: str) -> Direction:
        """Which way is better in a column."""
        return next(part.direction for part in self.tables[table].columns if part.id == column)

    def spreads(self, table: str, column: str) -> list[Spread]:
        """The deviations that the cells of a column have."""
        if (table, column) not in self._spreads:
            self._spreads[table, column] = self._deviations(table, column)
        return self._spreads[table, column]

    def _deviations(self, table: str, column: str) -> list[Spread]:
        return deviations(self.tables[table], next(part for part in self.tables[table].columns if part.id == column))

    def value(self, table: str, row: str, column: str) -> Sample | Missing:
        """A cell as reported, here or where the row is the same as another's and the column measures the same."""
        found = self._row(table, row)
        printed = found.reported.get(column) or self._elsewhere(found, table, column)
        if printed is None:
            return Missing(f"{table}/{row}:{column} is not reported")
        reported = parse_reported(printed)
        return Sample(reported.mean, None if reported.std is None else float(reported.std), found.runs)

    def _row(self, table: str, name: str) -> Row:
        if table not in self._rows:
            self._rows[table] = {row.id: row for row in self.tables[table].rows}
        return self._rows[table][name]

    def _elsewhere(self, row: Row, table: str, column: str) -> str | None:
        if row.same_as is None:
            return None
        other, _, name = row.same_as.partition("/")
        wanted = next(part for part in self.tables[table].columns if part.id == column)
        twin = self._row(other, name)
        for part in self.tables[other].columns:
            if (part.dataset, part.evaluator, part.metric) == (wanted.dataset, wanted.evaluator, wanted.metric):
                return twin.reported.get(part.id)
        return None
