"""A claim of the paper, read on its own numbers and on ours: does it hold, and is that more than chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from repro.judge.contrasts import Joined, Node, expand
from repro.judge.findings import Asked, ClaimVerdict, Finding, Missing, Numbers, examine
from repro.judge.policy import Policy
from repro.spec import model

__all__ = ["ClaimVerdict", "Finding", "Missing", "Numbers", "Reading", "read_ours", "read_paper", "standing"]

_TOLD = 3  # findings that a reason tells in full


@dataclass(frozen=True)
class Reading:
    """A claim on one set of numbers.

    `holds`: by sign and exact arithmetic, as one reads a table (`None`: numbers are missing, or not comparable).
    `verdict`: by intervals; supported and not supported are beyond chance. `findings`: every contrast it rests on.
    """

    holds: bool | None
    verdict: ClaimVerdict
    reason: str
    findings: tuple[Finding, ...]

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells and printed numbers the reading rests on, each once."""
        return tuple(dict.fromkeys(name for finding in self.findings for name in finding.cells))


def read_paper(claim: model.Claim, paper: Numbers, *, table: str, policy: Policy) -> Reading:
    """A claim of `table` on the paper's own numbers."""
    return _read(claim, Asked(paper, policy, table))


def read_ours(
    claim: model.Claim, ours: Numbers, *, paper: Numbers, table: str, policy: Policy, absolute: bool
) -> Reading:
    """A claim of `table` on our numbers; `paper` gives the numbers printed in the text.

    `absolute`: ours are made on the paper's data at the paper's scale. Elsewhere a printed gain is no target, and the
    claim that it is reached is not applicable.
    """
    return _read(claim, Asked(ours, policy, table, paper, absolute))


def standing(paper: Reading, ours: Reading) -> str:
    """Our verdict with what the paper's own numbers say, where that changes how to take it."""
    if ours.verdict is ClaimVerdict.NOT_APPLICABLE or paper.holds is None:
        return str(ours.verdict)
    if not paper.holds:
        return f"{ours.verdict}; fails in the paper"
    return f"{ours.verdict}; open in the paper" if paper.verdict is ClaimVerdict.UNDECIDED else str(ours.verdict)


def _read(claim: model.Claim, asked: Asked) -> Reading:
    node = expand(claim.test, table=asked.table, directions=asked.numbers.direction)
    holds, verdict, findings = _evaluate(node, asked)
    return Reading(holds, verdict, _reason(verdict, findings), findings)


def _evaluate(node: Node, asked: Asked) -> tuple[bool | None, ClaimVerdict, tuple[Finding, ...]]:
    """A node's truth, its verdict, and the findings below it."""
    if not isinstance(node, Joined):
        finding = examine(node, asked)
        return finding.holds, finding.verdict, (finding,)
    parts = [_evaluate(part, asked) for part in node.parts]
    holds = [truth for truth, verdict, _ in parts if verdict is not ClaimVerdict.NOT_APPLICABLE]
    findings = tuple(finding for _, _, below in parts for finding in below)
    return _join_truths(holds, node.how), _join([verdict for _, verdict, _ in parts], node.how), findings


def _join_truths(truths: Sequence[bool | None], how: Literal["all", "any"]) -> bool | None:
    """Kleene's logic: what is not known counts only where the rest does not settle it."""
    settles = how == "any"
    if settles in truths:
        return settles
    return None if None in truths or not truths else not settles


def _join(verdicts: Sequence[ClaimVerdict], how: Literal["all", "any"]) -> ClaimVerdict:
    """One part settles it; else what is missing, else what is undecided; parts that do not apply are left out.

    For "all", each part at its level keeps the level of the whole.

    Source: Berger 1982, intersection-union tests.
    """
    settles, otherwise = ClaimVerdict.NOT_SUPPORTED, ClaimVerdict.SUPPORTED
    if how == "any":
        settles, otherwise = otherwise, settles
    for verdict in (settles, ClaimVerdict.NOT_RUN, ClaimVerdict.UNDECIDED, otherwise):
        if verdict in verdicts:
            return verdict
    return ClaimVerdict.NOT_APPLICABLE


def _reason(verdict: ClaimVerdict, findings: Sequence[Finding]) -> str:
    """The findings that made the verdict, the first few in full."""
    telling = [finding.reason for finding in findings if finding.verdict is verdict]
    rest = len(telling) - _TOLD
    return "; ".join(telling[:_TOLD]) + (f"; and {rest} more" if rest > 0 else "")
