"""What a certificate says of a judged table."""

from __future__ import annotations

from typing import Any

from repro.judge import claims
from repro.judge.board import Board
from repro.judge.cells import Cell


def cells(board: Board) -> list[dict[str, Any]]:
    """Each cell with its verdict and what it rests on; the numbers of its seeds apart."""
    reported = {row.id: row.reported for row in board.rows}
    return [
        {"row": row, "column": column, "reported": reported[row].get(column), **_cell(cell)}
        for (row, column), cell in board.cells.items()
    ]


def _cell(cell: Cell) -> dict[str, Any]:
    found, guard = cell.judgement, cell.guard
    expected = guard and [float(guard.expected.mean), None if guard.expected.std is None else float(guard.expected.std)]
    return {
        "verdict": str(cell.verdict),
        "reason": cell.reason,
        "flags": [str(flag) for flag in cell.flags],
        "difference": found.difference if found else None,
        "literal": found.literal if found else None,
        "interval": list(found.interval) if found and found.interval else None,
        "difference_p": found.difference_p if found else None,
        "equivalence_p": found.equivalence_p if found else None,
        "spread_p": found.spread_p if found else None,
        "table_p": cell.table_p,
        "further_seeds": found.further_seeds if found else None,
        "guard": guard and {"expected": expected, "table_p": guard.table_p, "differs": guard.differs},
    }


def readings(board: Board) -> list[dict[str, Any]]:
    """Each claim on the paper's own numbers and on ours."""
    return [{"id": one.claim.id, "paper": _reading(one.paper), "ours": _reading(one.ours)} for one in board.claims]


def _reading(found: claims.Reading) -> dict[str, Any]:
    return {
        "holds": found.holds,
        "verdict": str(found.verdict),
        "reason": found.reason,
        "findings": [_finding(each) for each in found.findings],
    }


def _finding(found: claims.Finding) -> dict[str, Any]:
    return {
        "statement": found.statement,
        "estimate": None if found.estimate is None else float(found.estimate),
        "interval": None if found.interval is None else list(found.interval),
        "p": found.p,
        "holds": found.holds,
        "verdict": str(found.verdict),
    }


def summary(board: Board) -> dict[str, Any]:
    """How many cells have each verdict, and what a check ends with."""
    code, reason = board.outcome()
    return {
        "counts": dict(board.counts()),
        "outcome": {"exit": code, "reason": reason},
    }
