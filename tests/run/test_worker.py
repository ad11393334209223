"""A worker that evaluates several networks in one pass: killed and gone on with, and when one of them is in trouble."""

from __future__ import annotations

import copy
import errno
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from repro.files import file_digest
from repro.lab import data, parts, probing
from repro.lab.jobs import Stopped
from repro.run import worker
from repro.run.worker import Asked, Worker
from repro.store import Record, Store, identity
from tests.lab.conftest import recipe  # noqa: F401  (fixture)
from tests.lab.jobs.test_evaluate import CLASSES, write_network

STARTED = "2026-01-01T00:00:00+00:00"


def content(kind: str, spec: dict[str, Any], inputs: dict[str, str] | None = None) -> dict[str, Any]:
    common = {"seed": None, "inputs": inputs or {}, "code": "c", "threads": 1, "device": "cpu"}
    return {"kind": kind, "spec": spec, **common}


class World:
    """Networks and images as finished jobs of a store, and evaluations of them to do."""

    def __init__(self, root: Path, recipe: dict[str, Any], *, images: int, networks: int) -> None:  # noqa: F811
        self.store = Store(root)
        self.store.prepare()
        random = np.random.default_rng(0)
        light = np.repeat(random.integers(0, 200, (images, 3, 4, 4)), 4, axis=2).repeat(4, axis=3)
        pictures = (light + random.integers(0, 56, (images, 3, 16, 16))).astype(np.uint8)
        data.write(data.Images(pictures, random.integers(0, 2, images), CLASSES), root / "scratch")
        self.data = self._finished("data", {"name": "blank"}, root / "scratch")
        self.networks, self.asked = [], []
        groups = {"net": recipe["net"], "views": recipe["views"], "evaluation": {"precision": "fp32"}}
        for seed in range(networks):
            write_network(recipe, root / f"net{seed}", seed=seed)
            inputs = {role: self._finished(role, {"net": seed}, root / f"net{seed}" / role) for role in ROLES}
            self.networks.append(inputs)
            spec = {"evaluator": "accuracy", "recipe": copy.deepcopy(groups), "limit": None}
            task = content("evaluate", spec, {**inputs, "data": self.data})
            self.asked.append(Asked(task, f"evaluate {seed}"))

    def _finished(self, kind: str, spec: dict[str, Any], made: Path) -> str:
        """Move what was made to where its job would have left it."""
        job = content(kind, spec)
        folder = self.store.folder(identity(job))
        folder.parent.mkdir(parents=True, exist_ok=True)
        made.rename(folder)
        files = {
            path.name: {"sha256": file_digest(path), "bytes": path.stat().st_size} for path in sorted(folder.iterdir())
        }
        self.store.write(Record(identity(job), job, kind, {}, files, STARTED, 1.0, 1.0, {}))
        return identity(job)

    @property
    def folders(self) -> list[Path]:
        return [self.store.folder(one.job) for one in self.asked]

    def predictions(self, *numbers: int) -> list[bytes]:
        return [(self.folders[number] / "predictions.npz").read_bytes() for number in numbers]

    def forget(self) -> None:
        """Take all evaluations back."""
        for folder in self.folders:
            (folder / "record.json").unlink()


ROLES = ("pretrain", "probe")


@pytest.fixture
def world(tmp_path: Path, recipe: dict[str, Any]) -> World:  # noqa: F811
    return World(tmp_path, recipe, images=40, networks=4)


@pytest.fixture
def work(world: World) -> Iterator[Any]:
    """Have a worker in this process do evaluations, by number; what it told, as event and number."""
    threads = torch.get_num_threads()
    worker.CHECKED.clear()

    def do(*numbers: int) -> list[tuple[str, int]]:
        events = io.StringIO()
        Worker(world.store, events, loaders=0, processes=1).work([world.asked[number] for number in numbers])
        told = [json.loads(line) for line in events.getvalue().splitlines()]
        told = [event for event in told if event["event"] != "beat"]  # there are some where the machine is slow
        names = [one.job for one in world.asked]
        do.told = told  # type: ignore[attr-defined]
        return [(event["event"], names.index(event["id"])) for event in told]

    yield do
    torch.set_num_threads(threads)
    torch.set_flush_denormal(False)


def test_each_of_a_pass_has_a_record_a_log_and_its_share_of_the_time(world: World, work: Any) -> None:
    told = work(0, 1, 2)
    assert told[:3] == [("start", 0), ("start", 1), ("start", 2)]
    assert [event for event in told if event[0] == "done"] == [("done", 0), ("done", 1), ("done", 2)]
    assert [event for event in told if event[0] == "progress"] == [("progress", 0), ("progress", 1), ("progress", 2)]
    records = [world.store.read(one.job) for one in world.asked[:3]]
    assert all(record is not None and world.store.verify(record) is None for record in records)
    assert {record.values["images"] for record in records} == {40}  # type: ignore[union-attr]
    whole = work.told[-1]["seconds"]
    assert sum(record.wall_seconds for record in records) < 4 * whole  # type: ignore[union-attr]
    for number, folder in enumerate(world.folders[:3]):
        log = (folder / "log.txt").read_text().splitlines()
        assert log[0].endswith(f" evaluate {number}, 3 evaluations in one pass")
        assert log[1].startswith("done in ")
    assert work(1) == [("reused", 1)]


def test_the_disk_has_what_a_record_speaks_of_before_it_has_the_record(
    world: World, work: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, real = list[str](), os.fsync

    def fsync(handle: int) -> None:
        asked.append(Path(os.readlink(f"/proc/self/fd/{handle}")).name)
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    assert ("done", 0) in work(0)
    assert asked[-2] == "predictions.npz"
    assert asked[-1].startswith(".record.json.")


def test_those_that_are_done_or_another_is_at_are_left_out(world: World, work: Any) -> None:
    work(0)
    with ExitStack() as held:
        assert held.enter_context(world.store.claim(world.asked[1].job))
        told = work(0, 1, 2)
    assert told == [("reused", 0), ("busy", 1), ("start", 2), ("progress", 2), ("done", 2)]


def test_one_with_a_damaged_or_failing_network_fails_alone(world: World, work: Any) -> None:
    work(0, 1, 2, 3)
    expected = world.predictions(0, 3)
    world.forget()
    path = world.store.folder(world.networks[1]["probe"]) / probing.FILE
    path.write_bytes(path.read_bytes()[:-1])
    world.asked[2].content["spec"]["recipe"]["net"] = {"name": "nothing"}
    worker.CHECKED.clear()  # as in a process that has not seen these files yet
    told = work(0, 1, 2, 3)
    assert [event for event in told if event[0] != "progress"] == [
        *[("start", number) for number in range(4)],
        ("damaged", 1),
        ("failed", 2),
        ("done", 0),
        ("done", 3),
    ]
    reasons = {event["event"]: event["reason"] for event in work.told if "reason" in event}
    assert reasons["damaged"] == f"{path}: expected {path.stat().st_size + 1} bytes, found {path.stat().st_size}"
    assert reasons["failed"] == "ModuleNotFoundError: No module named 'repro.lab.nets.nothing'"
    assert "Traceback (most recent call last)" in world.store.log(world.asked[2].job).read_text()
    assert world.predictions(0, 3) == expected
    assert world.store.read(world.asked[1].job) is None


def test_a_disk_that_fills_up_after_the_record_takes_nothing_back(
    world: World, work: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Worker._log

    def full(self: Worker, job: str, text: str) -> None:
        if text.startswith("done in"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        log(self, job, text)

    monkeypatch.setattr(Worker, "_log", full)
    assert work(0)[-1] == ("done", 0)
    record = world.store.read(world.asked[0].job)
    assert record is not None
    assert world.store.verify(record) is None


def test_a_disk_that_is_full_before_a_pass_begins_is_told_of_each(
    world: World, work: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Worker, job: str, text: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Worker, "_log", full)
    assert [event for event in work(0, 1) if event[0] != "start"] == [("failed", 0), ("failed", 1)]
    sentence = "the disk is full; free some space and run the same command again, nothing finished is lost"
    reasons = [event["reason"] for event in work.told if event["event"] == "failed"]
    assert reasons == [f"{folder}: {sentence}" for folder in world.folders[:2]]


def test_work_that_goes_on_is_heard_of_from_its_own_thread_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "BEAT", 0.0)
    events = io.StringIO()
    own = Worker(world.store, events, loaders=0, processes=1)
    assert not own.stopping()
    with ThreadPoolExecutor(1) as other:
        assert not other.submit(own.stopping).result()
    assert [json.loads(line) for line in events.getvalue().splitlines()] == [{"event": "beat", "id": ""}]


def test_a_worker_whose_work_was_stopped_takes_no_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever hears of it waits for its end."""

    def stopped(*_: object) -> None:
        raise Stopped("stopped after step 1 of 2")

    monkeypatch.setattr(Worker, "_inputs", stopped)
    events = io.StringIO()
    own = Worker(world.store, events, loaders=0, processes=1)
    own.work(world.asked[:1])
    told = [json.loads(line)["event"] for line in events.getvalue().splitlines()]
    assert told == ["start", "stopped"]
    assert own.stopping()


def test_images_that_are_gone_are_told_of_each(world: World, work: Any) -> None:
    path = world.store.folder(world.data) / data.PICTURES
    path.unlink()
    told = work(0, 1)
    assert told == [("start", 0), ("start", 1), ("damaged", 0), ("damaged", 1)]
    reasons = [event["reason"] for event in work.told if "reason" in event]
    assert reasons == [f"{path}: is missing", f"{path.parent}: the input data has no record"]


HUNG = """
import subprocess, sys, time
from repro.run import worker

def work(self, asked):
    child = subprocess.Popen(["sleep", "999"], start_new_session=True)
    self.tell("start", str(child.pid))
    time.sleep(999)

worker.Worker.work = work
worker.main(["--silence", "1.5", "--results", sys.argv[1]])
"""
RUNNER = """
import subprocess, sys, time
worker = subprocess.Popen([sys.executable, "-c", *sys.argv[1:]], stdin=subprocess.PIPE, start_new_session=True)
worker.stdin.write(b'{"jobs": []}\\n')
worker.stdin.flush()
time.sleep(999)
"""


def lives(process: int) -> bool:
    """Whether it is at work: one that ended may wait for somebody to ask about its end."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_a_worker_that_hangs_and_whose_runner_is_gone_ends_with_what_it_started(tmp_path: Path) -> None:
    command = [sys.executable, "-c", RUNNER, HUNG, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as runner:
        told = [json.loads(runner.stdout.readline()) for _ in range(2)]
        assert [event["event"] for event in told] == ["ready", "start"]
        child = int(told[1]["id"])
        begun = time.monotonic()
        while time.monotonic() - begun < 3.0:  # the runner is there: who hangs is its affair
            assert lives(child)
            time.sleep(0.1)
        killed = time.monotonic()
        runner.kill()
        assert runner.stdout.read() == ""  # until the worker, which has it open too, is gone
    assert 1.0 < time.monotonic() - killed < 60.0
    while lives(child):
        assert time.monotonic() - killed < 60.0
        time.sleep(0.1)


class Process:
    """A worker in a process of its own."""

    def __init__(self, root: Path) -> None:
        command = [sys.executable, "-m", "repro.run.worker", "--results", str(root)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(command, env=environment, **pipes)  # type: ignore[call-overload]

    def ask(self, asked: list[Asked]) -> None:
        jobs = [{"job": one.content, "label": one.label} for one in asked]
        self.process.stdin.write(json.dumps({"jobs": jobs}) + "\n")
        self.process.stdin.flush()

    def until(self, name: str, *, past: int = 0) -> list[dict[str, Any]]:
        """Listen until an event comes, a progress past so many images."""
        told = []
        for line in self.process.stdout:
            told.append(json.loads(line))
            if told[-1]["event"] == name and told[-1].get("done", 1) > past:
                return told
        raise AssertionError(told)

    def end(self) -> int:
        self.process.stdin.close()
        code: int = self.process.wait(timeout=60)
        self.process.stdout.close()
        return code


def test_a_pass_that_is_killed_goes_on_from_the_last_part(tmp_path: Path, recipe: dict[str, Any]) -> None:  # noqa: F811
    world = World(tmp_path, recipe, images=30_000, networks=2)
    first = Process(tmp_path)
    first.ask(world.asked)
    first.until("progress", past=2 * parts.SIZE)
    first.process.send_signal(signal.SIGKILL)
    assert first.end() == -signal.SIGKILL
    stored = [sorted(path.name for path in folder.glob("part-*")) for folder in world.folders]
    assert all(2 <= len(names) <= 30_000 // parts.SIZE and names[0] == "part-0000.safetensors" for names in stored)
    assert all(world.store.read(one.job) is None for one in world.asked)
    whole, known = min(map(len, stored)), world.folders[1] / "part-0001.safetensors"
    known.write_bytes(known.read_bytes()[:-1])  # a part of one of them is damaged besides

    second = Process(tmp_path)
    second.ask(world.asked)
    told = second.until("done")
    told += second.until("done")
    progress = [event["done"] for event in told if event["event"] == "progress" and event["id"] == world.asked[0].job]
    assert progress[0] == parts.SIZE + 256
    assert not any(2 * parts.SIZE < done <= whole * parts.SIZE for done in progress)
    assert [path.name for folder in world.folders for path in folder.glob("part-*")] == []
    left = world.predictions(0, 1)
    world.forget()
    second.ask(world.asked[1:])
    second.until("done")
    second.ask(world.asked[:1])
    second.until("done")
    assert second.end() == 0
    assert world.predictions(0, 1) == left
    with np.load(world.folders[0] / "predictions.npz") as kept:
        assert len(kept["predictions"]) == 30_000
        assert 0.05 < kept["predictions"].mean() < 0.95
