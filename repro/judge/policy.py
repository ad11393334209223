"""The rules every verdict rests on besides the margins in the tables; published and hashed with each report."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from repro.spec.profile import Profile

Ddof = Literal[0, 1, "unknown"]


@dataclass(frozen=True)
class Policy:
    """How cells and claims are judged.

    `level`: chance of a wrong alarm of one interval or test. `gate`: below this p of Bartlett's test the deviations of
    a column are not pooled but moderated. `spread_level`: below this p our runs scatter more than the column's.
    `ddof`: what the paper's deviations were divided by, n - ddof; "unknown" judges with the wider reading and flags
    where the other one gives another verdict. `noise`: the deviation of a cell is its column's, or its own alone.
    `most_seeds`: as far as the search for the number of further seeds goes. `band`: of the same weights on the same
    images, the points by which a metric may move where arithmetic alone differs (other card, batch or library).
    """

    level: float
    gate: float
    spread_level: float
    ddof: Ddof
    noise: Literal["pooled", "own"]
    most_seeds: int
    band: float


STANDARD = Policy(level=0.05, gate=0.01, spread_level=0.01, ddof="unknown", noise="pooled", most_seeds=100, band=0.05)


def of(profile: Profile) -> Policy:
    """The standard rules with what a profile changes of them."""
    if profile.policy is None:
        return STANDARD
    return replace(STANDARD, **profile.policy.model_dump(exclude={"why"}, exclude_none=True))
