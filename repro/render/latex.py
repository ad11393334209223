"""A table for a paper: booktabs and siunitx, reported and ours under one another."""

from __future__ import annotations

from repro.judge.board import Board
from repro.judge.cells import Verdict
from repro.render import marks
from repro.render.printable import printable

SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "α": r"$\alpha$",
    "ε": r"$\epsilon$",
    "τ": r"$\tau$",
    "β": r"$\beta$",
    "×": r"$\times$",
    "−": r"$-$",
    "≥": r"$\ge$",
    "≤": r"$\le$",
    "§": r"\S{}",
}
VERDICT = {
    Verdict.REPRODUCED: r"\checkmark",
    Verdict.WITHIN: r"\approx",
    Verdict.INCONCLUSIVE: r"\sim",
    Verdict.EXCEEDS: r"\uparrow",
    Verdict.DIFFERS: r"\times",
    Verdict.SUSPECT: "?",
}


def escape(text: str) -> str:
    """Text that LaTeX prints as it stands.

    >>> escape("50 % of k_1, α = 2")
    '50 \\\\% of k\\\\_1, $\\\\alpha$ = 2'
    """
    return "".join(SPECIAL.get(sign, sign) for sign in printable(text))


def table(board: Board) -> str:
    """A whole `table` environment; needs the packages booktabs, siunitx and amssymb."""
    columns = board.columns
    heads = " & ".join(f"{{{escape(column.label)}}}" for column in columns)
    lines = [
        f"% {board.table.id}, profile {board.profile.id}; needs \\usepackage{{booktabs,siunitx,amssymb}}",
        f"% judged by the rules {board.rules.stamp}",
        *(f"% the rules changed after there were results: {words}" for words in board.rules.changed),
        r"\begin{table}",
        r"\centering",
        r"\sisetup{separate-uncertainty=true, table-align-uncertainty=true, table-format=2.2(3)}",
        rf"\caption{{{escape(_caption(board))}}}",
        rf"\label{{tab:{board.table.id}}}",
        rf"\begin{{tabular}}{{ll{'S' * len(columns)}}}",
        r"\toprule",
        rf"Model & & {heads} \\",
        r"\midrule",
    ]
    block = board.rows[0].block if board.rows else None
    for row in board.rows:
        if row.block != block:
            lines.append(r"\midrule")
            block = row.block
        cells = [board.cells[row.id, column.id] for column in columns]
        reported = " & ".join(_number(marks.printed(cell.reported)) for cell in cells)
        ours = " & ".join(_number(marks.measured(cell), VERDICT.get(cell.verdict, "")) for cell in cells)
        lines += [rf"{escape(row.label)} & reported & {reported} \\", rf" & ours & {ours} \\"]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}", ""])


def _caption(board: Board) -> str:
    seeds = len(board.options.seeds)
    leg = f", {board.leg}" if board.leg else ""
    means = f"Ours: profile {board.profile.id}{leg}, {seeds} seed{'s' if seeds > 1 else ''}."
    if board.profile.judges == "claims":
        means += " Measured on stand-in data; not to be compared with the reported numbers."
    return f"{board.table.title} of the paper, reported and ours. {board.table.caption} {means}"


def _number(text: str, sign: str = "") -> str:
    """A number for an S column, with a sign behind it; words are braced."""
    if not text[:1].isdigit() and text[:1] != "-":
        return f"{{{escape(text)}}}"
    return text.replace("±", "+-") + (f" {{${sign}$}}" if sign else "")
