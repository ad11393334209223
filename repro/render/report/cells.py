"""What is known of one cell, in a panel that its number opens."""

from __future__ import annotations

from collections.abc import Iterator

from repro.judge.cells import Cell, CellJudgement, Guard, Verdict
from repro.plan.expand import CellKey
from repro.render import marks
from repro.render.report import words
from repro.render.report.contents import Chapter, Report
from repro.render.report.elements import Html, counted, element, hidden, join, link
from repro.spec.model import Column, Row

Fact = tuple[str, object]


def place(table: str, key: CellKey) -> str:
    """The id of a cell's panel."""
    return f"{table}/{key[0]}:{key[1]}"


def panel(report: Report, chapter: Chapter, key: CellKey) -> Html:
    """A panel that needs no script to open, and stands below the table where the page is printed."""
    board = chapter.board
    cell = board.cells[key]
    row = next(one for one in board.rows if one.id == key[0])
    column = next(one for one in board.columns if one.id == key[1])
    name = place(chapter.id, key)
    facts = [
        ("verdict", join(words.verdict(cell.verdict), *([f": {cell.reason}"] if cell.reason else []))),
        *_reported(cell, row),
        *_ours(report, chapter, cell),
        *(_judged(cell, cell.judgement, column) if cell.judgement else ()),
        *(("flag", f"{flag}: {words.FLAG[flag]}") for flag in cell.flags),
        *(_expected(cell.guard) if cell.guard else ()),
        *_again(report, chapter, cell),
    ]
    return element(
        "div",
        element("h5", f"{row.label}, {column.label}", id=f"{name}/name", class_="name"),
        element(
            "p", element("code", name), " · ", link(f"{chapter.id}/provenance", "recipe and networks"), class_="id"
        ),
        element("dl", *(join(element("dt", term), element("dd", value)) for term, value in facts)),
        element("button", "Close", type="button", popovertarget=name, popovertargetaction="hide", class_="close"),
        id=name,
        popover="auto",
        role="dialog",
        aria_labelledby=f"{name}/name",
        tabindex=-1,
        class_="panel",
    )


def _reported(cell: Cell, row: Row) -> Iterator[Fact]:
    if cell.reported is None:
        yield "reported", "not reported"
        return
    runs = f"of {counted(row.runs, 'run')}" if row.runs else "number of runs not stated"
    origin = {"paper": "", "readme": ", in the README alone", "own": ""}[row.origin]
    yield "reported", f"{marks.printed(cell.reported, gap=' ')} ({runs}{origin})"
    if cell.column in row.suspect:
        yield "suspect", row.suspect[cell.column]


def _ours(report: Report, chapter: Chapter, cell: Cell) -> Iterator[Fact]:
    """The number over the seeds, then each seed's with its job and its log."""
    if cell.seeds:
        yield "ours", f"{marks.measured(cell, gap=' ')} (n = {len(cell.seeds)})"
    jobs = chapter.plan.cells.get((cell.row, cell.column), {})
    tried = {seed: job for seed, job in jobs.items() if seed in cell.seeds or report.store.failure(job)}
    if not tried:
        return
    digits = marks.DECIMALS.get(cell.unit, 2) + 2
    lines = [
        element(
            "tr",
            element("th", seed, scope="row"),
            element(
                "td", f"{cell.seeds[seed]:.{digits}f}" if seed in cell.seeds else str(Verdict.FAILED), class_="number"
            ),
            element("td", element("code", report.store.log(job)), class_="path"),
        )
        for seed, job in tried.items()
    ]
    head = element(
        "tr", *(element("th", name, scope="col") for name in ("seed", "ours", "log, in the folder of its job"))
    )
    yield (
        "seeds",
        element(
            "table",
            element("caption", hidden("Seeds")),
            element("thead", head),
            element("tbody", *lines),
            class_="seeds",
        ),
    )


def _judged(cell: Cell, judged: CellJudgement, column: Column) -> Iterator[Fact]:
    """The two tests and what they rest on."""
    digits = marks.DECIMALS.get(cell.unit, 2)
    yield "difference", f"{judged.difference:+.{digits}f}"
    if judged.literal is not None:
        yield "within the printed deviation", "yes" if judged.literal else "no"
    if judged.interval is not None:
        yield "prediction interval", f"[{judged.interval.low:.{digits}f}, {judged.interval.high:.{digits}f}]"
    values = [
        ("p of a difference", judged.difference_p),
        ("p over the table (Holm)", cell.table_p),
        ("p of equivalence", judged.equivalence_p),
        ("p of the scatter of our runs", judged.spread_p),
    ]
    yield from ((name, f"{p:.2g}") for name, p in values if p is not None)
    if column.margin:
        yield "margin", f"{column.margin.value:g}: {column.margin.why}"
    deviation = (
        f", {judged.deviation.sd:.3g} with {judged.deviation.df:.3g} degrees of freedom" if judged.deviation else ""
    )
    yield "deviation of one run", f"{judged.basis}{deviation}"
    if judged.further_seeds is not None:
        yield "seeds that would decide", f"{judged.further_seeds} more"


def _expected(guard: Guard) -> Iterator[Fact]:
    """How ours stands to what the profile gave before, which says nothing of the paper."""
    number = f"{marks.printed(guard.expected, gap=' ')} (n = {guard.runs})"
    yield "expected of the profile", join(number, ": ", words.expectation(guard))
    yield "p over the table, of that", f"{guard.table_p:.2g}"


def _again(report: Report, chapter: Chapter, cell: Cell) -> Iterator[Fact]:
    """The line to type; none where nothing would be run."""
    if cell.verdict is not Verdict.NOT_RUNNABLE:
        line = report.command(chapter.id, (cell.row, cell.column))
        yield "again" if cell.seeds else "to run it", element("code", line, data_copy=True, class_="command")
