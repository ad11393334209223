"""The numbers that a profile is expected to give: how ours stand to them, and the file they are kept in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from repro.judge.board import Board
from repro.judge.cells import Cell, Guard
from repro.render import marks

_KEPT = "# Made by repro export --format expected; a line for each row, mean ± standard deviation (ddof 1) over seeds."


def sentences(board: Board) -> Iterator[str]:
    """How many cells are as expected, then each that is not; nothing where nothing is expected."""
    guards = {key: cell.guard for key, cell in board.cells.items() if cell.guard is not None}
    if not guards:
        return
    moved = {key: guard for key, guard in guards.items() if guard.differs}
    runs = next(iter(guards.values())).runs
    yield (
        f"expected of {board.profile.id} from {runs} seeds: {len(guards) - len(moved)} of {len(guards)} cells are as "
        "expected"
    )
    for (row, column), guard in moved.items():
        yield f"{row}:{column} {_beside(guard, board.cells[row, column])}"


def _beside(guard: Guard, cell: Cell) -> str:
    return (
        f"is {marks.measured(cell)}, expected {marks.printed(guard.expected)} "
        f"(p = {guard.table_p:.2g} as one of all cells)"
    )


def toml(board: Board, *, command: str, machines: Sequence[str]) -> str:
    """A table's part of `profiles/expected/<profile>.toml`, of the cells whose every seed was measured."""
    cells: dict[str, list[str]] = {}
    for (row, column), cell in board.cells.items():
        if len(cell.seeds) == len(board.options.seeds):
            cells.setdefault(row, []).append(f'{_key(column)} = "{marks.measured(cell, gap=" ")}"')
    lines = [
        _KEPT,
        f"[tables.{board.table.id}]",
        f"command = {json.dumps(command, ensure_ascii=False)}",
        f"machine = {json.dumps('; '.join(machines), ensure_ascii=False)}",
        f"seeds   = [{', '.join(map(str, board.options.seeds))}]",
        f"[tables.{board.table.id}.cells]",
        *(f"{_key(row)} = {{ {', '.join(found)} }}" for row, found in cells.items()),
    ]
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    """A name as a key of TOML.

    >>> _key("moco-k16384"), _key("a.b")
    ('moco-k16384', '"a.b"')
    """
    return f'"{name}"' if "." in name else name
