"""Summaries of cosines against numbers worked out by hand and against all of the cosines at once."""

from __future__ import annotations

import numpy as np
import pytest

from repro.lab.cosines import counts_of, grouped_spread, spread
from repro.metrics import MetricError


def test_a_spread_by_hand() -> None:
    found = spread([-1.0, 1.0, 1.0, -1.0])
    assert (found.mean, found.sd, found.n) == (0.0, 1.0, 4)
    assert spread([0.25]).q95 == 0.25


def test_groups_of_unequal_size_give_the_spread_of_all_their_cosines() -> None:
    random = np.random.default_rng(0)
    groups = [random.uniform(-0.3, 0.9, size) for size in (5, 50, 400)]
    every = np.sort(np.concatenate(groups))
    found = grouped_spread(
        [part.mean() for part in groups],
        [np.square(part).mean() for part in groups],
        [5, 50, 400],
        counts_of(every, bins=2000),
    )
    assert found.n == 455
    assert found.mean == pytest.approx(every.mean(), abs=1e-12)
    assert found.sd == pytest.approx(np.sqrt(np.mean((every - every.mean()) ** 2)), abs=1e-9)
    assert every[431] - 0.001 <= found.q95 <= every[433] + 0.001  # 0.95 of 455 is 432.25


def test_equal_cosines_have_no_spread_whatever_the_rounding() -> None:
    found = grouped_spread([0.1, 0.1], [0.1**2 - 1e-18, 0.1**2], [3, 3], counts_of([0.1] * 6, bins=2000))
    assert found.sd == 0.0
    assert found.q95 == pytest.approx(0.1, abs=0.001)


def test_both_ends_are_counted() -> None:
    assert counts_of([-1.0, 1.0, 1.0, 0.99], bins=4).tolist() == [1, 0, 0, 3]


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: spread([]), "expected at least one cosine, found none"),
        (lambda: spread([0.5, 1.5]), "expected cosines from -1 to 1, found other values"),
        (lambda: spread([0.5, float("nan")]), "expected cosines from -1 to 1, found other values"),
        (
            lambda: grouped_spread([0.5], [0.25], [2], [0, 1]),
            "expected means, mean squares and sizes of the same groups, and counts of all, found (1,), (1,) and (1,) "
            "of 2 cosines, and counts of 1",
        ),
    ],
)
def test_what_is_no_cosine_is_told(call: object, sentence: str) -> None:
    with pytest.raises(MetricError) as told:
        call()  # type: ignore[operator]
    assert str(told.value) == sentence
