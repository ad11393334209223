"""What numbers rest on: changes of recipes with their reasons, jobs found once, costs and machines added up."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro.judge.provenance import Change, Work, changes, environments, spent, trace
from repro.plan.expand import Options, Plan, expand
from repro.plan.jobs import Job
from repro.spec import load, recipes
from repro.spec.profile import Profile
from repro.store import Record, Store

SPECS = load.specs()
MINI = load.profile("mini")
ROW = "moco-k16384"
PAPER = {
    "optimizer": {"name": "sgd", "lr": 0.03, "momentum": 0.9},
    "net": {"name": "resnet50", "stem": "imagenet"},
    "training": {"epochs": 200, "batch": 64},
}


def scaled(**rules: object) -> Profile:
    """A profile with these rules of scale alone."""
    return Profile.model_validate({**MINI.model_dump(by_alias=True), "scale": rules})


def test_a_changed_value_has_its_reason_and_one_that_stays_is_left_out() -> None:
    profile = scaled(
        **{
            "training.epochs": {"multiply": 0.05, "why": "short"},
            "training.batch": {"set": 64, "why": "the same"},
            "optimizer=adam.lr": {"set": 1.0, "why": "not meant"},
            "optimizer=sgd.lr": {"map": {"0.03": 0.06}, "why": "meant"},
        }
    )
    assert changes(PAPER, profile) == (
        Change("optimizer.lr", 0.03, 0.06, "meant"),
        Change("training.epochs", 200, 10, "short"),
    )


def test_a_group_that_is_replaced_is_one_change() -> None:
    small = {"name": "small", "widths": [1, 2]}
    profile = scaled(net={"set": small, "why": "fits"})
    assert changes(PAPER, profile) == (Change("net", PAPER["net"], small, "fits"),)
    assert changes(PAPER, scaled(net={"set": PAPER["net"], "why": "no change"})) == ()


def test_every_change_of_every_row_of_mini_has_a_reason() -> None:
    for table in SPECS.tables.values():
        for row in table.rows:
            found = changes(recipes.plain(recipes.resolve(SPECS.tables, table, row)), MINI)
            assert all(change.why for change in found)
            assert "net" in {change.key for change in found}


def plan() -> Plan:
    """One row, two columns, two seeds: four data sets, two networks."""
    options = Options(seeds=[0, 1], rows=[ROW], columns=["imagenet", "imagenet-r"])
    return expand(SPECS.tables, SPECS.table("table1"), MINI, options)


def put(store: Store, job: Job, **told: object) -> Record:
    """Leave a record as a worker would."""
    environment = {"python": "3.11", "cores": 2, "command": f"of {job.id}", **told}
    files = {"predictions.npz": {"sha256": "0" * 64, "bytes": 100}}
    started = "2026-01-01T00:00:00+00:00"
    record = Record(job.id, job.content, job.label, {"top1": 1.0}, files, started, 10.0, 8.0, environment)
    store.write(record)
    return record


def test_a_run_has_its_network_its_probe_and_its_evaluations(tmp_path: Path) -> None:
    store, spec = Store(tmp_path), plan()
    network = next(job for job in spec.jobs.values() if job.kind == "pretrain" and job.seed == 1)
    put(store, network)
    origin = trace(SPECS.tables, spec, store)
    assert [(run.row, run.seed) for run in origin.runs] == [(ROW, 0), (ROW, 1)]
    second = origin.runs[1]
    assert second.network == Work(network, store.read(network.id))
    assert second.probe is not None
    assert (second.probe.job.kind, second.probe.job.seed, second.probe.record) == ("probe", 1, None)
    assert [work.job.id for work in second.evaluations] == [
        spec.cells[ROW, column][1] for column in ("imagenet", "imagenet-r")
    ]
    assert [work.job.kind for work in second.works] == ["pretrain", "probe", "evaluate", "evaluate"]
    assert origin.sets.keys() == {"imagenet-100/train", "imagenet-100/val", "imagenet-100-r"}
    assert len(origin.works) == len(spec.jobs)


def test_a_job_that_tables_share_counts_once(tmp_path: Path) -> None:
    store, spec = Store(tmp_path), plan()
    for job in spec.jobs.values():
        if job.kind in ("pretrain", "probe"):
            put(store, job)
    works = trace(SPECS.tables, spec, store).works
    assert [(one.kind, one.jobs, one.wall_seconds, one.cpu_seconds, one.bytes) for one in spent([*works, *works])] == [
        ("pretrain", 2, 20.0, 16.0, 200),
        ("probe", 2, 20.0, 16.0, 200),
    ]


@pytest.mark.parametrize(
    ("other", "expected"),
    [({"command": "another", "loaders": 4}, [4]), ({"commit": "abc"}, [2, 2]), ({"dirty": True}, [2, 2])],
)
def test_an_environment_is_what_its_records_have_in_common(
    tmp_path: Path, other: dict[str, object], expected: list[int]
) -> None:
    store, spec = Store(tmp_path), plan()
    for job in spec.jobs.values():
        if job.kind in ("pretrain", "probe"):
            put(store, job, **(other if job.kind == "probe" else {}))
    found = environments(trace(SPECS.tables, spec, store).works)
    assert [one.jobs for one in found] == expected
    assert found[0].first == "2026-01-01T00:00:00+00:00"
    assert "command" not in found[0].content
