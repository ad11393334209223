"""Whole runs on a real SLURM of one node: the numbers of this machine's executor to the bit, whatever happens."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CHECKOUT, write_tiny
from tests.run.slurm import cluster
from tests.run.slurm.cluster import Cluster
from tests.run.test_run import PATCH, ROW, TWO, command, logs, records

pytestmark = pytest.mark.skipif(bool(cluster.missing()), reason=cluster.missing())
TIMEOUT = 600.0  # of a run of a minute, on a machine that has ten times its work to do
SLURM = """
schema = 1
notice_seconds = 60
tries = 2
look_seconds = 1

[all]
minutes = 10
gpus = 1
cores = 1
flags = { comment = "$(touch pwned) `touch pwned` #&;|<> %a é" }

[data]
gpus = 0
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    found = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        found.start()
        yield found
    finally:
        found.stop()


def start(
    node: Cluster, folder: Path, *words: str, into: Path | None = None, **variables: str
) -> subprocess.Popen[str]:
    """Type a verb in a folder that has a profile, and give it a slurm.toml where it has none."""
    if not (folder / "slurm.toml").exists():
        (folder / "slurm.toml").write_text(SLURM, encoding="utf-8")
    environment = {**node.environment, "PYTHONPATH": str(CHECKOUT), "COLUMNS": "160", **variables}
    ends_with_us = ["setpriv", "--pdeathsig", "KILL"]  # also where the tests are killed
    with ExitStack() as opened:
        out = opened.enter_context(into.open("w")) if into else subprocess.PIPE
        return subprocess.Popen(
            [*ends_with_us, *words], cwd=folder, env=environment, stdout=out, stderr=subprocess.STDOUT, text=True
        )


def run(node: Cluster, folder: Path, *words: str, seconds: float = TIMEOUT, **variables: str) -> tuple[int, str]:
    typed = start(node, folder, *words, **variables)
    try:
        said, _ = typed.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        typed.kill()
        raise
    return typed.returncode, said


def numbers(results: Path) -> dict[str, tuple[dict[str, Any], dict[str, str]]]:
    """What must be the same wherever and however it was computed: each record's values, and the hash of every file."""
    kinds = ("pretrain ", "probe ", "evaluate ")
    found = {label: record for label, (record, _) in records(results).items() if label.startswith(kinds)}
    return {
        label: (record["values"], {name: file["sha256"] for name, file in record["files"].items()})
        for label, record in found.items()
    }


def told(results: Path, kind: str) -> dict[Path, list[dict[str, Any]]]:
    """What each task of the arrays of a kind told."""
    found = {}
    for path in sorted(results.glob(f"slurm/*-{kind}-*/events-*.jsonl")):
        found[path] = [json.loads(line) for line in path.read_text().splitlines()]
    return found


def is_training(events: list[dict[str, Any]]) -> bool:
    """Whether a training of a task, and of its latest allocation, is under way."""
    return bool(events) and events[-1]["event"] in ("moved", "ended") and events[-1].get("how", "note") == "note"


def until(happened: Callable[[], Any], typed: subprocess.Popen[str] | None = None) -> Any:
    """Wait for something; the program that it is waited of must not end before."""
    deadline = time.monotonic() + TIMEOUT
    while not (found := happened()):
        assert typed is None or typed.poll() is None, typed.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def task(events: Path) -> str:
    """The scheduler's name of a task."""
    number = events.stem.removeprefix("events-")
    return f"{(events.parent / 'array').read_text().strip()}_{number}"


def test_one_killed_one_requeued_and_the_program_closed_and_reopened(node: Cluster, tmp_path: Path) -> None:
    write_tiny(tmp_path, epochs=16)
    here, there = tmp_path / "here", tmp_path / "there"
    asked = [*TWO, "--columns", "imagenet,imagenet-c"]
    code, said = run(node, tmp_path, *command(tmp_path, "run", *asked, results=here))
    assert code == 0, said
    typed = command(tmp_path, "run", *asked, "--executor", "slurm", results=there)
    program = start(node, tmp_path, *typed)
    try:
        until(lambda: len([one for one in told(there, "pretrain").values() if is_training(one)]) == 2, program)
        requeued, killed = told(there, "pretrain")
        node.call("scancel", "--batch", "--signal=USR1", task(requeued))
        node.call("scancel", "--batch", "--signal=KILL", task(killed))
        until(lambda: any(event["event"] == "requeued" for event in told(there, "pretrain")[requeued]), program)
        program.send_signal(signal.SIGINT)
        said, _ = program.communicate(timeout=TIMEOUT)
    finally:
        program.kill()
    assert program.returncode == 130
    assert said.endswith(
        "repro: no longer watching; what is in the queue goes on, and the same command watches it again "
        "(repro status shows it, repro cancel ends it)\n"
    )
    code, said = run(node, tmp_path, *typed)
    assert code == 0, said + node.logs()
    tries = told(there, "pretrain")
    assert [event["restarts"] for event in tries[requeued] if event["event"] == "begun"] == [0, 1]
    assert tries[killed][-1]["event"] != "over"
    assert len(tries) == 3, "the killed one was submitted once more"
    (again,) = (path for path in tries if path not in (requeued, killed))
    assert list(json.loads((again.parent / "order.json").read_text())["tries"].values()) == [1]
    assert "goes on from step" in logs(there)
    assert numbers(here) == numbers(there)
    assert len(numbers(here)) == 8


def test_a_failure_loses_what_rests_on_it_and_nothing_else(node: Cluster, tmp_path: Path) -> None:
    write_tiny(tmp_path)
    there = tmp_path / "there"
    columns = ["--columns", "imagenet"]
    code, said = run(node, tmp_path, *command(tmp_path, "plan", *TWO, *columns, "--json", results=there))
    assert code == 0, said
    ids = {job["label"]: job["id"] for job in json.loads(said)["jobs"]}
    bad = ids[f"pretrain {PATCH}, seed 0"]
    (there / bad[:2]).mkdir(parents=True)
    (there / bad[:2] / bad).write_text("a file where a folder should be")
    code, said = run(node, tmp_path, *command(tmp_path, "run", *TWO, *columns, "--executor", "slurm", results=there))
    assert code == 3, said + node.logs()
    assert "5 jobs done, 1 failed, 2 that rest on them not tried" in said
    assert f"✗ pretrain {PATCH}, seed 0: {there / bad[:2] / bad / 'lock'}: a folder was expected" in said
    assert f"✗ probe {PATCH}, seed 0: not tried, as its input failed: pretrain {PATCH}, seed 0" in said
    assert len(numbers(there)) == 3
    code, said = run(node, tmp_path, sys.executable, "-m", "repro", "status", "--results", str(there), "--json")
    assert code == 0, said
    states = {job["label"]: (job["state"], job["detail"]) for job in json.loads(said)["jobs"]}
    assert states[f"probe {ROW}, seed 0"] == ("done", "")
    assert states[f"probe {PATCH}, seed 0"][0] == "gone"


def test_status_and_cancel(node: Cluster, tmp_path: Path) -> None:
    write_tiny(tmp_path, epochs=400)
    there = tmp_path / "there"
    one = ["--rows", ROW, "--columns", "imagenet", "--seeds", "0"]
    program = start(node, tmp_path, *command(tmp_path, "run", *one, "--executor", "slurm", results=there))
    try:
        until(lambda: any(is_training(events) for events in told(there, "pretrain").values()), program)
        code, said = run(node, tmp_path, sys.executable, "-m", "repro", "status", "--results", str(there))
        assert code == 0, said
        lines = said.splitlines()
        assert lines[0].split() == ["job", "waiting", "running", "done", "failed", "gone"]
        assert ["data", "0", "0", "2", "0", "0"] in [line.split() for line in lines]
        assert ["pretrain", "0", "1", "0", "0", "0"] in [line.split() for line in lines]
        assert any(
            re.fullmatch(rf"▸ pretrain {ROW}, seed 0 \(SLURM job \d+_0\): .*\d+/\d+ steps.*", line) for line in lines
        )
        assert "… 2 waiting: Dependency" in lines
        code, said = run(node, tmp_path, sys.executable, "-m", "repro", "cancel", "--results", str(there))
        assert (code, said) == (0, "3 tasks of 3 arrays ended\n")
        said, _ = program.communicate(timeout=TIMEOUT)
    finally:
        program.kill()
    assert program.returncode == 130, said
    node.until(lambda: not node.call("squeue", "-h").strip())
    (events,) = told(there, "pretrain").values()
    assert "requeued" not in {event["event"] for event in events}
    assert list(there.glob("*/*/checkpoint*")), "it was left so that it can be gone on with"
    code, said = run(node, tmp_path, sys.executable, "-m", "repro", "status", "--results", str(there))
    assert re.search(rf"✗ pretrain {ROW}, seed 0 \(SLURM job \d+_0\), gone: cancelled \(log: ", said), said


def test_a_pretraining_has_a_process_for_each_card(node: Cluster, tmp_path: Path) -> None:
    profile = write_tiny(tmp_path)
    profile.write_text(profile.read_text().replace("workers = 2\n", "workers = 2\nprocesses = 2\n", 1))
    (tmp_path / "slurm.toml").write_text(f"{SLURM}\n[pretrain]\ngpus = 2\n")
    one = ["--rows", ROW, "--columns", "imagenet", "--seeds", "0"]
    here, there = tmp_path / "here", tmp_path / "there"
    code, said = run(node, tmp_path, *command(tmp_path, "run", *one, results=here))
    assert code == 0, said
    code, said = run(node, tmp_path, *command(tmp_path, "run", *one, "--executor", "slurm", results=there))
    assert code == 0, said + node.logs()
    assert [events[0]["cards"] for events in told(there, "pretrain").values()] == [2]
    assert records(there)[f"pretrain {ROW}, seed 0"][0]["environment"]["processes"] == 2
    assert numbers(here) == numbers(there)


def test_a_node_goes_down_and_daemons_are_away_and_a_name_is_hostile(node: Cluster, tmp_path: Path) -> None:
    folder = tmp_path / "it's -$(touch pwned) `touch pwned`\n\"#&; é"
    write_tiny(folder, epochs=16)
    here, there = folder / "here", folder / "-there"
    one = ["--rows", ROW, "--columns", "imagenet", "--seeds", "0"]
    typed = command(folder, "run", *one, "--executor", "slurm", results=there)
    node.end("munge/pid")
    code, said = run(node, folder, *typed)
    assert code == 3, said
    assert re.search(r"(?m)^repro: squeue: .*[Mm]unge.*$", said), said
    assert "Traceback" not in said
    node.daemon(*node.munged)
    code, said = run(node, folder, *command(folder, "run", *one, results=here))
    assert code == 0, said
    said_so = tmp_path / "said.txt"
    program = start(node, folder, *typed, into=said_so)
    try:
        until(lambda: any(is_training(events) for events in told(there, "pretrain").values()), program)
        node.call("scontrol", "update", "NodeName=here", "State=DOWN", "Reason=test")
        (path,) = told(there, "pretrain")
        assert (
            node.call("squeue", "-h", "-o", "%k", f"--jobs={task(path)}")
            == "$(touch pwned) `touch pwned` #&;|<> %a é\n"
        )
        until(lambda: told(there, "pretrain")[path][-1]["event"] == "over", program)
        with suppress(AssertionError):  # it is up again by itself, once it has answered
            node.call("scontrol", "update", "NodeName=here", "State=RESUME")
        until(lambda: is_training(told(there, "pretrain")[path]), program)
        node.end("slurmctld.pid")
        until(lambda: "; it is asked again" in said_so.read_text(), program)
        node.daemon("slurmctld")
        program.wait(timeout=TIMEOUT)
    finally:
        program.kill()
    assert program.returncode == 0, said_so.read_text() + node.logs()
    assert said_so.read_text().count("; it is asked again") == 1
    (events,) = told(there, "pretrain").values()
    assert [event["restarts"] for event in events if event["event"] == "begun"] == [0, 1]
    assert "goes on from step" in logs(there)
    assert numbers(here) == numbers(there)
    assert list(tmp_path.rglob("pwned")) == []


@pytest.mark.slow
@pytest.mark.parametrize("is_told", [True, False], ids=["told before by SIGUSR1", "by SIGTERM at the limit alone"])
def test_a_time_limit_of_a_minute(node: Cluster, tmp_path: Path, is_told: bool) -> None:
    write_tiny(tmp_path, epochs=120)
    limits = {"minutes = 10": "minutes = 1", "notice_seconds = 60": "notice_seconds = 10", "tries = 2": "tries = 20"}
    text = SLURM
    for pattern, new in limits.items():
        assert pattern in text
        text = text.replace(pattern, new)
    (tmp_path / "slurm.toml").write_text(text)
    real = shutil.which("sbatch", path=node.environment["PATH"])
    (tmp_path / "sbatch").write_text(f'#!/bin/sh\nsed -i \'/--signal/d\' "$1"\nexec {real} "$@"\n')
    (tmp_path / "sbatch").chmod(0o755)
    path = node.environment["PATH"] if is_told else f"{tmp_path}:{node.environment['PATH']}"
    here, there = tmp_path / "here", tmp_path / "there"
    one = ["--rows", ROW, "--columns", "imagenet", "--seeds", "0"]
    code, said = run(node, tmp_path, *command(tmp_path, "run", *one, results=here), seconds=900)
    assert code == 0, said
    typed = command(tmp_path, "run", *one, "--executor", "slurm", results=there)
    code, said = run(node, tmp_path, *typed, seconds=900, PATH=path)
    assert code == 0, said + node.logs()
    events = [event for events in told(there, "pretrain").values() for event in events]
    assert sum(event["event"] == "begun" for event in events) > 1
    assert ("requeued" in {event["event"] for event in events}) == is_told
    printed = "".join(path.read_text() for path in there.glob("slurm/*-pretrain-*/log-0.txt"))
    assert ("DUE TO TIME LIMIT" in printed) != is_told
    assert "goes on from step" in logs(there)
    assert numbers(here) == numbers(there)
