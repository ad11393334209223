"""Every fault at its usual size: each trial is survived. At length, with a table: `python -m tests.faults`."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from repro.store import Store
from tests.faults import __main__ as command
from tests.faults import trials
from tests.faults.trials import Trial
from tests.faults.world import World

FAMILIES = [pytest.param(name, marks=pytest.mark.slow if name in trials.SLOW else ()) for name in trials.names()]


@pytest.mark.parametrize("name", FAMILIES)
def test_every_trial_is_survived(name: str, world: World) -> None:
    family = trials.family(name)
    reason = family.skipped()
    if reason:
        pytest.skip(reason)
    found = list(family.trials(world, times=family.USUAL, seed=0))
    assert [trial for trial in found if not trial.survived] == []
    assert len(found) == family.USUAL


def test_what_differs_from_the_reference_is_told(world: World) -> None:
    results = world.folder("differing")
    shutil.copytree(world.reference, results)
    assert world.differences(results) == []
    store = Store(results)
    kinds = {record.job["kind"]: record for job in store.jobs() if (record := store.read(job))}
    (store.folder(kinds["pretrain"].id) / ".encoder.safetensors.a1b2c3d4.part").touch()
    probe = store.folder(kinds["probe"].id) / "probe.safetensors"
    probe.write_bytes(probe.read_bytes()[:-1])
    store.write(replace(kinds["samples"], values={"colour-distance": 0.5, "images": 1}))
    store.record(kinds["similarity"].id).unlink()
    log = store.log(kinds["evaluate"].id)
    log.write_text(log.read_text() + "done in 0.1 s\n")
    told = world.differences(results)
    for job, what in {
        "pretrain": "was left",
        "probe": "has other bytes",
        "samples": "its record says something else",
        "similarity": "has no record",
        "evaluate": "was done 2 times",
    }.items():
        assert any(kinds[job].id in line and line.endswith(what) for line in told), (job, told)
    assert "repro check prints something else" in told


def test_the_table_counts_each_fault() -> None:
    found = [Trial("one", True), Trial("other", True), Trial("one", False, "why")]
    shown = command.table(found)
    assert [list(column.cells) for column in shown.columns] == [
        ["one", "other", "all"],
        ["2", "1", "3"],
        ["1", "1", "2"],
        ["1", "0", "1"],
    ]
