"""The paper against itself, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from repro.judge.audit import SEVERITIES, Audit, Evidence, Remark
from repro.judge.findings import ClaimVerdict
from repro.render import terminal
from repro.spec.model import Table

SCHEMA = 1
MARKS = {
    "holds": ("✓", "green"),
    "by sign only": ("~", "yellow"),
    "fails": ("✗", "red"),
    "no numbers": ("·", "dim"),
}
STYLES = {"H": "bold red", "M": "bold yellow", "L": "bold"}
KINDS = (
    "H changes what to check or train, M needs a decision, L is cosmetic; what no printed number shows is told as it "
    "was read in text, README and code"
)
_TOLD = 3  # lines of arithmetic of a claim that are shown


def show(found: Audit, tables: Mapping[str, Table]) -> None:
    """`repro audit`: how many there are, then each remark with its arithmetic, then the claims that no remark shows."""
    counts = found.counts()
    terminal.line(f"the paper against itself: {', '.join(f'{counts[one]} {one}' for one in SEVERITIES)}", "bold")
    terminal.hanging(KINDS, indent=0, style="dim")
    for remark in found.remarks:
        terminal.line("")
        head = f"{remark.severity} {remark.id}, {tables[remark.table].title}: "
        terminal.hanging(f"{head}{remark.text}", indent=2, style=STYLES[remark.severity])
        for one in remark.evidence:
            _evidence(one, remark.table)
    standings = found.standings()
    terminal.line(f"\n{sum(standings.values())} claims of the paper on its own numbers", "bold")
    for standing, (sign, style) in MARKS.items():
        names = [one.claim.id for one in found.claims if one.claim.of_paper and one.standing == standing]
        if names:
            terminal.hanging(f"{sign} {standing}: {len(names)} ({', '.join(names)})", indent=2, style=style)


def _evidence(one: Evidence, table: str) -> None:
    sign, style = MARKS[one.standing]
    name = one.claim.id if one.table == table else f"{one.table}/{one.claim.id}"
    terminal.hanging(f"  {sign} {name} {one.standing}: {one.claim.statement}", indent=4, style=style)
    if one.standing == "fails" and not one.claim.quote.startswith("(implied)"):
        terminal.hanging(f'    "{" ".join(one.claim.quote.split())}" (section {one.claim.section})', indent=4)
    told = list(arithmetic(one))
    for reason in told[:_TOLD]:
        terminal.hanging(f"    {reason}", indent=6, style="dim")
    if len(told) > _TOLD:
        terminal.line(f"    and {len(told) - _TOLD} more", "dim")


def arithmetic(one: Evidence) -> Iterator[str]:
    """The contrasts that make a claim's standing: those that fail, those that are open, or all of them."""
    for finding in one.reading.findings:
        is_open = finding.verdict is ClaimVerdict.UNDECIDED
        if (one.standing == "fails" and finding.holds is not False) or (one.standing == "by sign only" and not is_open):
            continue
        yield finding.reason


def document(found: Audit) -> dict[str, Any]:
    """`repro audit --json`, as docs/json.md says."""
    return {
        "schema": SCHEMA,
        "remarks": [_remark(remark) for remark in found.remarks],
        "claims": [
            {"table": one.table, "id": one.claim.id, "of_paper": one.claim.of_paper, "standing": one.standing}
            for one in found.claims
        ],
    }


def _remark(remark: Remark) -> dict[str, Any]:
    return {
        "id": remark.id,
        "table": remark.table,
        "severity": remark.severity,
        "text": remark.text,
        "evidence": [
            {
                "table": one.table,
                "claim": one.claim.id,
                "statement": one.claim.statement,
                "quote": " ".join(one.claim.quote.split()),
                "section": one.claim.section,
                "standing": one.standing,
                "arithmetic": [finding.reason for finding in one.reading.findings],
            }
            for one in remark.evidence
        ],
    }
