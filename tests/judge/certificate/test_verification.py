"""A certificate beside what it was made from, and beside records and files that somebody changed."""

from __future__ import annotations

import copy
import hashlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from repro.files import digest
from repro.judge.certificate import records
from repro.plan.expand import expand
from repro.store import Store
from tests.judge.certificate import world
from tests.judge.certificate.world import (
    BASE,
    PATCH,
    SPECS,
    Held,
    World,
    bent,
    cell,
    edit,
    hashes,
    label,
    sealed,
    told,
    weights,
)

Copied = Callable[[], World]


def test_untouched_results_agree(whole: World, certified: Held) -> None:
    found = whole.verify(certified)
    assert (told(found), found.missing, dict(found.unchecked), found.remarks) == ([], [], {}, [])
    assert found.exit_code == 0
    evaluations, pretrained, sets = 12, 6, 3
    assert found.counts["records"] == evaluations + 2 * pretrained + sets
    assert found.counts["files"] == evaluations + 2 * pretrained + 3 * sets
    assert found.counts["evaluations"] == found.counts["labels"] == evaluations
    assert found.counts["recipes"] == found.counts["same code"] == evaluations
    assert found.counts["numbers"] == 6 * 5 + 6 * 18  # of accuracies five numbers, under corruptions eighteen
    assert (found.counts["cells"], found.counts["claims"]) == (4, len(whole.plan.table.claims))


def test_results_that_moved_agree(copied: Copied, certified: Held) -> None:
    assert told(copied().verify(certified)) == []


def test_a_forgery_from_the_start_is_not_found(copied: Copied) -> None:
    """Predictions, record and certificate that agree with one another: nobody can tell by looking at them."""
    some = copied()
    bent(some, 100)
    values = {"top1": 87.6, "top5": 100.0, "top1_unmasked": 87.6, "n": 1000, "images": 1000}
    edit(some.store, some.job(BASE), files=hashes(some.path(BASE).parent), values=values)
    assert told(some.verify(some.certificate())) == []


def test_nothing_is_written(copied: Copied, certified: Held) -> None:
    some = copied()
    before = {path: path.stat().st_mtime_ns for path in some.store.root.rglob("*")}
    some.verify(certified)
    assert {path: path.stat().st_mtime_ns for path in some.store.root.rglob("*")} == before


def test_a_number_edited_in_a_record_is_found(copied: Copied, certified: Held) -> None:
    some = copied()
    values = {**certified["jobs"][some.job(BASE)]["values"], "top1": 99.0}
    edit(some.store, some.job(BASE), values=values)
    assert told(some.verify(certified)) == [("records", f"{label(some, BASE)}, values.top1", 77.6, 99.0)]


def test_a_number_edited_in_record_and_certificate_is_found_by_computing_it_again(copied: Copied) -> None:
    """The record was edited, with its digest redone, before it was certified."""
    some = copied()
    certified = some.certificate()
    edit(some.store, some.job(BASE), values={**certified["jobs"][some.job(BASE)]["values"], "top1": 99.0})
    held = some.certificate()
    assert cell(held)["seeds"][0]["value"] == 99.0
    found = told(some.verify(held))
    assert found[0] == ("metrics", f"{label(some, BASE)}, top1", 99.0, 77.6)
    assert {stage for stage, *_ in found} == {"metrics", "cells", "claims"}
    before, after = (each[2:] for each in found if each[1].startswith(f"table1, {BASE}:imagenet, by the predictions"))
    assert before == (pytest.approx(85.0), pytest.approx(233.6 / 3))
    assert after == ("exceeds", "reproduced")


def test_what_a_record_says_besides_is_compared(copied: Copied, certified: Held) -> None:
    some = copied()
    edit(some.store, some.job(BASE), label="another")
    edit(some.store, some.job(PATCH), wall_seconds=2.0)
    environment = {"python": "3.12", "commit": "c" * 40, "dirty": False, "packages": {"numpy": "2.0"}}
    edit(some.store, some.job(BASE, seed=1), environment=environment)
    first, other, last = sorted(told(some.verify(certified)), key=lambda each: "digest" in each[1])
    assert {first, other} == {
        ("records", f"{label(some, BASE)}, label", f"evaluate imagenet of {BASE}, seed 0", "another"),
        ("records", f"{label(some, BASE, seed=1)}, environment.python", "3.11", "3.12"),
    }
    assert last[:3] == ("records", f"{label(some, PATCH)}, digest", certified["jobs"][some.job(PATCH)]["record"])


def test_a_record_that_was_edited_without_care_is_found(copied: Copied, certified: Held) -> None:
    some = copied()
    path = some.path(BASE, "record.json")
    path.write_text(path.read_text(encoding="utf-8").replace("77.6", "99.0"), encoding="utf-8")
    fault = "its digest is not that of its content: it was edited or damaged"
    assert told(some.verify(certified)) == [("records", label(some, BASE), "a whole record of this job", fault)]


def test_results_that_are_gone_are_missing_and_nothing_else(copied: Copied, certified: Held) -> None:
    some = copied()
    shutil.rmtree(some.path(BASE).parent)
    found = some.verify(certified)
    job = some.job(BASE)
    assert told(found) == []
    assert [(lack.where, lack.why) for lack in found.missing] == [
        (label(some, BASE), "no record"),
        (f"{job[:2]}/{job}/predictions.npz (evaluate imagenet of {BASE}, seed 0)", "no such file"),
    ]
    assert found.exit_code == 4


def test_beside_no_results_at_all_everything_is_missing(certified: Held, whole: World, tmp_path: Path) -> None:
    found = World(Store(tmp_path / "none"), whole.plan, whole.tables).verify(certified)
    assert (told(found), found.exit_code) == ([], 4)
    assert len(found.missing) == len(certified["jobs"]) + 12  # their records, and predictions


def test_weights_that_were_replaced_are_found(copied: Copied, certified: Held) -> None:
    some = copied()
    path = weights(some)
    before = path.read_bytes()
    path.write_bytes(before[::-1])
    found = told(some.verify(certified))
    where = f"{path.parent.name[:2]}/{path.parent.name}/encoder.safetensors (pretrain {BASE}, seed 0), SHA-256"
    assert found == [("files", where, hashlib.sha256(before).hexdigest(), hashlib.sha256(before[::-1]).hexdigest())]
    path.write_bytes(b"more and longer weights, of another training altogether")
    assert [each[1] for each in told(some.verify(certified))] == [where.replace("SHA-256", "bytes")]


def test_weights_and_images_need_not_be_here(copied: Copied, certified: Held) -> None:
    some = copied()
    for path in [*some.store.root.glob("*/*/*.safetensors"), *some.store.root.glob("*/*/images.npy")]:
        path.unlink()
    for path in some.store.root.glob("*/*/targets.npz"):
        path.unlink()
    found = some.verify(certified)
    assert (told(found), found.exit_code) == ([], 0)
    assert found.unchecked == {
        "files of images: not in this results folder": 6,
        "files of weights: not in this results folder": 12,
        "labels beside those of the data set: it is not in this results folder": 12,
    }


def test_a_file_that_cannot_be_read_is_told(whole: World, certified: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(records, "file_digest", refuse)
    found = [each for each in told(whole.verify(certified)) if each[1].endswith(f"(pretrain {BASE}, seed 0)")]
    assert [each[2:] for each in found] == [("a file that can be read", "Permission denied")]


def test_results_of_another_version_of_the_code_are_no_disagreement(copied: Copied) -> None:
    """Every job with another code, and so another id: the same recipes."""
    some = copied()
    plan = expand(SPECS.tables, some.plan.table, world.CELLS, some.plan.options)
    older: dict[str, str] = {}
    for name, job in plan.jobs.items():
        content = {**job.content, "code": "older", "inputs": {role: older[to] for role, to in job.inputs.items()}}
        older[name] = digest(content)[:32]
        target = some.store.root / older[name][:2] / older[name]
        target.parent.mkdir(exist_ok=True)
        some.store.folder(name).rename(target)
        edit(some.store, older[name], id=older[name], job=content)
    cells = {key: {seed: older[job] for seed, job in seeds.items()} for key, seeds in plan.cells.items()}
    jobs = {older[name]: replace(job, code="older") for name, job in plan.jobs.items()}
    past = World(some.store, replace(plan, cells=cells, jobs=jobs), some.tables)
    found = past.verify(past.certificate())
    assert told(found) == []
    assert (found.counts["recipes"], found.counts["same code"]) == (12, 0)
    assert found.remarks == ["12 of its evaluations were computed by other code than is here"]
    held = past.certificate()
    (weights(past, BASE).parent / "record.json").unlink()
    found = past.verify(held)
    assert (told(found), found.exit_code) == ([], 4)
    why = "recipes of the rows of table1: a record that a number rests on is not whole"
    assert found.unchecked[why] == 2  # its two columns


def test_verdicts_of_another_version_of_the_judge_are_told(whole: World, certified: Held) -> None:
    held = copy.deepcopy(certified)
    held["judged_by"]["code"] = "0" * 16
    found = whole.verify(sealed(held))
    assert told(found) == []
    assert found.remarks == ["its verdicts were made by another version of the code that judges than is here"]
