"""The paper against itself: its notes and its claims, read on the numbers that it prints, from the specs alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from repro.judge import claims
from repro.judge.claims import ClaimVerdict, Reading
from repro.judge.policy import STANDARD, Policy
from repro.judge.printed import Printed
from repro.spec.model import Claim, Note, Table

Severity = Literal["H", "M", "L"]
SEVERITIES: tuple[Severity, ...] = ("H", "M", "L")
Standing = Literal["holds", "by sign only", "fails", "no numbers"]


@dataclass(frozen=True)
class Evidence:
    """A claim on the paper's own numbers."""

    table: str
    claim: Claim
    reading: Reading

    @property
    def standing(self) -> Standing:
        """How the printed numbers leave it: `holds` exactly or beyond chance, `by sign only` where that is open."""
        if self.reading.holds is None:
            return "no numbers"
        if not self.reading.holds:
            return "fails"
        return "holds" if self.reading.verdict is ClaimVerdict.SUPPORTED else "by sign only"


@dataclass(frozen=True)
class Remark:
    """Something that does not fit, with the arithmetic that shows it; none where no number of a table can."""

    id: str
    table: str
    severity: Severity
    text: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class Audit:
    """Every remark, the gravest first, and every claim's standing."""

    remarks: tuple[Remark, ...]
    claims: tuple[Evidence, ...]

    def counts(self) -> Counter[Severity]:
        """Remarks of each severity."""
        return Counter(remark.severity for remark in self.remarks)

    def standings(self) -> Counter[Standing]:
        """Claims of the paper, cautions of ours left out, by their standing."""
        return Counter(one.standing for one in self.claims if one.claim.of_paper)


def audit(tables: Mapping[str, Table], *, only: str | None = None, policy: Policy = STANDARD) -> Audit:
    """Read every claim on the paper's own numbers, and set it beside the notes that rest on it.

    A claim of the paper that fails and that no note speaks of is a remark of severity M of its own. `only`: of one
    table; its claims may still rest on others.
    """
    printed = Printed(tables)
    read = {
        f"{table.id}/{claim.id}": Evidence(
            table.id, claim, claims.read_paper(claim, printed, table=table.id, policy=policy)
        )
        for table in tables.values()
        for claim in table.claims
    }
    wanted = [table for table in tables.values() if only in (None, table.id)]
    remarks = [_remark(table, note, read) for table in wanted for note in table.notes]
    told = {one.claim.id for remark in remarks for one in remark.evidence}
    shown = [one for one in read.values() if only in (None, one.table)]
    remarks += [
        Remark(one.claim.id, one.table, "M", one.claim.note or one.claim.statement, (one,))
        for one in shown
        if one.claim.of_paper and one.standing == "fails" and one.claim.id not in told
    ]
    return Audit(tuple(sorted(remarks, key=lambda remark: SEVERITIES.index(remark.severity))), tuple(shown))


def _remark(table: Table, note: Note, read: Mapping[str, Evidence]) -> Remark:
    names = [name if "/" in name else f"{table.id}/{name}" for name in note.claims]
    return Remark(note.id, table.id, note.severity, " ".join(note.text.split()), tuple(read[name] for name in names))
