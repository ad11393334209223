"""`repro status`, `repro cancel` and what the verbs that plan do with `--executor slurm`, where no cluster is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from repro.run.local import Local, Summary
from repro.run.slurm import orders, scheduler
from repro.run.slurm.arrays import Array
from repro.run.slurm.executor import Slurm
from repro.store import Store
from tests.run.slurm.test_arrays import FIRST, TRAIN, job
from tests.run.slurm.test_survey import entry, submitted

Typed = Callable[..., tuple[int, str, str]]
CLUSTER = 'schema = 1\npython = "python"\n[all]\nminutes = 9\ngpus = 0\n'
ONE = ["--rows", "moco-k16384", "--columns", "imagenet", "--seeds", "0", "--executor", "slurm"]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))  # no scheduler
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.delenv("REPRO_SLURM", raising=False)


def test_a_plan_prints_each_script(tiny: Path, typed: Typed) -> None:
    Path("slurm.toml").write_text(CLUSTER)
    code, out, _ = typed("plan", "table1", "--profile", tiny, *ONE)
    assert code == 0
    assert out.count("#!/bin/bash") == 4
    place = tiny.parent / "results" / "slurm"
    assert f"exec python -m repro.run.slurm.task {place}/WHEN-pretrain-2\n" in out
    assert "#SBATCH --dependency=aftercorr:ARRAY2,afterany:ARRAY1\n" in out
    code, out, _ = typed("plan", "table1", "--profile", tiny, "--json", *ONE)
    assert code == 0
    assert [text.splitlines()[0] for text in json.loads(out)["sbatch"]] == ["#!/bin/bash"] * 4


def test_a_run_without_slurm_toml_says_where_one_is_looked_for(
    tiny: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tiny.parent))
    code, _, err = typed("run", "table1", "--profile", tiny, *ONE)
    assert code == 2
    assert err == (
        "repro: --executor slurm: expected slurm.toml in this folder, in $REPRO_SLURM or in ~/.config/repro, found "
        "none; docs/slurm.md has one to begin with\n"
    )


def test_how_long_a_worker_may_be_silent_is_told_wherever_it_runs(
    tiny: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("slurm.toml").write_text(CLUSTER)
    told: list[float] = []
    monkeypatch.setattr(Slurm, "run", lambda self, *_: told.append(self.means["silence"]) or Summary())
    monkeypatch.setattr(Local, "run", lambda self, *_: told.append(self.silence) or Summary())
    for executor in ("slurm", "local"):
        for more in ([], ["--silence", "1.5"]):
            typed("run", "table1", "--profile", tiny, *ONE, "--executor", executor, *more)
    assert told == [1800.0, 90.0, 1800.0, 90.0]


def test_a_run_without_a_scheduler(tiny: Path, typed: Typed) -> None:
    Path("slurm.toml").write_text(CLUSTER)
    code, out, err = typed("run", "table1", "--profile", tiny, *ONE)
    assert code == 3
    assert "jobs to run on SLURM; 0 reused" in out
    assert err == "repro: squeue: not found; --executor slurm is typed where SLURM's programs are\n"


@pytest.mark.parametrize("verb", ["run", "plan"])
def test_the_device_is_not_that_of_this_machine(tiny: Path, typed: Typed, verb: str) -> None:
    code, _, err = typed(verb, "table1", "--profile", tiny, "--device", "auto", *ONE)
    assert code == 2
    assert err == (
        "repro: --executor slurm: the device auto is that of this machine, not of the nodes; say --device cuda or "
        "--device cpu\n"
    )


def test_status_where_the_queue_cannot_be_asked(typed: Typed) -> None:
    note = "squeue: not found; --executor slurm is typed where SLURM's programs are"
    submitted(Store(Path("results")), "1", "data", TRAIN)
    code, out, err = typed("status")
    assert (code, err) == (0, "")
    assert out.startswith(f"the queue is not known, so that what waits or runs counts as gone: {note}\n")
    code, out, _ = typed("status", "--json")
    found = json.loads(out)
    assert (code, found["note"], [one["state"] for one in found["jobs"]]) == (0, note, ["gone"])


def test_status_asks_no_queue_where_nothing_was_submitted(typed: Typed) -> None:
    assert typed("status") == (0, "nothing was submitted to SLURM from this results folder\n", "")
    code, out, _ = typed("status", "--json")
    assert (code, json.loads(out)) == (0, {"schema": 1, "note": "", "jobs": []})


def test_status_shows_counts_what_runs_and_the_tail_of_what_failed(
    typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(Path("results"))
    networks = submitted(store, "2", "pretrain", FIRST)
    data = submitted(store, "1", "data", TRAIN)
    store.fail(TRAIN.id, "the disk is full")
    store.log(TRAIN.id).write_text("one\ntwo\n")
    monkeypatch.setattr(
        scheduler, "queue", lambda: dict([entry(networks, ("2", 0), is_running=False, reason="Resources")])
    )
    code, out, _ = typed("status")
    assert code == 0
    log = store.log(TRAIN.id)
    rest = [line.split() for line in out.splitlines()[2:4]]
    assert sorted(rest) == [["data", "0", "0", "0", "1", "0"], ["pretrain", "1", "0", "0", "0", "0"]]
    assert out.splitlines()[4:] == [
        "… 1 waiting: Resources",
        f"✗ data train (SLURM job 1_0), failed: the disk is full (log: {log})",
        "    one",
        "    two",
    ]
    assert data.is_dir()


def test_status_shows_the_first_of_many_failures(typed: Typed) -> None:
    store = Store(Path("results"))
    many = [job("data", str(number)) for number in range(30)]
    submitted(store, "1", "data", *many)
    for one in many:
        store.fail(one.id, "the disk is full\x1b[31m")
    _, out, _ = typed("status")
    assert out.count("failed: the disk is full[31m (log: ") == 20
    assert out.splitlines()[-1] == "✗ and 10 more; repro status --json has all"
    _, out, _ = typed("status", "--json")
    assert len(json.loads(out)["jobs"]) == 30


def test_cancel_marks_before_it_ends(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(Path("results"))
    folder = orders.write(store, Array("data", {0: (TRAIN,), 1: (FIRST,)}, ""), {}, {})
    other = submitted(Store(Path("elsewhere")), "8", "data", TRAIN)
    queue = [entry(folder, ("7", task), is_running=True) for task in (0, 1)]
    monkeypatch.setattr(scheduler, "queue", lambda: dict([*queue, entry(other, ("8", 0), is_running=True)]))
    ended: list[tuple[list[str], bool]] = []
    monkeypatch.setattr(scheduler, "cancel", lambda arrays: ended.append((arrays, orders.is_cancelled(folder))))
    assert typed("cancel") == (0, "2 tasks of 1 array ended\n", "")
    assert ended == [(["7"], True)]
    assert not orders.is_cancelled(other)


def test_cancel_where_nothing_is(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "queue", dict)
    assert typed("cancel") == (0, "0 tasks of 0 arrays ended\n", "")
