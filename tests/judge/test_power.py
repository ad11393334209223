"""Numbers of runs: what they decide and how surely."""

from __future__ import annotations

import math

import pytest

from repro.judge.power import equivalence_power, seeds_to_decide
from repro.judge.statistics import Deviation


@pytest.mark.parametrize(
    ("margin", "runs", "percent"),
    [
        (0.75, 3, 71), (0.75, 5, 89), (0.75, 10, 97),
        (0.5, 3, 27), (0.5, 5, 43), (0.5, 10, 63),
        (1.0, 3, 94), (1.0, 5, 99), (1.0, 10, 100),
    ],
)  # fmt: skip
def test_chance_of_showing_equivalence(margin: float, runs: int, percent: int) -> None:
    found = equivalence_power(Deviation(0.28, 3 + runs - 2), reported=3, ours=runs, margin=margin, level=0.05)
    assert 100 * found == pytest.approx(percent, abs=1.0)


def test_further_seeds_are_the_first_number_that_decides() -> None:
    # no difference: equivalence within 0.735 needs 1.734 (t of 18 at .95) x 0.6 x sqrt(1/3 + 1/m) < 0.735, m >= 7
    needed = seeds_to_decide(0.0, Deviation(0.6, 18), reported=3, ours=3, margin=0.735, level=0.05, most=100)
    assert 1.734 * 0.6 * math.sqrt(1 / 3 + 1 / 6) > 0.735 > 1.734 * 0.6 * math.sqrt(1 / 3 + 1 / 7)
    assert needed == 4


def test_a_difference_can_decide_too() -> None:
    # 2.101 (t of 18 at .975) x 1.0 x sqrt(1/3 + 1/m) < 1.5 from m = 6
    needed = seeds_to_decide(1.5, Deviation(1.0, 18), reported=3, ours=1, margin=None, level=0.05, most=100)
    assert 2.101 * math.sqrt(1 / 3 + 1 / 5) > 1.5 > 2.101 * math.sqrt(1 / 3 + 1 / 6)
    assert needed == 5


def test_no_number_of_ours_makes_up_for_few_of_theirs() -> None:
    assert seeds_to_decide(0.0, Deviation(1.0, 18), reported=1, ours=3, margin=0.5, level=0.05, most=1000) is None
