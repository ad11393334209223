"""Our own numbers, asked for as the paper's are."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from repro.judge.cells import Cell, Verdict
from repro.judge.findings import Missing
from repro.judge.printed import Printed
from repro.judge.statistics import Sample, Spread, summarise
from repro.plan.outline import CellKey
from repro.spec.model import Table


class Measured(Printed):
    """Cells as we measured them; `cells` gives those of a table, and is asked once of each that a claim rests on."""

    def __init__(
        self, tables: Mapping[str, Table], cells: Callable[[str], Mapping[CellKey, Cell]], *, limit: int | None
    ) -> None:
        super().__init__(tables)
        self.limit = limit
        self._look, self._boards = cells, dict[str, Mapping[CellKey, Cell]]()

    def _cells(self, table: str) -> Mapping[CellKey, Cell]:
        if table not in self._boards:
            self._boards[table] = self._look(table)
        return self._boards[table]

    def _deviations(self, table: str, column: str) -> list[Spread]:
        """Over the seeds of our rows."""
        cells = [cell for (_, name), cell in self._cells(table).items() if name == column and cell.seeds]
        samples = [summarise(list(cell.seeds.values())) for cell in cells]
        return [Spread(each.std, each.n) for each in samples if each.std is not None]

    def value(self, table: str, row: str, column: str) -> Sample | Missing:
        """A cell as we measured it."""
        cell = self._cells(table).get((row, column))
        if cell is None:
            return Missing(f"{table}/{row}:{column} was not asked for")
        if not cell.seeds or (cell.verdict is Verdict.PARTIAL and self.limit is not None):
            return Missing(f"{table}/{row}:{column}: {cell.verdict}, {cell.reason}")
        return summarise(list(cell.seeds.values()))
