"""What an allocation does: which jobs it begins, and where a task that was stopped goes."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from repro.plan.jobs import Job
from repro.run.slurm import orders, scheduler, task
from repro.run.slurm.scheduler import SchedulerError
from repro.run.slurm.task import Teller
from repro.store import Store
from tests.run.slurm.test_arrays import FIRST, TRAIN, job
from tests.run.slurm.test_watching import keep

PLACE = ("5", 0)


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A scheduler that means the task to run on, and what it was asked."""
    said: list[str] = []
    monkeypatch.setattr(scheduler, "is_running", lambda place: True)
    monkeypatch.setattr(scheduler, "requeue", lambda place: said.append(f"requeue {place[0]}_{place[1]}"))
    monkeypatch.setattr(task, "LAST", 0.0)
    monkeypatch.setattr(task, "AGAIN", 0.01)
    before = [signal.getsignal(number) for number in task.SIGNALS]
    yield said
    for number, handler in zip(task.SIGNALS, before, strict=True):
        signal.signal(number, handler)


def told(path: Path) -> list[dict[str, Any]]:
    events = [json.loads(line) for line in path.read_text().splitlines()]
    return [{key: value for key, value in event.items() if key != "at"} for event in events]


def stopped(folder: Path, *, most: int = 1, undone: list[Job] | None = None) -> tuple[int, list[dict[str, Any]]]:
    teller, store = Teller(folder / "events-0.jsonl"), Store(folder / "results")
    code = task._stopped(folder, PLACE, teller, store, undone or [], most=most)
    return code, told(teller.path)


def test_a_task_that_was_stopped_goes_back_into_the_queue(tmp_path: Path, asked: list[str]) -> None:
    assert stopped(tmp_path) == (3, [{"event": "requeued"}])
    assert asked == ["requeue 5_0"]


def test_one_that_repro_cancel_ended_does_not(tmp_path: Path, asked: list[str]) -> None:
    orders.cancel(tmp_path)
    assert stopped(tmp_path) == (3, [{"event": "over", "why": "cancelled"}])
    assert asked == []


def test_nor_one_that_the_scheduler_is_ending(
    tmp_path: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "is_running", lambda place: False)
    assert stopped(tmp_path) == (3, [{"event": "over", "why": "ended by the scheduler or by scancel"}])
    assert asked == []


def test_a_scheduler_that_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(place: tuple[str, int]) -> None:
        raise SchedulerError("scontrol: Job is not requeueable")

    monkeypatch.setattr(scheduler, "requeue", refuse)
    said = [{"event": "requeued"}, {"event": "over", "why": "scontrol: Job is not requeueable"}]
    assert stopped(tmp_path) == (3, said)


def test_a_scheduler_that_is_away_for_a_moment_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[str]
) -> None:
    answers = [SchedulerError("squeue: Unable to contact slurm controller"), True]

    def is_running(place: tuple[str, int]) -> bool:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(scheduler, "is_running", is_running)
    monkeypatch.setattr(task, "LAST", 0.2)
    assert stopped(tmp_path) == (3, [{"event": "requeued"}])
    assert asked == ["requeue 5_0"]


def test_once_requeued_a_signal_ends_it(tmp_path: Path, asked: list[str]) -> None:
    signal.signal(signal.SIGTERM, lambda *_: None)
    stopped(tmp_path)
    assert [signal.getsignal(number) for number in task.SIGNALS] == [signal.SIG_DFL] * 3


def test_one_that_was_requeued_too_often_has_failed_with_the_reason_kept(tmp_path: Path) -> None:
    reason = "stopped at its time limit or by preemption more often than requeues in slurm.toml allows"
    said = [{"event": "ended", "id": FIRST.id, "how": "failed", "detail": reason}]
    assert stopped(tmp_path, most=0, undone=[FIRST]) == (1, said)
    failure = Store(tmp_path / "results").failure(FIRST.id)
    assert failure is not None
    assert failure.reason == reason


def test_a_job_without_its_inputs_is_not_begun(tmp_path: Path) -> None:
    store, teller = Store(tmp_path), Teller(tmp_path / "events-0.jsonl")
    other = job("data", "other")
    assert task._runnable([FIRST, other], store, teller) == {other.id: other}
    assert told(teller.path) == [
        {"event": "ended", "id": FIRST.id, "how": "lacking", "detail": "no record of its input input0"}
    ]
    keep(store, TRAIN)
    assert list(task._runnable([FIRST, other], store, teller)) == [FIRST.id, other.id]


def test_processes_are_those_of_the_profile_or_the_cards_of_the_allocation() -> None:
    card = Job("pretrain", {}, 0, {}, "1", 1, "cuda", label="")
    two = {"CUDA_VISIBLE_DEVICES": "0,1"}
    assert task.processes(3, [card], two) == 3
    assert task.processes("cards", [card], two) == 2
    assert task.processes("cards", [card], {}) == 1
    assert task.processes("cards", [FIRST], two) == 1, "on the processor"


def test_progress_is_told_now_and_then_and_at_the_end(tmp_path: Path) -> None:
    teller = Teller(tmp_path / "events-0.jsonl")
    for done in range(1, 101):
        teller.moved(FIRST, done, 100, "steps")
    assert [event["done"] for event in told(teller.path)] == [1, 100]
