"""The executor for SLURM beside a scheduler played by the test: what it submits, when it gives up, what it tells."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from repro.errors import Interrupted
from repro.plan.jobs import Job
from repro.run.slurm import orders, sbatch, scheduler
from repro.run.slurm.executor import Slurm
from repro.run.slurm.scheduler import Entry, NoAnswer, SchedulerError
from repro.run.slurm.survey import survey
from repro.spec.cluster import Cluster
from repro.store import Record, Store
from tests.run.slurm.test_arrays import FIRST, PROBES, TRAIN, job
from tests.test_growth import LINEAR, lines, planned

CLUSTER = Cluster.model_validate({"schema": 1, "tries": 2, "look_seconds": 0.01, "all": {"minutes": 1, "gpus": 0}})
VAL = job("data", "val")
PROBE = PROBES[0]
THREE = {one.id: one for one in (TRAIN, FIRST, PROBE)}
Step = Callable[["Played"], None]


class Played:
    """A scheduler: each look at the queue is one step of the test's."""

    def __init__(self, store: Store, steps: list[Step]) -> None:
        self.store, self.steps = store, steps
        self.entries: dict[tuple[str, int], Entry] = {}
        self.folders: dict[str, Path] = {}
        self.said: list[tuple[str, str, str]] = []
        self.refuses = ""  # what sbatch says where it takes nothing

    def queue(self) -> dict[tuple[str, int], Entry]:
        if self.folders:
            self.steps.pop(0)(self) if self.steps else pytest.fail(f"one look too many: {self.said}")
        return dict(self.entries)

    def submit(self, script: Path) -> str:
        if self.refuses:
            raise SchedulerError(self.refuses)
        number = str(len(self.folders) + 1)
        self.folders[number] = script.parent
        for task in orders.tasks(script.parent):
            self.entries[number, task] = Entry((number, task), True, "None", f"repro-{script.parent.name}")
        return number

    def finish(self, number: str, *, has_record: bool = True) -> None:
        """An array leaves the queue, with records of its jobs or without."""
        for task, jobs in orders.tasks(self.folders[number]).items():
            self.entries.pop((number, task), None)
            for one in jobs if has_record else ():
                keep(self.store, one)

    def tell(self, number: str, **event: object) -> None:
        with orders.events(self.folders[number], 0).open("a") as stream:
            stream.write(json.dumps(event) + "\n")

    def started(self, job: Job) -> None:
        self.said.append(("started", job.label, ""))

    def moved(self, job: Job, done: int, total: int, unit: str) -> None:
        self.said.append(("moved", job.label, f"{done}/{total} {unit}"))

    def ended(self, job: Job, how: str, detail: str) -> None:
        self.said.append((how, job.label, detail))

    def tick(self) -> None:
        return None

    def orders(self) -> list[tuple[str, str, list[str]]]:
        """What was submitted: kind, dependency, jobs."""
        return [
            (means["kind"], means["after"], [one.label for jobs in orders.tasks(folder).values() for one in jobs])
            for folder in self.folders.values()
            for means in [orders.means(folder)]
        ]


def keep(store: Store, one: Job) -> None:
    store.write(Record(one.id, one.content, one.label, {}, {}, "2026-01-01T00:00:00+00:00", 1.0, 1.0, {}))


def nothing(_: Played) -> None:
    return None


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Slurm, Played]]:
    def begin(*steps: Step) -> tuple[Slurm, Played]:
        store = Store(tmp_path)
        store.prepare()
        played = Played(store, list(steps))
        monkeypatch.setattr(scheduler, "queue", played.queue)
        monkeypatch.setattr(scheduler, "submit", played.submit)
        monkeypatch.setattr(sbatch, "script", lambda *_: "#!/bin/sh\n")
        means = {"threads": 1, "loaders": 0, "processes": 1, "silence": 0.0}
        return Slurm(store, cluster=CLUSTER, means=means, observer=played), played

    return begin


Play = Callable[..., tuple[Slurm, Played]]


def test_arrays_carry_their_order_and_records_say_what_is_done(play: Play) -> None:
    executor, played = play(lambda p: p.finish("1"), lambda p: p.finish("2"), lambda p: p.finish("3"), nothing, nothing)
    done = executor.run(THREE, THREE)
    assert played.orders() == [
        ("data", "", ["data train"]),
        ("pretrain", "afterany:1", ["pretrain first"]),
        ("probe", "aftercorr:2,afterany:1", ["probe first"]),
    ]
    assert done.computed == [TRAIN.id, FIRST.id, PROBE.id]
    assert (done.failed, done.lost, done.stopped) == ({}, [], False)


def test_what_the_queue_has_already_is_not_submitted_again(play: Play) -> None:
    executor, played = play()
    executor.jobs = executor.open = dict(THREE)
    executor._submit(set())
    played.steps = [nothing, lambda p: [p.finish(number) for number in "123"], nothing, nothing]  # type: ignore[list-item]
    again = Slurm(executor.store, cluster=CLUSTER, means=executor.means, observer=played)
    assert len(again.run(THREE, THREE).computed) == 3
    assert len(played.folders) == 3


def test_an_allocation_that_dies_is_tried_again_and_then_its_reason_is_kept(play: Play) -> None:
    def die(number: str) -> Step:
        return lambda p: p.finish(number, has_record=False)

    executor, played = play(lambda p: p.finish("1"), die("2"), nothing, die("3"), nothing, die("4"), die("5"), nothing)
    played.steps += [nothing] * 4
    done = executor.run(THREE, THREE)
    network = [kind for kind, _, _ in played.orders() if kind == "pretrain"]
    assert len(network) == 2
    (reason,) = done.failed.values()
    number = max((number for number, folder in played.folders.items() if "-pretrain-" in folder.name), key=int)
    assert reason == (
        f"its allocation ended without a result (SLURM job {number}_0) 2 times; "
        f"what it printed is in {played.folders[number] / 'log-0.txt'}"
    )
    failure = executor.store.failure(FIRST.id)
    assert failure is not None
    assert failure.reason == reason
    assert done.lost == [PROBE.id]
    assert played.said[-1] == ("failed", "probe first", "not tried, as its input failed: pretrain first")


def test_an_input_that_proved_damaged_is_computed_again(play: Play) -> None:
    def fail(p: Played) -> None:
        p.tell("1", event="ended", id=FIRST.id, how="failed", detail="/x: is missing")
        p.finish("1", has_record=False)

    executor, played = play(fail, lambda p: p.finish("2"), lambda p: p.finish("3"), nothing, nothing)
    two = {one.id: one for one in (TRAIN, FIRST)}
    done = executor.run({FIRST.id: FIRST}, two)
    assert [kind for kind, _, _ in played.orders()] == ["pretrain", "data", "pretrain"]
    assert played.said[0] == ("note", "pretrain first", "/x: is missing; it is computed again")
    assert sorted(done.computed) == sorted(two)
    assert done.failed == {}


def test_a_scheduler_that_does_not_answer_is_told_of_once(play: Play) -> None:
    def fail(_: Played) -> None:
        raise SchedulerError("squeue: no answer in 60 seconds; try again later")

    executor, played = play(fail, fail, lambda p: p.finish("1"), nothing)
    done = executor.run({TRAIN.id: TRAIN}, THREE)
    assert done.computed == [TRAIN.id]
    assert [said for said in played.said if said[0] == "note"] == [
        ("note", "data train", "squeue: no answer in 60 seconds; try again later; it is asked again")
    ]


def test_what_a_task_tells_is_passed_on(play: Play) -> None:
    def tell(p: Played) -> None:
        p.tell("1", event="started", id=TRAIN.id)
        p.tell("1", event="moved", id=TRAIN.id, done=1, total=2, unit="images")
        p.tell("1", event="ended", id=TRAIN.id, how="note", detail="a word")
        p.tell("1", event="requeued")

    executor, played = play(tell, lambda p: p.finish("1"), nothing)
    executor.run({TRAIN.id: TRAIN}, THREE)
    assert played.said == [
        ("started", "data train", ""),
        ("moved", "data train", "1/2 images"),
        ("note", "data train", "a word"),
        ("note", "data train", "stopped with a checkpoint, and back in the queue"),
        ("done", "data train", ""),
    ]


def test_repro_cancel_ends_the_watching(play: Play) -> None:
    def cancel(p: Played) -> None:
        orders.cancel(p.folders["1"])
        p.entries.clear()

    executor, _ = play(cancel, nothing, nothing)
    with pytest.raises(Interrupted) as raised:
        executor.run({TRAIN.id: TRAIN}, THREE)
    assert str(raised.value) == ("ended by repro cancel; nothing finished is lost, the same command goes on from here")


def again(executor: Slurm, played: Played, *steps: Step) -> Slurm:
    """The same command typed once more, after the program that watched was closed."""
    played.steps, played.said = list(steps), []
    return Slurm(executor.store, cluster=CLUSTER, means={"threads": 1, "loaders": 0, "processes": 1}, observer=played)


def leave(number: str) -> Step:
    """The allocation of an array dies."""
    return lambda p: p.finish(number, has_record=False)


def close(executor: Slurm) -> Step:
    """The program that watches is closed."""
    return lambda _: executor.ask_to_stop()


def test_to_close_and_reopen_gives_no_more_tries(play: Play) -> None:
    one = {TRAIN.id: TRAIN}
    executor, played = play()
    played.steps = [close(executor)]
    assert executor.run(one, one).stopped
    leave("1")(played)  # while nobody watches
    second = again(executor, played, nothing)  # the queue as it is at the start
    played.steps.append(close(second))
    assert second.run(one, one).stopped
    why = "its allocation ended without a result (SLURM job {}_0)"
    assert played.said == [("note", "data train", f"{why.format(1)}; it is submitted once more")]
    leave("2")(played)
    third = again(executor, played, nothing)
    done = third.run(one, one)
    reason = f"{why.format(2)} 2 times; what it printed is in {played.folders['2'] / 'log-0.txt'}"
    assert done.failed == {TRAIN.id: reason}
    assert len(played.folders) == 2
    failure = executor.store.failure(TRAIN.id)
    assert failure is not None
    assert failure.reason == reason
    fourth = again(executor, played, nothing, lambda p: p.finish("3"), nothing)
    assert fourth.run(one, one).computed == [TRAIN.id], "asked again after a failure, it is tried anew"
    assert orders.means(played.folders["3"])["tries"] == {}
    assert executor.store.failure(TRAIN.id) is None


def test_tries_go_with_the_task_that_is_in_the_queue(play: Play) -> None:
    one = {TRAIN.id: TRAIN}
    executor, played = play(leave("1"), nothing)
    played.steps.append(close(executor))
    executor.run(one, one)
    assert orders.means(played.folders["2"])["tries"] == {TRAIN.id: 1}
    second = again(executor, played, nothing, leave("2"), nothing)
    assert "2 times" in second.run(one, one).failed[TRAIN.id]


def test_what_repro_cancel_ended_was_no_try(play: Play) -> None:
    one = {TRAIN.id: TRAIN}
    executor, played = play()
    played.steps = [close(executor)]
    executor.run(one, one)
    orders.cancel(played.folders["1"])
    leave("1")(played)
    second = again(executor, played, nothing, lambda p: p.finish("2"), nothing)
    assert second.run(one, one).computed == [TRAIN.id]
    assert orders.means(played.folders["2"])["tries"] == {}


def test_a_job_that_the_queue_calls_gone_is_done_by_its_record_alone(play: Play) -> None:
    """Absent without a record: tried again. In the queue with a record: done, and nobody waits for the queue."""
    executor, played = play(
        lambda p: p.entries.clear(),
        nothing,
        lambda p: keep(p.store, TRAIN),  # squeue calls it running to the end
        nothing,
    )
    done = executor.run({TRAIN.id: TRAIN}, THREE)
    assert done.computed == [TRAIN.id]
    assert len(played.folders) == 2
    assert ("2", 0) in played.entries


def test_a_record_that_is_cut_is_no_record(play: Play) -> None:
    def cut(p: Played) -> None:
        p.finish("1")
        path = p.store.record(TRAIN.id)
        path.write_text(path.read_text()[:-20])

    executor, played = play(cut, nothing, lambda p: p.finish("2"), nothing)
    assert executor.run({TRAIN.id: TRAIN}, THREE).computed == [TRAIN.id]
    assert len(played.folders) == 2


def test_a_scheduler_that_takes_no_more_is_asked_again_when_it_has_less(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("repro.run.slurm.executor.LATER", 0.0)

    def refuse(p: Played) -> None:
        p.finish("1", has_record=False)
        p.refuses = "sbatch: Job violates accounting/QOS policy"

    def take(p: Played) -> None:
        p.refuses = ""
        p.finish("2")

    two = {one.id: one for one in (TRAIN, VAL)}
    executor, played = play(nothing)
    monkeypatch.setattr(executor, "cluster", CLUSTER.model_copy(update={"largest_array": 1}))
    played.steps = [refuse, nothing, nothing, nothing, take, nothing, lambda p: p.finish("3"), nothing]
    assert sorted(executor.run(two, two).computed) == sorted(two)
    notes = [detail for how, _, detail in played.said if how == "note"]
    assert notes == [
        "its allocation ended without a result (SLURM job 1_0); it is submitted once more",
        "sbatch: Job violates accounting/QOS policy; the rest is submitted later",
    ]
    assert len(list(orders.root(executor.store).iterdir())) == 3, "what was refused leaves no folder"


def test_a_scheduler_that_takes_nothing_at_all(play: Play) -> None:
    executor, played = play()
    played.refuses = "sbatch: invalid partition specified: gpu"
    with pytest.raises(SchedulerError) as raised:
        executor.run(THREE, THREE)
    assert str(raised.value) == "sbatch: invalid partition specified: gpu"
    assert list(orders.root(executor.store).iterdir()) == []


def test_what_was_submitted_though_sbatch_gave_no_answer_is_not_submitted_again(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("repro.run.slurm.executor.LATER", 0.0)
    executor, played = play(nothing, lambda p: p.finish("1"), lambda p: p.finish("2"), nothing, nothing)
    submit = played.submit

    def silent(script: Path) -> str:
        number = submit(script)
        if number == "2":
            raise NoAnswer("sbatch: no answer in 60 seconds; try again later")
        return number

    monkeypatch.setattr(scheduler, "submit", silent)
    two = {one.id: one for one in (TRAIN, FIRST)}
    assert sorted(executor.run(two, two).computed) == sorted(two)
    assert len(played.folders) == 2


def test_a_run_with_nothing_in_the_queue_begins_with_an_end_of_what_is_done(play: Play) -> None:
    executor, played = play(lambda p: p.finish("1"), nothing)
    executor.run({TRAIN.id: TRAIN}, THREE)
    folder = played.folders["1"]
    orders.events(folder, 0).write_text('{"event": "begun"}\n{"event": "over"}\n')
    second = again(executor, played, nothing, lambda p: p.finish("2"), nothing)
    assert second.run({VAL.id: VAL}, {VAL.id: VAL}).computed == [VAL.id]
    assert not folder.exists()
    assert played.folders["2"].exists()


def test_twice_the_jobs_is_twice_the_work_and_no_more_arrays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sbatch, "script", lambda *_: "#!/bin/sh\n")

    def work(seeds: int) -> tuple[dict[str, int], int]:
        jobs, store = planned(10, seeds).jobs, Store(tmp_path / str(seeds))
        store.prepare()
        played = Played(store, [nothing] * 9)
        monkeypatch.setattr(scheduler, "queue", played.queue)
        monkeypatch.setattr(scheduler, "submit", played.submit)
        first, second = (Slurm(store, cluster=CLUSTER, means={}, observer=played) for _ in range(2))
        for executor in (first, second):
            executor.jobs, executor.open = dict(jobs), dict(jobs)
        found = {
            "submit": lines(lambda: first._submit(set())),
            "look": lines(first._look),
            "come back": lines(lambda: second._remember(played.entries)),
            "status": lines(lambda: survey(store, played.entries)),
        }
        assert second.held == first.held
        assert len(first.held) == len(jobs)
        first.summary.failed = {job.id: "x" for job in jobs.values() if job.kind == "data"}
        found["lose"] = lines(first._lose)
        assert len(first.summary.lost) == len(jobs) - len(first.summary.failed)
        return found, len(played.folders)

    (small, few), (large, many) = work(8), work(16)
    assert few == many == 4
    assert {name: large[name] / small[name] for name in small if large[name] / small[name] > LINEAR} == {}
