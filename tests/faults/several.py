"""Several runs of one results folder at once, one of them killed while it holds a training."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from repro.store import Store
from tests.faults import processes
from tests.faults.world import TIMEOUT, World

NUMBER = "FAULTS_NUMBER"  # in the environment of a run: which one of several it is
LOOK = 0.01
BEGUN = re.compile(r"(?m)^\d{4}-\d\d-\d\dT")  # a line of a job's log: somebody began it


def tried(world: World, results: Path, *, runs: int, before: Callable[[int], Sequence[str]]) -> list[str]:
    """Begin so many runs, kill one at a training; what is not as it should be when the others have ended.

    `before` are the words before a run's own, such as those of its host.
    """
    said = [results.with_name(f"{results.name}-{number}.txt") for number in range(runs)]
    with ExitStack() as stack:
        started = [_start(world, results, number, before(number), out) for number, out in enumerate(said)]
        stack.callback(_end, results, started)
        killed, folder = _kill_one(started, results)
        late = _waited(started)
    if killed is None:
        return ["no run was ever seen at a training"]
    seen = [f"run {number} did not end" for number in late]
    wanted = [-signal.SIGKILL if number == killed else 0 for number in range(runs)]
    texts = [out.read_text(encoding="utf-8") for out in said]
    for number, (run, code) in enumerate(zip(started, wanted, strict=True)):
        if run.returncode != code:
            seen.append(f"run {number} ended with {run.returncode}: {texts[number]}")
    if len({_table(text, world) for number, text in enumerate(texts) if number != killed} - {""}) != 1:
        seen.append("the tables that were printed are not one")
    return [*seen, *_miscounted(world, results, folder), *world.differences(results)]


def _start(world: World, results: Path, number: int, before: Sequence[str], out: Path) -> subprocess.Popen[bytes]:
    """One of the runs."""
    marks = {processes.MARK: str(results), NUMBER: str(number)}
    with out.open("wb") as stream:
        return subprocess.Popen(
            [*before, *world.command(results)],
            cwd=world.root,
            env=world.environment(marks),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _end(results: Path, started: Sequence[subprocess.Popen[bytes]]) -> None:
    """Whatever happened, nothing goes on."""
    processes.end(results)
    for run in started:
        run.wait()


def _kill_one(started: Sequence[subprocess.Popen[bytes]], results: Path) -> tuple[int | None, Path]:
    """Kill the first run whose worker is seen at a training, all its processes: which one, and the job's folder."""
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end and any(run.poll() is None for run in started):
        for worker in processes.named(results, "repro.run.worker"):
            for folder in _held(worker, results):
                number = _number(worker)
                ours = [one for one in processes.of(results) if _number(one) == number]
                processes.kill([started[number].pid, *ours])
                return number, folder
        time.sleep(LOOK)
    return None, results


def _held(process: int, results: Path) -> Iterator[Path]:
    """The folders of the trainings that a process is at: it has the lock open, and the log says that it began."""
    with suppress(OSError):
        for handle in Path(f"/proc/{process}/fd").iterdir():
            with suppress(OSError):
                path = Path(os.readlink(handle))
                if path.name == "lock" and path.is_relative_to(results):
                    log = (path.parent / "log.txt").read_text(encoding="utf-8")
                    if "pretrain" in log and not (path.parent / "record.json").exists():
                        yield path.parent


def _number(process: int) -> int:
    words = Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
    return next(int(word.partition(b"=")[2]) for word in words if word.startswith(f"{NUMBER}=".encode()))


def _waited(started: Sequence[subprocess.Popen[bytes]]) -> list[int]:
    """Those that do not end."""
    end, late = time.monotonic() + TIMEOUT, []
    for number, run in enumerate(started):
        try:
            run.wait(max(0.1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            late.append(number)
    return late


def _table(text: str, world: World) -> str:
    """What a run printed of its numbers; nothing where it printed none."""
    return text.partition(f"\n{world.words[0].capitalize()}, profile tiny")[2]


def _miscounted(world: World, results: Path, killed: Path) -> Iterator[str]:
    """Jobs done twice, or never; and whether the one that was killed, and only that, was begun again."""
    store = Store(results)
    logs = {job: store.log(job).read_text(encoding="utf-8") for job in store.jobs()}
    done = [job for job, log in logs.items() for _ in range(log.count("\ndone in "))]
    if sorted(done) != Store(world.reference).jobs():
        yield f"done: {len(done)} times {len(set(done))} jobs of {len(logs)}"
    again = [job for job, log in logs.items() if len(BEGUN.findall(log)) > 1]
    if again != [killed.name]:
        yield f"begun again: {again}, killed: {killed.name}"
    if not json.loads((killed / "record.json").read_text(encoding="utf-8"))["label"].startswith("pretrain"):
        yield "what was killed was no training"
