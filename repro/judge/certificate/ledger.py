"""What a verification comes to: what disagrees, what is missing, what was not compared and why, how much was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from repro.judge.certificate.differences import differences

Stage = Literal["certificate", "spec", "rules", "records", "recipes", "files", "metrics", "cells", "claims"]
VERDICTS = ("verdict", "holds")
"""Of a judgement, what is told by name."""


@dataclass(frozen=True)
class Disagreement:
    """Something that is not as the certificate says."""

    stage: Stage
    where: str
    expected: Any
    found: Any


@dataclass(frozen=True)
class Lack:
    """A result that the certificate speaks of and that is not here."""

    where: str
    why: str


@dataclass
class Ledger:
    """Filled stage by stage; `unchecked`: why something was not compared -> how often; `remarks` are no faults."""

    disagreements: list[Disagreement] = field(default_factory=list)
    missing: list[Lack] = field(default_factory=list)
    unchecked: Counter[str] = field(default_factory=Counter)
    remarks: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def differ(self, stage: Stage, where: str, expected: Any, found: Any) -> None:
        """Note what disagrees."""
        self.disagreements.append(Disagreement(stage, where, expected, found))

    def lack(self, where: str, why: str) -> None:
        """Note what is missing."""
        self.missing.append(Lack(where, why))

    def compare(self, stage: Stage, where: str, expected: Any, found: Any) -> bool:
        """Note each leaf that disagrees; whether none does."""
        before = len(self.disagreements)
        for path, left, right in differences(expected, found):
            self.differ(stage, f"{where}, {path}" if path else where, left, right)
        return len(self.disagreements) == before

    def judge(self, stage: Stage, where: str, expected: Mapping[str, Any], found: Mapping[str, Any]) -> None:
        """Note what of a judgement disagrees: verdict and truth by name, of all that they rest on the first number."""
        for name in VERDICTS:
            if name in expected:
                self.compare(stage, f"{where}, {name}", expected[name], found[name])
        rest = [{key: part for key, part in each.items() if key not in VERDICTS} for each in (expected, found)]
        others = list(differences(*rest))
        if others:
            path, left, right = others[0]
            more = f" (and {len(others) - 1} more of it)" if len(others) > 1 else ""
            self.differ(stage, f"{where}, {path}{more}", left, right)

    @property
    def exit_code(self) -> int:
        """Of the verb: 0 all agrees, 1 something does not, 4 all that is here agrees and something is missing."""
        if self.disagreements:
            return 1
        return 4 if self.missing else 0
