"""The paper against itself: each remark of the audit with its quotes and its arithmetic."""

from __future__ import annotations

from repro.judge.audit import SEVERITIES, Evidence, Remark
from repro.render import audit
from repro.render.report import claims, filters
from repro.render.report.contents import Report
from repro.render.report.elements import Html, counted, element, join, link

HEADS = ("Severity", "Remark", "Of", "What does not fit")
KINDS = {"H": "changes what to check or train", "M": "needs a decision", "L": "cosmetic"}
COLOURS = {"H": "red", "M": "yellow", "L": "dim"}


def remarks(report: Report) -> Html:
    """The section `Audit`."""
    found, counts = report.audit.remarks, report.audit.counts()
    titles = {chapter.id: chapter.board.table.title for chapter in report.chapters}
    choices: filters.Choices = {
        "severity": ("of severity", {one: f"{one} ({counts[one]})" for one in SEVERITIES if counts[one]}),
        "table": ("of", {remark.table: titles[remark.table] for remark in found}),
    }
    kinds = "; ".join(f"{one} {KINDS[one]}" for one in SEVERITIES)
    return filters.section(
        "audit",
        title="Audit: the paper against itself",
        told=f"{counted(len(found), 'remark')} on text, tables, README and code that do not agree. {kinds}. "
        "What no printed number shows is told as it was read.",
        heads=HEADS,
        rows=[_row(remark, titles[remark.table]) for remark in found],
        of=("remark", "remarks"),
        choices=choices,
        empty="Nothing to remark.",
    )


def _row(remark: Remark, title: str) -> Html:
    told = element("p", remark.text)
    if remark.evidence:
        told = element("details", element("summary", remark.text), *(_evidence(one) for one in remark.evidence))
    return element(
        "tr",
        element("td", element("span", remark.severity, class_=COLOURS[remark.severity])),
        element("th", remark.id, scope="row"),
        element("td", link(remark.table, title)),
        element("td", told, class_="words"),
        data_row=True,
        data_severity=remark.severity,
        data_table=remark.table,
    )


def _evidence(one: Evidence) -> Html:
    """A claim that shows it, with the contrasts that make its standing."""
    head = join(
        link(claims.place(one.table, one.claim), one.claim.id), " ", claims.standing(one), f": {one.claim.statement}"
    )
    return join(
        element("p", head),
        claims.quote(one.claim),
        element("ul", *(element("li", reason) for reason in audit.arithmetic(one))),
    )
