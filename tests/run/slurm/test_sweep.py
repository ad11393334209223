"""Folders of arrays that nobody needs are removed; what is in the queue, or might be, or failed, stays."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from repro.plan.jobs import Job
from repro.run.slurm import orders, sweep
from repro.run.slurm.scheduler import Entry
from repro.store import Store
from tests.run.slurm.test_arrays import FIRST, TEXTURE, TRAIN, VAL
from tests.run.slurm.test_survey import submitted
from tests.run.slurm.test_watching import keep

OVER = '{"event": "begun"}\n{"event": "over"}\n'


@pytest.fixture
def store(tmp_path: Path) -> Store:
    found = Store(tmp_path)
    for one in (TRAIN, VAL):
        keep(found, one)
    return found


def array(store: Store, number: int, *jobs: Job, told: str = OVER) -> Path:
    folder = submitted(store, str(number), jobs[0].kind, *jobs)
    for task in range(len(jobs)):
        orders.events(folder, task).write_text(told)
    return folder


def left(store: Store) -> set[Path]:
    return set(orders.root(store).iterdir())


def test_an_array_whose_jobs_have_records_and_whose_tasks_told_their_end_goes(store: Store) -> None:
    done, half = array(store, 1, TRAIN, VAL), array(store, 2, VAL, TEXTURE)
    failed = array(store, 3, FIRST)
    sweep.sweep(store, {})
    assert not done.exists()
    assert left(store) == {half, failed}


def test_nothing_goes_while_an_array_of_the_folder_is_in_the_queue(store: Store) -> None:
    done, queued = array(store, 1, TRAIN), array(store, 2, FIRST, told="")
    sweep.sweep(store, {("2", 0): Entry(("2", 0), False, "Dependency", f"repro-{queued.name}")})
    assert left(store) == {done, queued}
    sweep.sweep(store, {("2", 0): Entry(("2", 0), False, "Dependency", "repro-of-another-results-folder")})
    assert left(store) == {queued}


@pytest.mark.parametrize("told", ["", '{"event": "begun"}\n', OVER + '{"event": "begun"}\n'])
def test_a_task_that_told_no_end_may_be_in_a_queue_that_was_not_seen(store: Store, told: str) -> None:
    folder = array(store, 1, TRAIN, told=told)
    sweep.sweep(store, {})
    assert left(store) == {folder}
    for path in (*folder.iterdir(), folder):
        os.utime(path, (0, 0))
    sweep.sweep(store, {})
    assert left(store) == set()


def test_what_a_run_that_was_ended_left_half_removed_goes(store: Store) -> None:
    folder = array(store, 1, TEXTURE)
    (orders.root(store) / f"{orders.AWAY}half").mkdir()
    sweep.sweep(store, {})
    assert left(store) == {folder}
