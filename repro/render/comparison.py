"""A judged table on a terminal: reported and ours, more about each where there is room for it, then the claims."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from rich.text import Text

from repro.judge.board import Board
from repro.judge.cells import Cell, Verdict
from repro.judge.findings import Finding
from repro.render import expected, grid, legend, marks
from repro.render.outlet import console, hanging, line

NARROW = 80  # columns up to which nothing but reported and ours is shown
CLAIM_MARKS = {"supported": ("✓", "green"), "not supported": ("✗", "red"), "undecided": ("~", "yellow")}
SILENT = {
    "not run": "rows they need are not there; repro check --json says which",
    "not applicable": "printed gains, compared on the paper's own data only",
}
DIFFERING = (Verdict.DIFFERS, Verdict.EXCEEDS)


@dataclass(frozen=True)
class Layout:
    """What is shown of a cell: fields line by line, with their heads; `has_ids`: the ids of rows in a column."""

    title: str
    lines: tuple[tuple[Callable[[Board, Cell], str], ...], ...]
    heads: tuple[str, ...] = ("",)
    has_ids: bool = False


def board(judged: Board) -> None:
    """Reported and ours, why a cell has no number, and what the signs mean; then the claims."""
    layout, rows, columns = next(_fitting(judged))
    seeds = len(judged.options.seeds)
    many = f"{seeds} seeds: mean±sd" if seeds > 1 else "1 seed"
    leg = f", {judged.leg}" if judged.leg else ""
    line(f"\n{judged.table.title}, profile {judged.profile.id}{leg}: {layout.title} ({many})", "bold")
    grid.draw(rows, columns)
    for text, number in _notes(judged, layout).items():
        hanging(f"  [{number}] {text}", style="dim")
    _signs(judged)
    if layout in JUDGED:
        _differing(judged)
    claims(judged)
    for words in judged.rules.changed:
        hanging(f"! the rules of judging changed after there were results: {words}", indent=2, style="yellow")
    line(f"\njudged by the rules {judged.rules.stamp}", "dim")


def _reported(judged: Board, cell: Cell) -> str:
    return marks.printed(cell.reported) + ("?" if legend.is_suspect(judged, cell) else "")


def _ours(_: Board, cell: Cell) -> str:
    return f"{marks.brief(cell)} {legend.sign(cell)}".rstrip()


def _difference(_: Board, cell: Cell) -> str:
    return f"{cell.judgement.difference:+.{_digits(cell)}f}" if cell.judgement else ""


def _expected(_: Board, cell: Cell) -> str:
    found = cell.judgement and cell.judgement.interval
    return f"[{found.low:.{_digits(cell)}f}, {found.high:.{_digits(cell)}f}]" if found else ""


def _p(_: Board, cell: Cell) -> str:
    found = cell.judgement and cell.judgement.difference_p
    return "" if found is None else f"p={found:.2g}"


def _change(judged: Board, cell: Cell) -> str:
    return f"{_difference(judged, cell)} {_p(judged, cell)}".strip()


def _verdict(_: Board, cell: Cell) -> str:
    return str(cell.verdict) if cell.seeds else ""


def _each(_: Board, cell: Cell) -> str:
    return " ".join(f"{value:.{_digits(cell)}f}" for value in cell.seeds.values())


def _digits(cell: Cell) -> int:
    return marks.DECIMALS.get(cell.unit, 2)


STACKED = Layout("reported above, ours below", ((_reported,), (_ours,)))
JUDGED = (
    Layout(
        "reported, ours, and where ours is expected if nothing differs",
        ((_reported, _ours, _difference, _expected, _p, _verdict),),
        ("reported", "ours", "difference", "expected", "", "verdict"),
    ),
    Layout(
        "reported and where ours is expected above; ours, the difference and its p below",
        ((_reported, _expected), (_ours, _change)),
        ("", ""),
    ),
    Layout(
        "reported and the difference above; ours and its p below", ((_reported, _difference), (_ours, _p)), ("", "")
    ),
)
MEASURED = (
    Layout("reported and ours", ((_reported, _ours, _each),), ("reported", "ours", "of each seed"), has_ids=True),
    Layout("reported and ours", ((_reported, _ours),), ("reported", "ours"), has_ids=True),
    Layout("reported and ours", ((_reported, _ours),), ("reported", "ours")),
)


def _fitting(judged: Board) -> Iterator[tuple[Layout, list[grid.Row], list[grid.Column]]]:
    """The layouts that the terminal has room for, the one that shows most first."""
    wider = JUDGED if any(cell.judgement for cell in judged.cells.values()) else MEASURED
    for layout in wider if console().width > NARROW else ():
        rows, columns = _filled(judged, layout)
        if grid.fits(rows, columns):
            yield layout, rows, columns
    yield STACKED, *_filled(judged, STACKED)


def _filled(judged: Board, layout: Layout) -> tuple[list[grid.Row], list[grid.Column]]:
    notes = _notes(judged, layout)
    columns = [grid.Column(column.label, layout.heads) for column in judged.columns]
    longest = max((len(row.id) for row in judged.rows), default=0)
    rows = []
    for row in judged.rows:
        cells = [judged.cells[row.id, column.id] for column in judged.columns]
        lines = [
            tuple(tuple(_styled(judged, cell, field, notes) for field in fields) for cell in cells)
            for fields in layout.lines
        ]
        names = (Text(" ".join(row.label.split())), Text(row.id, style="dim"))[: len(lines)]
        if layout.has_ids:
            lines = [((Text(row.id.ljust(longest), style="dim"),), *each) for each in lines]
        rows.append(grid.Row(names, tuple(lines), row.block))
    return rows, [grid.Column("", ("row".ljust(longest),)), *columns] if layout.has_ids else columns


def _styled(judged: Board, cell: Cell, field: Callable[[Board, Cell], str], notes: Mapping[str, int]) -> Text:
    """A field in its colour; the reason of a number that is not there, or not whole, is told below."""
    text = field(judged, cell)
    if field is _ours and legend.needs_note(cell) and cell.reason in notes:
        text += f" [{notes[cell.reason]}]"
    return Text(text, style="dim" if field in (_reported, _expected) else marks.COLOUR[cell.verdict])


def _notes(judged: Board, layout: Layout) -> dict[str, int]:
    """The reasons that are told below; those of cells with a number only where there is room beside it."""
    told = legend.notes(judged)
    if layout is STACKED:
        missing = {cell.reason for cell in judged.cells.values() if not cell.seeds}
        told = {text: number for number, text in enumerate((text for text in told if text in missing), start=1)}
    return told


def _signs(judged: Board) -> None:
    used = [verdict for verdict in legend.signs(judged) if verdict is not Verdict.SUSPECT]
    words = [f"{marks.SIGN[verdict]} {verdict}" for verdict in used]
    if any(legend.is_suspect(judged, cell) for cell in judged.cells.values()):
        words.append("? beside a reported number: suspect, see repro show")
    words += [legend.ALONE] if legend.has_alone(judged) else []
    if words:
        hanging(f"      {'  '.join(words)}", style="dim")
    for sentence in expected.sentences(judged):
        hanging(f"      {sentence}")


def _differing(judged: Board) -> None:
    """What the numbers beside each cell are, and why cells differ, in full."""
    hanging("      expected: 95 % of the means of such runs, if nothing differs; p: of the difference", style="dim")
    found = [cell for cell in judged.cells.values() if cell.verdict in DIFFERING]
    if found:
        line("\ndifferences in full", "bold")
    for cell in found:
        sign, style = marks.SIGN[cell.verdict], marks.COLOUR[cell.verdict]
        hanging(f"{sign} {cell.row}:{cell.column} {cell.reason}", indent=2, style=style)


def claims(judged: Board) -> None:
    """Each claim of the paper that our numbers say something of, with the evidence; the others in a line each kind."""
    shown = [reading for reading in judged.claims if reading.claim.of_paper]
    if not shown:
        return
    line(f"\nclaims of {judged.table.title}, on our numbers", "bold")
    units = {column.id: column.unit for column in judged.table.columns}
    silent: dict[str, list[str]] = {}
    for reading in shown:
        verdict = str(reading.ours.verdict)
        if verdict not in CLAIM_MARKS:
            silent.setdefault(verdict, []).append(reading.claim.id)
            continue
        sign, style = CLAIM_MARKS[verdict]
        hanging(f"{sign} {reading.claim.id:4} {reading.standing}: {reading.claim.statement}", indent=7, style=style)
        telling = [finding for finding in reading.ours.findings if str(finding.verdict) == verdict]
        hanging(f"       {'; '.join(_evidence(finding, units) for finding in telling)}", indent=7, style="dim")
    for verdict, names in silent.items():
        hanging(f"· {verdict}: {', '.join(names)} ({SILENT.get(verdict, '')})", indent=7, style="dim")


def _evidence(finding: Finding, units: Mapping[str, str]) -> str:
    """A contrast in few words: the column where there is but one, the estimate, its interval; `units` of columns."""
    columns = {name.partition(":")[2] for name in finding.cells}
    digits = max((marks.DECIMALS.get(units.get(column, ""), 2) for column in columns), default=2)
    what = columns.pop() if len(columns) == 1 else finding.statement
    value = "" if finding.estimate is None else f" {float(finding.estimate):+.{digits}f}"
    low_high = finding.interval and f" [{finding.interval.low:.{digits}f}, {finding.interval.high:.{digits}f}]"
    spread = low_high or " (one run)"
    return f"{what}{value}{spread}"
