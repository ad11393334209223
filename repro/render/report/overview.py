"""The head of the page: what was judged, by what rules, where and when, and how it stands in all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from repro.judge.board import Board
from repro.judge.cells import Verdict
from repro.judge.claims import ClaimVerdict
from repro.render.ci import WORDS
from repro.render.printable import clock
from repro.render.report import words
from repro.render.report.contents import Chapter, Report
from repro.render.report.costs import machine, moment
from repro.render.report.elements import Html, counted, element, hidden, join, link
from repro.render.report.grid import boxed


def overview(report: Report) -> Html:
    """The section `Overview`."""
    board = report.chapters[0].board
    return element(
        "section",
        element("h2", "Overview", id="overview-head"),
        element("p", words.says(board), class_="lead"),
        _facts(report, board),
        _changed(report.chapters),
        _counts(report.chapters),
        id="overview",
        aria_labelledby="overview-head",
    )


def _facts(report: Report, board: Board) -> Html:
    networks = {"": "trained here", "published weights": "those that others published"}[board.leg]
    seeds = ", ".join(map(str, board.options.seeds))
    facts: dict[str, object] = {
        "profile": join(element("code", board.profile.id), f": {board.profile.title}"),
        "seeds": seeds,
        "networks": networks,
    }
    if board.options.limit is not None:
        facts["limit"] = f"about {board.options.limit} images of each set: every number is partial"
    span = report.span()
    facts["records"] = element("code", str(report.store.root))
    facts["made"] = f"from {moment(span[0])} to {moment(span[1])}" if span else "no job has a record yet"
    done = [work.record for work in report.works if work.record]
    if done:
        wall, cpu = (sum(times) for times in zip(*((one.wall_seconds, one.cpu_seconds) for one in done), strict=True))
        facts["cost"] = f"{counted(len(done), 'job')}, {clock(wall)} of work, {clock(cpu)} of processor time"
        facts["on"] = element("ul", *(element("li", machine(one.content)) for one in report.environments))
    return element(
        "dl", *(join(element("dt", key), element("dd", value)) for key, value in facts.items()), class_="facts"
    )


def _changed(chapters: Iterable[Chapter]) -> Html:
    told = [(chapter.board.table.title, words) for chapter in chapters for words in chapter.board.rules.changed]
    if not told:
        return join()
    return element(
        "div",
        element("p", element("strong", "The rules of judging changed after there were results.")),
        element("ul", *(element("li", f"{title}: {change}") for title, change in told)),
        class_="warning",
    )


def _counts(chapters: Sequence[Chapter]) -> Html:
    """How many cells and claims have each verdict, table by table and in all."""
    cells = {chapter.id: Counter(cell.verdict for cell in chapter.board.cells.values()) for chapter in chapters}
    claims = {chapter.id: standings(chapter.board) for chapter in chapters}
    verdicts = [one for one in Verdict if any(one in found for found in cells.values())]
    readings = [one for one in ClaimVerdict if any(one in found for found in claims.values())]
    head = join(
        element(
            "tr",
            element("th", "Table or figure", scope="col", rowspan=2),
            element("th", "Cells", scope="colgroup", colspan=len(verdicts) or 1),
            element("th", "Claims of the paper, on our numbers", scope="colgroup", colspan=len(readings) or 1)
            if readings
            else "",
            element("th", "Outcome", scope="col", rowspan=2),
            element("th", "Rules", scope="col", rowspan=2),
        ),
        element("tr", *(_head(words.verdict(one)) for one in verdicts), *(_head(_reading(one)) for one in readings)),
    )
    body = [
        element(
            "tr",
            element("th", link(chapter.id, chapter.board.table.title), scope="row"),
            *(_count(cells[chapter.id][one]) for one in verdicts),
            *(_count(claims[chapter.id][one]) for one in readings),
            element("td", outcome(chapter.board), class_="words"),
            element("td", element("code", chapter.board.rules.stamp)),
        )
        for chapter in chapters
    ]
    every, all_claims = sum(cells.values(), Counter()), sum(claims.values(), Counter())
    total = element(
        "tr",
        element("th", "In all", scope="row"),
        *(_count(every[one]) for one in verdicts),
        *(_count(all_claims[one]) for one in readings),
        element("td", f"{counted(every.total(), 'cell')}, {counted(all_claims.total(), 'claim')}", class_="words"),
        element("td"),
    )
    caption = element("caption", "Verdicts, table by table", hidden(": how many cells and claims have each"))
    grid = element(
        "table", caption, element("thead", head), element("tbody", *body), element("tfoot", total), class_="counts"
    )
    return boxed("Verdicts, table by table", grid)


def standings(board: Board) -> Counter[ClaimVerdict]:
    """How many claims of the paper our numbers leave in each standing."""
    return Counter(reading.ours.verdict for reading in board.claims if reading.claim.of_paper)


def outcome(board: Board) -> str:
    """What `repro check` says of a table."""
    if not board.cells:
        return "nothing to judge"
    code, reason = board.outcome()
    return f"{WORDS[code]}: {reason}"


def _head(content: Html) -> Html:
    return element("th", content, scope="col", class_="number")


def _reading(found: ClaimVerdict) -> Html:
    sign, colour = words.CLAIM_SIGN[found]
    return words.marked(sign, str(found), colour)


def _count(number: int) -> Html:
    return element("td", number, class_="number" if number else "number zero")
