"""Each table and figure: reported beside ours, every number of ours opening what is known of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from repro.judge.cells import Cell, Verdict
from repro.judge.statistics import summarise
from repro.render import expected, marks, markup
from repro.render.report import cells, filters, overview, picture, words
from repro.render.report.contents import Chapter, Report
from repro.render.report.elements import Html, counted, element, hidden, join, link
from repro.render.report.grid import boxed
from repro.spec.model import Column, Row


def tables(report: Report) -> Html:
    """The section `Tables and figures`."""
    found = [cell.verdict for chapter in report.chapters for cell in chapter.board.cells.values()]
    used = [one for one in Verdict if one in found]
    chosen = {words.slug(one): f"{one} ({found.count(one)})" for one in used}
    return element(
        "section",
        element("h2", "Tables and figures", id="tables-head"),
        element(
            "p",
            "In each row the paper's number as printed, then ours: mean ± standard deviation over the seeds. ",
            "A number of ours opens what is known of it: its seeds, its verdict, the line that does it again.",
        ),
        words.legend(used),
        filters.bar("tables", "row", "rows", {"verdict": ("with a cell that is", chosen)}),
        *(_chapter(report, chapter) for chapter in report.chapters),
        id="tables",
        aria_labelledby="tables-head",
    )


def _chapter(report: Report, chapter: Chapter) -> Html:
    table = chapter.board.table
    notes = _notes(chapter)
    drawn = report.pictures.get(table.id)
    return element(
        "section",
        element("h3", table.title, element("small", f" section {table.section}")),
        element("p", table.caption, class_="caption"),
        element("ul", *(element("li", one) for one in _links(report, chapter)), class_="links"),
        picture.figure(table.id, drawn) if drawn else "",
        element("a", f"Skip the numbers of {table.title}", href=f"#{table.id}/end", class_="skip"),
        _grid(chapter, notes) if chapter.board.cells else element("p", "No row and column of it was asked for."),
        *(element("p", told, class_="caption") for told in expected.sentences(chapter.board)),
        element("p", "No row is left by the filter.", class_="none", hidden=True),
        element("ol", *(element("li", why, id=f"{table.id}/why-{n}") for why, n in notes.items()), class_="notes")
        if notes
        else "",
        element(
            "div",
            element("h4", f"Cells of {table.title}", class_="unfolded"),
            *(cells.panel(report, chapter, key) for key in chapter.board.cells),
            id=f"{table.id}/end",
            tabindex=-1,
            class_="panels",
        ),
        id=table.id,
        class_="chapter",
    )


def _links(report: Report, chapter: Chapter) -> Iterator[Html]:
    """Where else something is said of a table, and its numbers as a file."""
    board = chapter.board
    standings = overview.standings(board)
    if standings:
        told = ", ".join(f"{number} {verdict}" for verdict, number in standings.items())
        yield filters.chosen("claims", chapter.id, f"{counted(standings.total(), 'claim')}: {told}")
    remarks = sum(remark.table == chapter.id for remark in report.audit.remarks)
    if remarks:
        yield filters.chosen("audit", chapter.id, f"{counted(remarks, 'remark')} of the audit")
    yield link(f"{chapter.id}/provenance", "recipes and networks")
    if board.cells:
        yield picture.download(f"{chapter.id}.csv", markup.csv(board), "CSV")


def _notes(chapter: Chapter) -> dict[str, int]:
    """Why cells have no number, each reason once with its number below the table."""
    reasons = [cell.reason for cell in chapter.board.cells.values() if not cell.seeds]
    return {reason: place for place, reason in enumerate(dict.fromkeys(reasons), start=1)}


def _grid(chapter: Chapter, notes: Mapping[str, int]) -> Html:
    board = chapter.board
    seeds = len(board.options.seeds)
    words_ = f"{board.table.title}, profile {board.profile.id}, {counted(seeds, 'seed')}: reported, and ours"
    reported = {column.id: any(column.id in row.reported for row in board.rows) for column in board.columns}
    wide = sum(1 + is_reported for is_reported in reported.values())
    body = []
    for place, row in enumerate(board.rows):
        starts = place > 0 and board.rows[place - 1].block != row.block
        verdicts = " ".join(
            dict.fromkeys(words.slug(board.cells[row.id, column.id].verdict) for column in board.columns)
        )
        line = [part for column in board.columns for part in _pair(chapter, row, column, reported[column.id], notes)]
        head = element("th", row.label, element("small", row.id, class_="id"), scope="row")
        body.append(
            element("tr", head, *line, class_="block" if starts else None, data_verdict=verdicts, data_row=True)
        )
    grid = element(
        "table",
        element("caption", words_),
        element("thead", *_heads(board.columns, reported)),
        element("tbody", *body),
        class_=f"numbers {'wide' if wide > 11 else ''}".strip(),
        data_sortable=True,
    )
    return boxed(f"{board.table.title}, numbers", grid)


def _heads(columns: tuple[Column, ...], reported: Mapping[str, bool]) -> Iterator[Html]:
    """Two lines: the column's name over reported and ours; ours alone where the paper prints no number of it."""
    yield element(
        "tr",
        element("th", "Network", scope="col", rowspan=2, data_sort=0),
        *(
            element("th", column.label, _aim(column), scope="colgroup", colspan=1 + reported[column.id])
            for column in columns
        ),
    )
    place, line = 1, []
    for column in columns:
        if reported[column.id]:
            line.append(
                element("th", "reported", hidden(f" {column.label}"), scope="col", data_sort=place, class_="number")
            )
            place += 1
        line.append(element("th", "ours", hidden(f" {column.label}"), scope="col", data_sort=place, class_="number"))
        place += 1
    yield element("tr", *line)


def _aim(column: Column) -> Html:
    """Which way is better, and the unit where it is not percent."""
    better = {"up": "higher is better", "down": "lower is better", "none": "no better side"}[column.direction]
    unit = "" if column.unit == "percent" else f", {column.unit}"
    return element("small", better, unit, class_="aim")


def _pair(chapter: Chapter, row: Row, column: Column, is_reported: bool, notes: Mapping[str, int]) -> list[Html]:
    """The cell as the paper prints it, where the column has such numbers at all, and ours."""
    cell = chapter.board.cells[row.id, column.id]
    return [*([_reported(cell, row)] if is_reported else []), _ours(chapter, cell, notes)]


def _reported(cell: Cell, row: Row) -> Html:
    if cell.reported is None:
        return element("td", "not reported", class_="number absent")
    suspect = cell.column in row.suspect
    doubt = element("span", "?", hidden(" suspect"), class_="magenta", title="suspect") if suspect else ""
    return element(
        "td", number(marks.printed(cell.reported)), doubt, class_="number theirs", data_value=str(cell.reported.mean)
    )


def _ours(chapter: Chapter, cell: Cell, notes: Mapping[str, int]) -> Html:
    """Our number and its verdict, as a button that opens the rest; a plain `measured` is heard and not seen."""
    value = repr(float(summarise(list(cell.seeds.values())).mean)) if cell.seeds else None
    what = words.verdict(cell.verdict)
    if not cell.seeds:
        face = join(what, element("sup", notes[cell.reason]))
    elif cell.verdict is Verdict.MEASURED:
        moved = words.expectation(cell.guard) if cell.guard and cell.guard.differs else None
        below = element("span", " ", moved, class_="verdict") if moved else ""
        face = join(number(marks.measured(cell)), hidden(f" {cell.verdict}"), below)
    else:
        face = join(number(marks.measured(cell)), element("span", " ", what, class_="verdict"))
    target = cells.place(chapter.id, (cell.row, cell.column))
    button = element("button", face, type="button", popovertarget=target, class_="cell")
    return element("td", button, class_="number ours" if cell.seeds else "number ours absent", data_value=value)


def number(written: str) -> Html:
    """A number with its deviation in smaller signs behind it.

    >>> number("77.88±0.28")
    '77.88<span class="sd">±0.28</span>'
    """
    mean, sign, deviation = written.partition("±")
    return join(mean, element("span", f"±{deviation}", class_="sd") if sign else "")
