"""The time left of a run, from the profile's rates and from what jobs really took."""

from __future__ import annotations

from dataclasses import replace

import pytest

from repro.plan.jobs import Job
from repro.render.progress import Estimate
from repro.spec import load
from repro.spec.profile import Rate

MINI = load.profile("mini")
RATES = {"pretrain": Rate(images_per_second=10.0, why="test"), "probe": Rate(images_per_second=100.0, why="test")}


def job(kind: str, seed: int, images: int) -> Job:
    return Job(kind, {}, seed, {}, "c", 1, "cpu", f"{kind} {seed}", images)  # type: ignore[arg-type]


def test_the_time_left_by_hand() -> None:
    long = [job("pretrain", seed, 1000) for seed in range(3)]  # 100 s each
    short = [job("probe", seed, 200) for seed in range(5)]  # 2 s each
    estimate = Estimate({one.id: one for one in long + short}, MINI.model_copy(update={"rates": RATES}), 2)
    assert estimate.seconds() == pytest.approx((300 + 10) / 2)
    estimate.moved(long[0].id, 0.25)
    estimate.moved(long[0].id, 0.5)
    assert estimate.seconds() == pytest.approx((250 + 10) / 2)
    estimate.ended(long[0].id, 150.0)  # half as long again as expected: so will the others be
    assert estimate.seconds() == pytest.approx((300 + 10) / 2)
    estimate.ended(long[1].id, None)  # failed
    assert estimate.seconds() == pytest.approx(150.0)  # one that is left, on one worker
    estimate.ended(long[1].id, None)
    estimate.moved(long[1].id, 0.1)  # an input found damaged is made again; it was counted
    estimate.ended(replace(long[1], seed=99).id, 1.0)  # not of these
    for one in (long[2], *short):
        estimate.ended(one.id, None)
    assert estimate.seconds() == 0.0
