"""What a certificate says of results that are known number by number, and when there is none."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repro.errors import DataMissing
from repro.files import digest
from repro.judge.board import assemble
from repro.judge.certificate import composition
from repro.judge.certificate.composition import Incomplete
from repro.judge.policy import STANDARD
from repro.plan.expand import Options, expand
from repro.plan.outline import Weights
from repro.store import Store
from tests.judge.certificate import world
from tests.judge.certificate.world import BASE, MINI, PATCH, SPECS, World

Copied = Callable[[], World]


def test_it_says_what_was_measured_from_which_files(whole: World, certified: dict[str, Any]) -> None:
    (board,) = certified["boards"]
    cell = next(cell for cell in board["cells"] if (cell["row"], cell["column"]) == (BASE, "imagenet"))
    assert [(seed["seed"], seed["value"]) for seed in cell["seeds"]] == [(0, 77.6), (1, 77.9), (2, 78.1)]
    assert (cell["reported"], cell["blocked"], cell["verdict"]) == ("77.88 ± 0.28", None, "reproduced")
    assert cell["difference"] == pytest.approx(-0.04 / 3)
    job = certified["jobs"][whole.job(BASE)]
    assert (job["label"], job["evaluator"]) == (f"evaluate imagenet of {BASE}, seed 0", "accuracy")
    assert job["values"] == {"images": 1000, "n": 1000, "top1": 77.6, "top1_unmasked": 77.6, "top5": 100.0}
    path = whole.path(BASE)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    assert job["files"] == {"predictions.npz": {"bytes": path.stat().st_size, "sha256": sha256}}
    record = json.loads(path.with_name("record.json").read_text(encoding="utf-8"))
    assert job["record"] == record["digest"]
    assert job["code"] == record["job"]["code"]
    encoder = certified["jobs"][job["inputs"]["pretrain"]]
    weights = hashlib.sha256(f"weights of pretrain {BASE}, seed 0".encode()).hexdigest()
    assert encoder["files"]["encoder.safetensors"]["sha256"] == weights
    images = certified["jobs"][job["inputs"]["data"]]
    assert (images["kind"], images["values"]["digest"]) == ("data", "d" * 64)
    (environment,) = certified["environments"]
    assert environment == {"python": "3.11", "commit": "c" * 40, "dirty": False, "packages": {"numpy": "2.0"}}


def test_it_holds_what_verdicts_rest_on(certified: dict[str, Any]) -> None:
    assert certified["policy"].items() >= {"level": 0.05, "gate": 0.01, "ddof": "unknown", "noise": "pooled"}.items()
    spec = certified["tables"]["table1"]
    row = next(row for row in spec["rows"] if row["id"] == BASE)
    assert (row["reported"]["imagenet"], row["runs"]) == ("77.88 ± 0.28", 3)
    assert {column["id"]: column["margin"] for column in spec["columns"]}["imagenet"] == 0.735
    assert certified["profile"]["judges"] == "cells"
    assert certified["judged_by"]["package"] == "0.1.0"
    (board,) = certified["boards"]
    assert board["counts"] == {"reproduced": 2, "exceeds": 2}
    assert board["outcome"] == {"exit": 0, "reason": "no cell differs and no claim is contradicted"}
    assert board["rules"]["changed"] == []


def test_its_digests_are_of_its_content(certified: dict[str, Any]) -> None:
    rest = {key: value for key, value in certified.items() if key != "digest"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert certified["digest"] == hashlib.sha256(text.encode()).hexdigest()
    spec = certified["tables"]["table1"]
    assert spec["sha256"] == digest({key: value for key, value in spec.items() if key != "sha256"})


def test_the_same_results_give_the_same_bytes(whole: World, copied: Copied) -> None:
    one, other = (
        composition.text(composition.compose(each.tables, [each.plan], each.store, package=None))
        for each in (whole, copied())
    )
    assert one == other
    assert str(whole.store.root) not in one


def test_verdicts_are_those_of_a_check(whole: World, certified: dict[str, Any]) -> None:
    board = assemble(whole.tables, whole.plan, whole.store)
    (held,) = certified["boards"]
    for cell in held["cells"]:
        shown = board.cells[cell["row"], cell["column"]]
        assert (cell["verdict"], cell["reason"], cell["table_p"]) == (shown.verdict, shown.reason, shown.table_p)
        assert cell["flags"] == [str(flag) for flag in shown.flags]
    for claim, shown_claim in zip(held["claims"], board.claims, strict=True):
        assert claim["ours"]["verdict"] == shown_claim.ours.verdict
        if claim["ours"]["verdict"] != "not run":
            assert claim["ours"]["reason"] == shown_claim.ours.reason
        assert claim["paper"]["reason"] == shown_claim.paper.reason


def test_a_missing_number_is_refused_and_in_part_is_said(copied: Copied) -> None:
    some = copied()
    some.path(BASE, "record.json", seed=1).unlink()
    with pytest.raises(Incomplete) as told:
        some.certificate()
    assert told.value.exit_code == 3
    assert str(told.value) == (
        f"a certificate is of whole results, and these are missing: table1, {BASE}:imagenet, seed 1 (no result); repro "
        "run makes them, --partial certifies what there is and says what is missing"
    )
    held = some.certificate(is_partial=True)
    where = f"table1, {BASE}:imagenet, seed 1"
    assert held["missing"] == [{"where": where, "reason": "no result", "job": some.job(BASE, seed=1)}]
    cell = held["boards"][0]["cells"][0]
    assert (cell["verdict"], cell["reason"]) == ("partial", "2 of 3 seeds; the rest not run")
    assert [seed["value"] for seed in cell["seeds"]] == [77.6, None, 78.1]
    assert some.verify(held).exit_code == 0


def test_a_missing_record_below_a_number_is_refused_too(copied: Copied) -> None:
    some = copied()
    record = some.store.read(some.job(BASE))
    assert record is not None
    pretrain = record.job["inputs"]["pretrain"]
    (some.store.folder(pretrain) / "record.json").unlink()
    with pytest.raises(Incomplete) as told:
        some.certificate()
    assert f"these are missing: job {pretrain} (no record); repro run" in str(told.value)
    held = some.certificate(is_partial=True)
    assert held["missing"] == [{"where": f"job {pretrain}", "reason": "no record", "job": pretrain}]
    found = some.verify(held)
    assert found.exit_code == 0
    assert found.counts["recipes"] == 12


def test_a_run_that_failed_is_told_as_missing(copied: Copied) -> None:
    some = copied()
    for seed in (0, 1, 2):
        some.path(BASE, "record.json", seed=seed).unlink()
        some.store.fail(some.job(BASE, seed=seed), "out of memory")
    held = some.certificate(is_partial=True)
    assert {gap["reason"] for gap in held["missing"]} == {"the last try failed"}
    cell = held["boards"][0]["cells"][0]
    assert (cell["verdict"], cell["reason"]) == ("failed", "the last try failed (log: log.txt)")
    assert all(seed["failed"] and seed["value"] is None for seed in cell["seeds"])
    assert some.verify(held).exit_code == 0


def test_results_of_part_of_the_images_are_part(tmp_path: Path) -> None:
    built = world.build(tmp_path, seeds=(0,), profile=MINI)
    options = replace(built.plan.options, limit=10)
    plan = expand(SPECS.tables, built.plan.table, MINI, options)
    for key, seeds in plan.cells.items():
        job = plan.jobs[seeds[0]]
        world.keep(built.store.folder(job.id), world.plain(900))
        values = {"top1": 90.0, "top5": 100.0, "top1_unmasked": 90.0, "n": 1000, "images": 1000}
        world.record(built.store, job, values)
        assert key[1] == "imagenet"
    some = World(built.store, plan, built.tables)
    with pytest.raises(Incomplete, match=r"these are missing: table1 \(at most 10 images of each set\); repro run"):
        some.certificate()
    held = some.certificate(is_partial=True)
    found = some.verify(held)
    assert held["boards"][0]["counts"] == {"partial": 2}
    assert found.exit_code == 0
    assert found.unchecked == {"labels beside those of the data set: of part of its images": 2}


def test_where_there_is_no_number_there_is_no_certificate(tmp_path: Path) -> None:
    plan = expand(SPECS.tables, SPECS.table("table1"), MINI, Options(seeds=[0], rows=[BASE]))
    with pytest.raises(DataMissing) as told:
        composition.compose(SPECS.tables, [plan], Store(tmp_path), package=None, is_partial=True)
    assert str(told.value) == ("table1: there is no number to certify; 5 of 5 cells are not run, partial or failed")


def test_a_claim_on_another_table_brings_its_column_along(tmp_path: Path) -> None:
    """Claim N12 of figure 4 asks table 1 for its columns on ImageNet."""
    seeds, rows = (0, 1), (BASE, "moco-k8192")
    built = world.build(tmp_path, seeds=seeds, rows=rows, profile=MINI, right=dict.fromkeys(rows, (700, 720)))
    figure = expand(SPECS.tables, SPECS.table("figure4"), MINI, Options(seeds=list(seeds), columns=[]))
    world.fill(built.store, figure, right=650)
    some = World(built.store, figure, SPECS.tables)
    held = some.certificate(is_partial=True)
    (board,) = held["boards"]
    beside = {cell["row"]: cell for cell in board["beside"]["table1"]}
    assert [seed["value"] for seed in beside[BASE]["seeds"]] == [70.0, 72.0]
    assert [seed["value"] for seed in beside["byol"]["seeds"]] == [None, None]
    assert set(held["tables"]) >= {"figure4", "table1"}
    assert {seed["job"] for seed in beside[BASE]["seeds"]} <= held["jobs"].keys()
    assert some.verify(held).disagreements == []


def test_a_network_of_ones_own_is_in_no_table_of_today(tmp_path: Path) -> None:
    own = ("mine", Weights(tmp_path / "mine.pth", "a" * 64))
    options = Options(seeds=[0], columns=["imagenet"], rows=["mine"], own=own)
    plan, store = expand(SPECS.tables, SPECS.table("table1"), MINI, options), Store(tmp_path / "results")
    world.fill(store, plan, right=800)
    some = World(store, plan, SPECS.tables)
    held = some.certificate()
    assert held["asked"]["own"] == {"row": "mine", "sha256": "a" * 64, "classifier": None}
    assert "mine" in [row["id"] for row in held["tables"]["table1"]["rows"]]
    assert some.verify(held).disagreements == []


def test_another_policy_is_in_it(whole: World) -> None:
    held = whole.certificate(policy=replace(STANDARD, level=0.01))
    assert held["policy"]["level"] == 0.01
    assert held["boards"][0]["rules"]["changed"] == ["policy.level was 0.05 and is 0.01 (now)"]


def test_the_rows_that_were_asked_for_are_in_it(whole: World, certified: dict[str, Any]) -> None:
    assert certified["asked"]["rows"] == [BASE, PATCH]
    assert certified["boards"][0]["rows"] == [row.id for row in whole.plan.rows]
