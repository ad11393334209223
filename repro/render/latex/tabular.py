r"""The tabulars of a judged table: numbers in siunitx's columns, page by page, at a size that fits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from repro.judge.board import Board
from repro.judge.cells import Cell, Verdict
from repro.render import legend, marks
from repro.render.latex import tex
from repro.render.latex.fitting import SIZES, Entry, Fit, Size, Strip, fit, height, joined, runs, wrapped
from repro.spec.model import Row

SIGN = {
    Verdict.REPRODUCED: r"$\checkmark$",
    Verdict.INCONCLUSIVE: r"$\sim$",
    Verdict.WITHIN: r"$\approx$",
    Verdict.EXCEEDS: r"$\uparrow$",
    Verdict.DIFFERS: r"$\times$",
    Verdict.SUSPECT: "?",
}
NOTE = SIZES[2]  # of what stands below a table
_SIGN_WIDTH, _NOTE_WIDTH, _THIN = 8.0, 4.5, 2.4  # points of a sign, of a digit of a note, of the space around them
_RULE, _GAP = 5.5, 0.5  # points of a rule with its space, and between rows
_REASONS, _ROOM = 20, 250.0  # at most so many reasons, in so many points


@dataclass(frozen=True)
class Grid:
    """A table as it is to be set; `lines`: of entries that a row has; `over`: heads that each span two strips."""

    rows: Sequence[Row]
    strips: Sequence[Strip]
    lines: int
    over: Sequence[str]
    fit: Fit


def grid(board: Board, *, lines: int, sizes: Sequence[Size]) -> Grid:
    """Reported and ours abreast where all of that fits at full size, ours below reported elsewhere.

    `lines`: over how many lines a label may go.
    """
    last = len(reasons(board))
    notes = {reason: min(number, last) for reason, number in legend.notes(board).items()}
    reported, ours = (
        [[make(board, board.cells[row.id, column.id], notes) for row in board.rows] for column in board.columns]
        for make in (_reported, _ours)
    )
    labels, heads = [row.label for row in board.rows], [column.label for column in board.columns]
    columns = list(zip(reported, ours, strict=True))
    pairs = [
        Strip(head, tuple(entries))
        for both in columns
        for head, entries in zip(("reported", "ours"), both, strict=True)
    ]
    abreast = fit(pairs, labels, lines=1)
    if abreast.size == SIZES[0]:
        return Grid(board.rows, pairs, 1, heads, abreast)
    strips = [
        Strip(head, tuple(entry for both in zip(*entries, strict=True) for entry in both))
        for head, entries in zip(heads, columns, strict=True)
    ]
    return Grid(board.rows, strips, 2, [], fit(strips, labels, lines=lines, sizes=sizes))


def _reported(board: Board, cell: Cell, _: Mapping[str, int]) -> Entry:
    sign = SIGN[Verdict.SUSPECT] if legend.is_suspect(board, cell) else ""
    return Entry(marks.printed(cell.reported), sign, _THIN + _SIGN_WIDTH if sign else 0.0)


def _ours(_: Board, cell: Cell, notes: Mapping[str, int]) -> Entry:
    sign = legend.sign(cell, SIGN)
    number = str(notes[cell.reason]) if legend.needs_note(cell) else ""
    width = (_SIGN_WIDTH * (2 if sign.startswith("(") else 1) if sign else 0.0) + _NOTE_WIDTH * len(number)
    note = rf"\textsuperscript{{{number}}}" if number else ""
    return Entry(marks.measured(cell), sign + note, _THIN + width if sign or note else 0.0)


def reasons(board: Board) -> list[str]:
    """Why cells have no number, as far as there is room; the last stands for all others then."""
    told = list(legend.notes(board))
    kept = len(told)
    while kept > _REASONS or height(told[:kept], NOTE) > _ROOM:
        kept -= 1
    if kept == len(told):
        return told
    return [*told[:kept], f"one of {len(told) - kept} other reasons; the export as CSV has them all"]


def pages(found: Grid, room: float) -> tuple[list[list[str]], float]:
    """Tabulars page by page, and what is left of the last one.

    Each group of columns stands below the one before; rows are cut where a page of `room` points ends.
    """
    whole: list[list[str]] = [[]]
    left = room
    for group in found.fit.groups:
        start = 0
        while start < len(found.rows):
            end = start + 1
            while end < len(found.rows) and _height(found, group, start, end + 1) <= left:
                end += 1
            if whole[-1] and _height(found, group, start, end) > left:
                whole.append([])
                left = room
                continue
            whole[-1].append(_tabular(found, group, start, end))
            left -= _height(found, group, start, end)
            start = end
    return whole, left


def _height(found: Grid, group: Sequence[int], start: int, end: int) -> float:
    """Points of a tabular of some rows, rather too many."""
    head = max(len(wrapped(found.strips[place].head, found.strips[place].width)) for place in group)
    head += max((len(wrapped(head, _pair(found.strips, 2 * at))) for at, head in enumerate(found.over)), default=0)
    lines = head + sum(max(len(_label(found, row)), found.lines) for row in found.rows[start:end])
    rules = 4 + sum(one.block != other.block for one, other in pairwise(found.rows[start:end]))
    return lines * found.fit.size.skip + rules * _RULE + (end - start) * _GAP


def _label(found: Grid, row: Row) -> list[str]:
    return wrapped(row.label, found.fit.label / found.fit.size.scale)


def _tabular(found: Grid, group: Sequence[int], start: int, end: int) -> str:
    strips = joined([found.strips[place] for place in group])
    columns = "".join(f"S[table-format={strip.form}]" + (r"@{\,}l" if strip.has_signs else "") for strip in strips)
    lines = [rf"\begin{{tabular}}{{@{{}}l{columns}@{{}}}}", r"\toprule", *_heads(found, strips)]
    for place in range(start, end):
        if place > start and found.rows[place].block != found.rows[place - 1].block:
            lines.append(r"\midrule")
        elif place > start and found.lines > 1:
            lines.append(rf"\addlinespace[{_GAP}pt]")
        lines += _row(found, strips, place)
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"])


def _heads(found: Grid, strips: Sequence[Strip]) -> Iterator[str]:
    spans = [1 + strip.has_signs for strip in strips]
    if found.over:
        places = range(0, len(strips), 2)
        widths = [sum(spans[place : place + 2]) for place in places]
        over = [wrapped(head, _pair(strips, place)) for head, place in zip(found.over, places, strict=True)]
        yield " & ".join(["", *(_spanned(lines, width) for lines, width in zip(over, widths, strict=True))]) + r" \\"
        ends = [1 + sum(widths[: place + 1]) for place in range(len(widths))]
        yield "".join(rf"\cmidrule(lr){{{end - width + 1}-{end}}}" for end, width in zip(ends, widths, strict=True))
    heads = [_spanned(wrapped(strip.head, strip.width), span) for strip, span in zip(strips, spans, strict=True)]
    yield " & ".join(["Model", *heads]) + r" \\"
    yield r"\midrule"


def _pair(strips: Sequence[Strip], place: int) -> float:
    """Points at 10 points of two strips abreast, with the space between them."""
    return strips[place].width + strips[place + 1].width + 2 * SIZES[0].gap


def _spanned(lines: Sequence[str], columns: int) -> str:
    stack = r"\\".join(tex.escape(line) for line in lines)
    text = rf"\shortstack{{{stack}}}" if len(lines) > 1 else stack
    return rf"\multicolumn{{{columns}}}{{c}}{{{text}}}" if columns > 1 else f"{{{text}}}"


def _row(found: Grid, strips: Sequence[Strip], place: int) -> Iterator[str]:
    """The lines of a row; its label goes over as many of them as it needs."""
    label = _label(found, found.rows[place])
    for line in range(max(len(label), found.lines)):
        name = tex.escape(label[line]) if line < len(label) else ""
        name = f"{{}}{name}" if name[:1] in ("[", "*") else name  # behind \\ these would be taken for its options
        cells = _entries(strips, place * found.lines + line) if line < found.lines else []
        yield " & ".join([name, *cells]) + r" \\"


def _entries(strips: Sequence[Strip], line: int) -> Iterator[str]:
    """The cells of a line; words that hold for several of them stand there once."""
    entries = [strip.entries[line] for strip in strips]
    for start, end in runs(entries):
        entry, strip = entries[start], strips[start]
        if end - start > 1:
            columns = sum(1 + each.has_signs for each in strips[start:end])
            yield rf"\multicolumn{{{columns}}}{{c}}{{{tex.escape(entry.text)}{entry.sign}}}"
            continue
        yield entry.text.replace("±", "+-") if entry.is_number else f"{{{tex.escape(entry.text)}}}"
        if strip.has_signs:
            yield entry.sign
