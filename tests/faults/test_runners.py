"""Several runners on one results folder, one of them killed while it holds a job: each job is done once, none is lost.

Three runners in the normal tests. At length, with a table of what was counted:

    REPRO_RUNNERS=8 REPRO_ROUNDS=5 python -m pytest -o addopts="" -s tests/faults/test_runners.py
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from repro.store import Store
from tests.conftest import CHECKOUT, write_tiny

RUNNERS, ROUNDS = int(os.environ.get("REPRO_RUNNERS", "3")), int(os.environ.get("REPRO_ROUNDS", "1"))
ROWS = "moco-k16384,moco-k16384-patch-a2" if RUNNERS > 3 else "moco-k16384"
SEEDS = "0,1,2" if RUNNERS > 3 else "0,1"
JOBS = 2 + 3 * len(ROWS.split(",")) * len(SEEDS.split(","))  # two data sets; a network, a probe, an evaluation each
EPOCHS = 12  # some seconds of training, to be killed in
TIMEOUT = 200.0 * RUNNERS
WORDS = ["--rows", ROWS, "--columns", "imagenet", "--seeds", SEEDS, "--workers", "1"]

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="who holds a job is looked up in /proc")


def start(folder: Path, number: int) -> subprocess.Popen[bytes]:
    """One runner; what it prints goes to a file of its own."""
    typed = [sys.executable, "-m", "repro", "run", "table1", "--profile", str(folder / "tiny.toml"), *WORDS]
    with (folder / f"{number}.txt").open("wb") as out:
        return subprocess.Popen(
            [*typed, "--results", str(folder / "results")],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
            stdout=out,
            stderr=subprocess.STDOUT,
        )


def workers(runner: subprocess.Popen[bytes]) -> list[int]:
    """The processes that a runner started."""
    try:
        return [int(word) for word in Path(f"/proc/{runner.pid}/task/{runner.pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def held(process: int, results: Path) -> Iterator[Path]:
    """The folders of the trainings that a process is at: it has the lock open, and the log says that it began."""
    for handle in Path(f"/proc/{process}/fd").iterdir():
        try:
            folder = Path(os.readlink(handle)).parent
            is_claim = handle.resolve().name == "lock" and folder.is_relative_to(results)
            if is_claim and "pretrain" in (folder / "log.txt").read_text():
                yield folder
        except OSError:
            continue


def kill_one(runners: list[subprocess.Popen[bytes]], results: Path) -> tuple[int, Path]:
    """Kill the first runner whose worker is seen at a training, and that worker: which one, and the job's folder."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        for number, runner in enumerate(runners):
            for worker in workers(runner):
                try:
                    [folder] = held(worker, results)
                except (OSError, ValueError):
                    continue
                for process in (runner.pid, worker):
                    os.kill(process, signal.SIGKILL)
                return number, folder
        time.sleep(0.02)
    raise AssertionError("no runner was ever seen at a training")


def counted(folder: Path) -> dict[str, int]:
    """What became of the jobs: begun, done, done more than once, without a record, with files that are not theirs."""
    store = Store(folder / "results")
    logs = {job: store.log(job).read_text() for job in store.jobs()}
    found = {job: store.read(job) for job in logs}
    return {
        "jobs": len(logs),
        "done": sum(log.count("done in") for log in logs.values()),
        "twice": sum(log.count("done in") > 1 for log in logs.values()),
        "lost": sum(record is None for record in found.values()),
        "damaged": sum(record is not None and store.verify(record) is not None for record in found.values()),
        "begun again": sum(len(re.findall(r"(?m)^\d{4}-\d\d-\d\dT", log)) > 1 for log in logs.values()),
    }


@pytest.mark.parametrize("turn", range(ROUNDS))
def test_each_job_is_done_once_though_a_runner_dies(tmp_path: Path, turn: int) -> None:
    write_tiny(tmp_path, epochs=EPOCHS)
    results = tmp_path / "results"
    with ExitStack() as stack:
        runners = [stack.enter_context(start(tmp_path, number)) for number in range(RUNNERS)]
        stack.callback(lambda: [runner.kill() for runner in runners])
        killed, folder = kill_one(runners, results)
        ends = [runner.wait(timeout=TIMEOUT) for runner in runners]
    said = [(tmp_path / f"{number}.txt").read_text() for number in range(RUNNERS)]
    assert ends == [-signal.SIGKILL if number == killed else 0 for number in range(RUNNERS)], said
    found = counted(tmp_path)
    print(f"{RUNNERS} runners, one killed: {', '.join(f'{many} {what}' for what, many in found.items())}")
    assert found == {"jobs": JOBS, "done": JOBS, "twice": 0, "lost": 0, "damaged": 0, "begun again": 1}
    assert json.loads((folder / "record.json").read_text())["label"].startswith("pretrain")
    tables = {text.partition("\nTable 1, profile tiny")[2] for number, text in enumerate(said) if number != killed}
    assert len(tables) == 1
    assert tables != {""}
