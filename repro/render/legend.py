"""What stands below a table wherever it is exported: what the signs say, the units, why a cell has no number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from repro.judge.board import Board
from repro.judge.cells import Cell, Flag, Verdict
from repro.render import marks

MEANING = {
    Verdict.REPRODUCED: "no difference is seen, and one as large as the margin is ruled out",
    Verdict.INCONCLUSIVE: "no difference is seen, and one as large as the margin is not ruled out",
    Verdict.WITHIN: "a difference is seen, and it is smaller than the margin",
    Verdict.EXCEEDS: "better than reported, beyond chance",
    Verdict.DIFFERS: "not as reported, beyond chance",
    Verdict.PARTIAL: "not all that was asked for is there",
    Verdict.SUSPECT: "the reported number is no target",
}
ALONE = "in parentheses: so by itself, but within chance among all cells of the table"
NAMES = {"mce": "mCE"}  # of units, where they are not the word itself


def signs(board: Board) -> Iterator[Verdict]:
    """The verdicts whose signs a table shows, in the order of the list of verdicts."""
    shown = {cell.verdict for cell in board.cells.values() if cell.seeds}
    if any(is_suspect(board, cell) for cell in board.cells.values()):
        shown.add(Verdict.SUSPECT)
    yield from (verdict for verdict in Verdict if verdict in shown and marks.SIGN[verdict])


def sign(cell: Cell, written: Mapping[Verdict, str] = marks.SIGN) -> str:
    """The sign of a cell's verdict as `written`; in parentheses where it holds of the cell alone."""
    found = written.get(cell.verdict, "") if cell.seeds else ""
    return f"({found})" if found and Flag.ALONE in cell.flags else found


def is_suspect(board: Board, cell: Cell) -> bool:
    """Whether the reported number of a cell must not be a target."""
    return any(cell.column in row.suspect for row in board.rows if row.id == cell.row)


def has_alone(board: Board) -> bool:
    """Whether the sign of any cell stands in parentheses."""
    return any(Flag.ALONE in cell.flags for cell in board.cells.values())


def units(board: Board) -> str:
    """In which unit the numbers are: one sentence, with the columns that differ from most named."""
    found = [column.unit for column in board.columns]
    if not found:
        return ""
    most = max(found, key=found.count)
    others = [
        f"{column.label}: {NAMES.get(column.unit, column.unit)}" for column in board.columns if column.unit != most
    ]
    return "; ".join([f"Unit: {NAMES.get(most, most)}", *others]) + "."


def notes(board: Board) -> dict[str, int]:
    """Why cells have no number, or not all they should: each reason with its number, in the order of the cells."""
    told: dict[str, int] = {}
    for cell in board.cells.values():
        if needs_note(cell):
            told.setdefault(cell.reason, len(told) + 1)
    return told


def needs_note(cell: Cell) -> bool:
    """Whether a cell's number is missing or rests on less than was asked for."""
    return not cell.seeds or cell.verdict is Verdict.PARTIAL


def opening(board: Board) -> str:
    """Whose numbers these are: the profile, the seeds, what they may be compared with."""
    seeds = ", ".join(str(seed) for seed in board.options.seeds)
    leg = f", {board.leg}" if board.leg else ""
    many = f"mean ± standard deviation over seeds {seeds}" if len(board.options.seeds) > 1 else f"seed {seeds}"
    words = f"Ours: profile {board.profile.id}{leg}, {many}."
    if board.profile.judges == "claims":
        words += " Measured on stand-in data; not to be compared with the reported numbers."
    return words
