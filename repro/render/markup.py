"""The comparison as Markdown and as CSV."""

from __future__ import annotations

import csv as writer
import io

from tabulate import tabulate

from repro.judge.board import Board
from repro.judge.statistics import summarise
from repro.render import marks
from repro.render.printable import printable


def markdown(board: Board) -> str:
    """A pipe table, reported and ours side by side, then the claims."""
    head = ["", *(f"{_safe(column.label)} {which}" for column in board.columns for which in ("reported", "ours"))]
    body = []
    for row in board.rows:
        line = [_safe(row.label)]
        for column in board.columns:
            cell = board.cells[row.id, column.id]
            line += [
                marks.printed(cell.reported, gap=" "),
                f"{marks.measured(cell, gap=' ')} {marks.SIGN[cell.verdict]}".strip(),
            ]
        body.append(line)
    seeds = ", ".join(str(seed) for seed in board.options.seeds)
    leg = f", {board.leg}" if board.leg else ""
    parts = [
        f"**{_safe(board.table.title)}**, profile `{board.profile.id}`{leg}, seeds {seeds}\n",
        tabulate(body, head, tablefmt="pipe", disable_numparse=True),
    ]
    if board.claims:
        claims = [
            [reading.claim.id, _safe(reading.claim.statement), str(reading.paper.verdict), reading.standing]
            for reading in board.claims
        ]
        parts += ["", tabulate(claims, ["claim", "", "in the paper", "ours"], tablefmt="pipe", disable_numparse=True)]
    parts += ["", f"Judged by the rules `{board.rules.stamp}`."]
    parts += [f"The rules changed after there were results: {_safe(words)}." for words in board.rules.changed]
    return "\n".join(parts) + "\n"


def _safe(text: str) -> str:
    return printable(text).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def csv(board: Board) -> str:
    """One line a cell: what is reported, what we measured, the verdict, its reason; empty where there is no number."""
    stream = io.StringIO()
    out = writer.writer(stream, lineterminator="\n")
    out.writerow(
        ["table", "profile", "row", "column", "reported_mean", "reported_std", "mean", "std", "n", "verdict", "reason"]
    )
    for (row, column), cell in board.cells.items():
        reported = cell.reported
        ours = summarise(list(cell.seeds.values())) if cell.seeds else None
        numbers = [
            "" if reported is None else reported.mean,
            "" if reported is None or reported.std is None else reported.std,
            "" if ours is None else repr(float(ours.mean)),
            "" if ours is None or ours.std is None else repr(ours.std),
            0 if ours is None else ours.n,
        ]
        out.writerow([board.table.id, board.profile.id, row, column, *numbers, str(cell.verdict), _plain(cell.reason)])
    return stream.getvalue()


def _plain(text: str) -> str:
    """Text that a spreadsheet does not take for a formula."""
    text = printable(text)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") else text
