"""Which evaluations go together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from repro.plan.jobs import Job
from repro.run.passes import TOGETHER, Ready


def job(label: str, *, images: int = 100, data: str = "one", **more: Any) -> Job:
    return Job("evaluate", {"limit": None}, None, {"data": data}, label, 1, "cpu", label, images, **more)


def batch(first: Job, jobs: list[Job], *, at_work: list[Job], workers: int) -> list[Job]:
    """What goes with the first of some jobs, which are ready in this order."""
    ready = Ready()
    for number, one in enumerate([first, *(one for one in jobs if one is not first)]):
        ready.add(one, number, alone=False)
    found = ready.take(at_work=at_work, workers=workers)
    assert len(ready) == len(jobs) - len(found)
    assert not any(one.id in ready for one in found)
    return found


def labels(jobs: list[Job]) -> str:
    return " ".join(job.label for job in jobs)


def test_jobs_of_the_same_images_device_and_threads_go_together() -> None:
    first = job("a")
    others = [job("other", data="two"), replace(job("limited"), spec={"limit": 5}), replace(job("card"), device="cuda")]
    others += [replace(job("threads"), threads=2), replace(job("similarity"), kind="similarity")]
    others += [replace(job("orphan"), inputs={}), job("b")]
    assert labels(batch(first, [first, *others], at_work=[], workers=1)) == "a b"
    for other in others[:-1]:
        assert labels(batch(other, [first, *others], at_work=[], workers=1)) == other.label


@pytest.mark.parametrize(
    ("waiting", "at_work", "workers", "expected"),
    [
        (6, 0, 2, 3),
        (3, 0, 2, 2),
        (2, 0, 2, 1),
        (1, 0, 2, 1),
        (6, 6, 2, 6),
        (6, 2, 2, 3),
        (27, 0, 2, 14),
        (13, 14, 2, 13),
        (8, 0, 4, 2),
        (3, 0, 8, 1),
    ],
)
def test_a_worker_gets_its_share_of_what_waits_and_what_is_under_way(
    waiting: int, at_work: int, workers: int, expected: int
) -> None:
    ready, busy = [job(str(number)) for number in range(waiting)], [job(f"busy{number}") for number in range(at_work)]
    assert len(batch(ready[0], ready, at_work=busy, workers=workers)) == expected


def test_shares_are_counted_in_images() -> None:
    """4 x 1,000 and 4 x 100 images are 4,400, so 2,200 a worker: the large set makes two parts, the small one none."""
    large = [job(f"large{number}", images=1000) for number in range(4)]
    small = [job(f"small{number}", images=100, data="two") for number in range(4)]
    assert len(batch(large[0], [*large, *small], at_work=[], workers=2)) == 2
    assert len(batch(small[0], [*small, *large], at_work=[], workers=2)) == 4


def test_there_is_an_end_to_how_many_go_together() -> None:
    ready = [job(str(number)) for number in range(100)]
    assert len(batch(ready[0], ready, at_work=[], workers=1)) == TOGETHER == 32
