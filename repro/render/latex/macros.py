r"""Numbers for the text of a paper: `\repro{table1.ROW.COLUMN}` in LaTeX, an error where the results have changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from repro.judge.board import Board
from repro.judge.cells import Cell
from repro.judge.evidence import Evidence, Trace
from repro.judge.statistics import summarise
from repro.render import marks
from repro.render.latex import tex

DEFINITIONS = Path(__file__).with_name("macros.tex")


def document(tables: Sequence[tuple[Board, Evidence]], *, results: str, command: str) -> str:
    """A file for the preamble of a paper: the macros, then every number with the MD5 of the records it rests on.

    `results`: the results folder as TeX finds it; `command`: what writes the file again.
    """
    lines = [
        *DEFINITIONS.read_text(encoding="utf-8").splitlines(),
        rf"\edef\repro@command{{{tex.verbatim(command)}}}",
        rf"\edef\repro@folder{{{tex.verbatim(results)}}}",
        *(line for board, evidence in tables for line in _table(board, evidence)),
        r"\endlinechar=13 \makeatother",
    ]
    return "\n".join([*lines, ""])


def _table(board: Board, evidence: Evidence) -> Iterator[str]:
    yield f"% {board.table.id}, profile {board.profile.id}, judged by the rules {board.rules.stamp}"
    yield rf"\def\repro@rules{{\repro@judged{_of(evidence.rules)}}}"
    for key, cell in board.cells.items():
        yield _cell(f"{board.table.id}.{cell.row}.{cell.column}", cell, evidence.records.get(key, ()))


def _cell(name: str, cell: Cell, records: Sequence[Trace]) -> str:
    """A cell's numbers, empty where there is none, and the records that were looked for."""
    mean, _, deviation = marks.measured(cell).partition("±") if cell.seeds else ("", "", "")
    decimals = marks.DECIMALS.get(cell.unit, 2)
    parts = [
        name,
        mean,
        deviation,
        str(summarise(list(cell.seeds.values())).n) if cell.seeds else "",
        marks.printed(cell.reported).replace("±", "+-") if cell.reported else "",
        f"{cell.judgement.difference:+.{decimals}f}" if cell.judgement else "",
        str(cell.verdict),
        tex.verbatim(f"{cell.verdict}, {cell.reason}"),
        "".join(rf"\repro@record{_of(record)}" for record in records),
    ]
    return rf"\repro@cell{''.join(f'{{{part}}}' for part in parts)}"


def _of(trace: Trace) -> str:
    return f"{{{trace.path}}}{{{trace.md5}}}"
