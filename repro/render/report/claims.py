"""The claims of the paper: its words, its own numbers, and ours, each with the reasons."""

from __future__ import annotations

from repro.judge.audit import Evidence
from repro.judge.board import ClaimReading
from repro.judge.claims import ClaimVerdict, Reading
from repro.render import audit
from repro.render.report import filters, words
from repro.render.report.contents import Chapter, Report
from repro.render.report.elements import Html, element, join, link
from repro.spec.model import Claim

TOLD = 16  # contrasts of a reading that are told; what a claim rests on is in `repro show --json` in whole
HEADS = ("Claim", "Of", "What it says", "On the paper's numbers", "On ours")


def claims(report: Report) -> Html:
    """The section `Claims`."""
    found = [(chapter, reading) for chapter in report.chapters for reading in chapter.board.claims]
    ours = [reading.ours.verdict for _, reading in found]
    theirs = [_theirs(chapter, reading).standing for chapter, reading in found]
    choices: filters.Choices = {
        "ours": ("on ours", {words.slug(one): f"{one} ({ours.count(one)})" for one in ClaimVerdict if one in ours}),
        "paper": (
            "on the paper's",
            {words.slug(one): f"{one} ({theirs.count(one)})" for one in audit.MARKS if one in theirs},
        ),
        "table": ("of", {chapter.id: chapter.board.table.title for chapter, _ in found}),
    }
    return filters.section(
        "claims",
        title="Claims",
        told="A claim is a sentence of the paper with a test. Supported and not supported are beyond chance. "
        "By sign only: the printed numbers lie as claimed, and their spread leaves it open.",
        heads=HEADS,
        rows=[_row(chapter, reading) for chapter, reading in found],
        of=("claim", "claims"),
        choices=choices,
        empty="These tables make no claim.",
    )


def _theirs(chapter: Chapter, reading: ClaimReading) -> Evidence:
    return Evidence(chapter.id, reading.claim, reading.paper)


def _row(chapter: Chapter, reading: ClaimReading) -> Html:
    claim, theirs = reading.claim, _theirs(chapter, reading)
    sign, colour = words.CLAIM_SIGN[reading.ours.verdict]
    details = element(
        "details",
        element("summary", claim.statement),
        quote(claim),
        element("p", "Ours, not the paper's: a caution, counted nowhere.") if not claim.of_paper else "",
        element("p", claim.note) if claim.note else "",
        element("dl", _reasons("on the paper's numbers", reading.paper), _reasons("on ours", reading.ours)),
    )
    return element(
        "tr",
        element("th", claim.id, scope="row", id=place(chapter.id, claim)),
        element("td", link(chapter.id, chapter.board.table.title)),
        element("td", details, class_="words"),
        element("td", standing(theirs), class_="standing", data_of="on the paper's numbers"),
        element("td", words.marked(sign, reading.standing, colour), class_="standing", data_of="on ours"),
        data_row=True,
        data_ours=words.slug(reading.ours.verdict),
        data_paper=words.slug(theirs.standing),
        data_table=chapter.id,
    )


def place(table: str, claim: Claim) -> str:
    """The id of a claim's row."""
    return f"claim/{table}/{claim.id}"


def standing(found: Evidence) -> Html:
    """How the printed numbers leave a claim."""
    sign, colour = audit.MARKS[found.standing]
    return words.marked(sign, found.standing, colour)


def quote(claim: Claim) -> Html:
    """The paper's words and where they stand; what it only implies is said to be so."""
    told = " ".join(claim.quote.split())
    if told.startswith("(implied)"):
        return element("p", told, f" (section {claim.section})")
    return element("blockquote", element("p", told), element("footer", f"section {claim.section}"))


def _reasons(which: str, reading: Reading) -> Html:
    """The contrasts of a reading with their arithmetic, those that made its verdict first."""
    telling = [finding for finding in reading.findings if finding.verdict is reading.verdict]
    others = [finding for finding in reading.findings if finding.verdict is not reading.verdict]
    found = [*telling, *others]
    if reading.verdict is ClaimVerdict.NOT_APPLICABLE:
        found = found[:1]  # all others say the same
    lines = [element("li", finding.reason) for finding in found[:TOLD]]
    if len(reading.findings) > len(lines):
        lines.append(element("li", f"and {len(reading.findings) - len(lines)} more"))
    return join(element("dt", f"{which}: {reading.verdict}"), element("dd", element("ul", *lines)))
