"""A judged table as cases of a test: each cell and each claim passed, failed or was skipped, with the whole reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from repro.judge.board import Board, ClaimReading
from repro.judge.cells import Cell, Flag, Verdict
from repro.judge.claims import ClaimVerdict

State = Literal["passed", "failed", "error", "skipped"]
NEUTRAL = (Verdict.INCONCLUSIVE, Verdict.SUSPECT, Verdict.PARTIAL, Verdict.NOT_RUN, Verdict.NOT_RUNNABLE)
"""Neither for the paper nor against it: an inconclusive cell is never green."""


@dataclass(frozen=True)
class Case:
    """`error` is a cell whose last try failed; `message` is empty where there is nothing to say."""

    group: str  # "table1.cells"
    name: str  # "moco-k16384:imagenet", "C08"
    state: State
    message: str


def cases(board: Board) -> Iterator[Case]:
    """Cells row by row, then the claims of the paper."""
    for (row, column), cell in board.cells.items():
        words = f"{cell.verdict}: {cell.reason}" if cell.reason else str(cell.verdict)
        if cell.guard is not None:
            sense = "not as expected" if cell.guard.differs else "as expected"
            words += f"; {sense}: {cell.guard.judgement.reason.partition(';')[0]}"
        yield Case(f"{board.table.id}.cells", f"{row}:{column}", _of_cell(cell), words)
    for reading in board.claims:
        if reading.claim.of_paper:
            words = f"{reading.standing}: {reading.claim.statement} {reading.ours.reason}".strip()
            yield Case(f"{board.table.id}.claims", reading.claim.id, _of_claim(reading), words)


def _of_cell(cell: Cell) -> State:
    if cell.fails or (cell.guard is not None and cell.guard.differs):
        return "failed"
    if cell.verdict is Verdict.FAILED:
        return "error"
    neutral = cell.verdict in NEUTRAL or Flag.ALONE in cell.flags
    return "skipped" if neutral else "passed"


def _of_claim(reading: ClaimReading) -> State:
    if reading.ours.verdict in (ClaimVerdict.NOT_RUN, ClaimVerdict.NOT_APPLICABLE):
        return "skipped"
    return "failed" if reading.counts_against else "passed"
