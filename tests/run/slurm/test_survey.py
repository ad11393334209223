"""How what was submitted stands, by records, by what the tasks told and by the queue."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from repro.plan.jobs import Job
from repro.run.slurm import orders
from repro.run.slurm.arrays import Array, Place
from repro.run.slurm.scheduler import Entry
from repro.run.slurm.survey import Seen, State, live, survey
from repro.store import Store
from tests.run.slurm.test_arrays import FIRST, PROBES, SECOND, TRAIN, VAL, job
from tests.run.slurm.test_watching import keep


def submitted(store: Store, number: str, kind: str, *jobs: Job) -> Path:
    folder = orders.write(store, Array(kind, {task: (job,) for task, job in enumerate(jobs)}, ""), {}, {})
    (folder / "array").write_text(f"{number}\n")
    return folder


def entry(folder: Path, place: Place, *, is_running: bool, reason: str = "None") -> tuple[Place, Entry]:
    return place, Entry(place, is_running, reason, f"repro-{folder.name}")


def test_every_state(tmp_path: Path) -> None:
    store = Store(tmp_path)
    data = submitted(store, "1", "data", TRAIN, VAL)
    networks = submitted(store, "2", "pretrain", FIRST, SECOND)
    probes = submitted(store, "3", "probe", *PROBES)
    keep(store, TRAIN)
    store.fail(VAL.id, "no such folder")
    store.log(VAL.id).write_text("".join(f"line {number}\n" for number in range(9)))
    events = [
        {"event": "started", "id": FIRST.id, "at": time.time()},
        {"event": "moved", "id": FIRST.id, "at": time.time() - 5, "done": 3, "total": 9, "unit": "steps"},
    ]
    orders.events(networks, 0).write_text("".join(json.dumps(event) + "\n" for event in events))
    orders.log(networks, 1).write_text("Killed\n")
    queue = dict(
        [
            entry(networks, ("2", 0), is_running=True),
            entry(probes, ("3", 0), is_running=False, reason="Dependency"),
        ]
    )
    found = {state.job.id: state for state in survey(store, queue)}
    assert found[TRAIN.id] == State(Seen.of(TRAIN), ("1", 0), "done", "")
    tail = tuple(f"line {number}" for number in range(4, 9))
    assert found[VAL.id] == State(Seen.of(VAL), ("1", 1), "failed", "no such folder", store.log(VAL.id), tail)
    assert found[FIRST.id] == State(Seen.of(FIRST), ("2", 0), "running", "3/9 steps, told 5 s ago")
    log = orders.log(networks, 1)
    assert found[SECOND.id] == State(
        Seen.of(SECOND), ("2", 1), "gone", "not in the queue, and no record", log, ("Killed",)
    )
    assert found[PROBES[0].id] == State(Seen.of(PROBES[0]), ("3", 0), "waiting", "Dependency")
    lost = found[PROBES[1].id]
    assert (lost.state, lost.detail) == ("gone", "not tried, as its input input0 has no record")
    assert live(store, queue) == {networks: "2", probes: "3"}
    assert data not in live(store, queue)


def test_a_job_that_was_submitted_again_is_told_once(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first = submitted(store, "1", "data", TRAIN)
    first.rename(first.parent / "20200101-000000-data-00000000")
    again = submitted(store, "2", "data", TRAIN)
    (again / "array").unlink()  # as where the program died right after it had submitted
    queue = dict([entry(again, ("2", 0), is_running=True)])
    assert survey(store, queue) == [State(Seen.of(TRAIN), ("2", 0), "waiting", "behind others of its task")]


def test_a_cancelled_one_says_so(tmp_path: Path) -> None:
    store = Store(tmp_path)
    folder = submitted(store, "1", "data", TRAIN)
    orders.cancel(folder)
    assert survey(store, {}) == [State(Seen.of(TRAIN), ("1", 0), "gone", "cancelled", orders.log(folder, 0))]


def test_nothing_was_submitted(tmp_path: Path) -> None:
    assert survey(Store(tmp_path / "nowhere"), {}) == []


def test_a_record_outweighs_a_queue_that_says_otherwise(tmp_path: Path) -> None:
    store = Store(tmp_path)
    networks = submitted(store, "2", "pretrain", FIRST, SECOND)
    keep(store, FIRST)
    running = dict([entry(networks, ("2", task), is_running=True) for task in (0, 1)])
    assert survey(store, running)[0] == State(Seen.of(FIRST), ("2", 0), "done", "")
    path = store.record(FIRST.id)
    path.write_text(path.read_text()[:-20])
    assert [state.state for state in survey(store, running)] == ["waiting", "waiting"]
    assert [state.state for state in survey(store, {})] == ["gone", "gone"]


def test_of_a_long_log_the_end_alone_is_read(tmp_path: Path) -> None:
    store = Store(tmp_path)
    folder = submitted(store, "1", "data", TRAIN)
    log = orders.log(folder, 0)
    with log.open("wb") as stream:
        stream.truncate(1 << 40)  # a hole that fills no disk, and no memory either
        stream.seek(0, 2)
        stream.write(b"\nlast \xff words\n")
    (state,) = survey(store, {})
    assert state.tail[-1] == "last \ufffd words"


def test_what_a_task_told_is_read_once_however_many_jobs_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, many = Store(tmp_path), [job("evaluate", str(number), FIRST) for number in range(50)]
    folder = orders.write(store, Array("evaluate", {0: tuple(many)}, ""), {}, {})
    (folder / "array").write_text("1\n")
    orders.events(folder, 0).write_text(json.dumps({"event": "started", "id": many[7].id, "at": time.time()}) + "\n")
    reads: list[Path] = []
    read = orders.Told.read
    monkeypatch.setattr(orders.Told, "read", lambda told: reads.append(told.path) or read(told))
    states = [state.state for state in survey(store, dict([entry(folder, ("1", 0), is_running=True)]))]
    assert (states.count("running"), states.count("waiting")) == (1, 49)
    assert len(reads) == 1
