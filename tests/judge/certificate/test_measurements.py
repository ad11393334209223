"""Metrics computed again from predictions that somebody changed, and from those of no plan."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from repro.judge.certificate import targets
from repro.judge.certificate.layout import Certificate, Job
from repro.judge.certificate.ledger import Ledger
from repro.judge.certificate.measurements import Measurements
from repro.judge.certificate.predictions import Predictions, Said
from repro.reference import alexnet_errors
from repro.store import Store
from tests.judge.certificate import world
from tests.judge.certificate.world import (
    BASE,
    PATCH,
    Held,
    World,
    bent,
    edit,
    hashes,
    label,
    told,
)

Copied = Callable[[], World]


def test_one_prediction_that_was_changed_is_found(copied: Copied, certified: Held) -> None:
    some = copied()
    before = hashlib.sha256(some.path(BASE).read_bytes()).hexdigest()
    bent(some)
    after = hashlib.sha256(some.path(BASE).read_bytes()).hexdigest()
    found = some.verify(certified)
    job, where = some.job(BASE), label(some, BASE)
    changed = [each for each in told(found) if each[0] != "files"]
    file = f"{job[:2]}/{job}/predictions.npz (evaluate imagenet of {BASE}, seed 0)"
    size = (certified["jobs"][job]["files"]["predictions.npz"]["bytes"], some.path(BASE).stat().st_size)
    (one,) = [each for each in told(found) if each[0] == "files"]
    assert one in [
        ("files", f"{file}, SHA-256", before, after),
        ("files", f"{file}, bytes", *size),
    ]
    assert changed[:2] == [
        ("metrics", f"{where}, top1", 77.6, 77.7),
        ("metrics", f"{where}, top1_unmasked", 77.6, 77.7),
    ]
    mean = (
        "cells",
        f"table1, {BASE}:imagenet, by the predictions, mean",
        pytest.approx(233.6 / 3),
        pytest.approx(77.9),
    )
    assert changed[2] == mean
    assert found.exit_code == 1


def test_predictions_that_give_another_verdict_are_told_with_it(copied: Copied, certified: Held) -> None:
    some = copied()
    bent(some, 40)
    found = [each[2:] for each in told(some.verify(certified)) if each[1].startswith(f"table1, {BASE}:imagenet, by")]
    assert found == [(pytest.approx(233.6 / 3), pytest.approx(237.6 / 3)), ("reproduced", "exceeds")]


def test_an_answer_that_its_rank_denies_is_found(copied: Copied, certified: Held) -> None:
    """One answer changed in the file and nothing else, by one who does not know the layout."""
    some = copied()
    columns = world.plain(776)
    columns["predictions"][900] = columns["labels"][900]
    world.keep(some.path(BASE).parent, columns)
    found = [each for each in told(some.verify(certified)) if each[0] == "metrics"]
    expected = "the right class first of all where it was predicted and nowhere else"
    assert found == [("metrics", label(some, BASE), expected, "1 of 1000 images otherwise")]


def test_predictions_of_two_rows_that_were_swapped_are_found(copied: Copied, certified: Held) -> None:
    """With the hashes in their records redone."""
    some = copied()
    one, other = some.path(BASE), some.path(PATCH)
    kept = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(kept)
    for row in (BASE, PATCH):
        edit(some.store, some.job(row), files=hashes(some.path(row).parent))
    found = told(some.verify(certified))
    named = [(stage, where) for stage, where, *_ in found]
    for row in (BASE, PATCH):
        assert ("records", f"{label(some, row)}, files.predictions.npz.sha256") in named
    metrics = [each for each in found if each[0] == "metrics" and each[1].endswith(", top1")]
    assert sorted(metrics) == sorted(
        [("metrics", f"{label(some, BASE)}, top1", 77.6, 79.2), ("metrics", f"{label(some, PATCH)}, top1", 79.2, 77.6)]
    )


def test_labels_that_were_changed_are_found_by_those_of_the_set(copied: Copied) -> None:
    """Everything redone, so that accuracy rises with the labels: only the set of images knows better."""
    some = copied()
    columns = world.plain(776)
    columns["labels"][990] = columns["predictions"][990]
    columns["ranks"][990] = 0
    world.keep(some.path(BASE).parent, columns)
    values = {"top1": 77.7, "top5": 100.0, "top1_unmasked": 77.7, "n": 1000, "images": 1000}
    edit(some.store, some.job(BASE), files=hashes(some.path(BASE).parent), values=values)
    found = told(some.verify(some.certificate()))
    assert found == [("metrics", f"{label(some, BASE)}, labels", "those of the 1000 images of its set", "1 others")]


def test_conditions_that_were_changed_are_found_by_those_of_the_set(copied: Copied, certified: Held) -> None:
    some = copied()
    columns = world.corrupted()
    columns["condition"][[0, -1]] = columns["condition"][[-1, 0]]
    world.keep(some.path(BASE, column="imagenet-c").parent, columns, conditions=world.CONDITIONS)
    found = told(some.verify(certified))
    where = label(some, BASE, "imagenet-c")
    assert ("metrics", f"{where}, condition", "those of the 200 images of its set", "2 others") in found
    names = [name.replace("fog", "frost") for name in world.CONDITIONS]
    world.keep(some.path(BASE, column="imagenet-c").parent, world.corrupted(), conditions=names)
    found = told(some.verify(certified))
    assert ("metrics", f"{where}, conditions", "those of the 200 images of its set", "10 other names") in found


def test_predictions_that_are_no_predictions_are_found(copied: Copied, certified: Held) -> None:
    some = copied()
    some.path(BASE).write_bytes(b"nothing")
    found = [each for each in told(some.verify(certified)) if each[0] == "metrics"]
    fault = "none that can be read (File is not a zip file)"
    assert found == [("metrics", label(some, BASE), "stored arrays", fault)]


def test_a_metric_that_does_not_follow_from_what_is_stored_is_told(copied: Copied) -> None:
    some = copied()
    values = {"top1": 77.6, "top5": 100.0, "top1_unmasked": 77.6, "n": 1000, "images": 1000, "speed": 3.0}
    edit(some.store, some.job(BASE), values=values)
    found = some.verify(some.certificate())
    assert (told(found), found.exit_code) == ([], 0)
    assert found.unchecked == {'"speed" of accuracy: does not follow from what is stored': 1}


def fake(store: Store, **jobs: Job) -> tuple[Ledger, dict[str, Any]]:
    """Evaluations of no plan, measured anew."""
    held, ledger = Certificate.model_construct(jobs=jobs), Ledger()
    return ledger, Measurements(held, store, ledger).compare()


def job(evaluator: str, values: dict[str, Any], **more: Any) -> Job:
    fields = {"kind": "evaluate", "code": "1", "seed": None, "limit": None, "inputs": {}, "reference": None}
    return Job(**fields | {"record": "0" * 64, "environment": 0, "files": {}, "label": evaluator} | more,
               evaluator=evaluator, values=values)  # fmt: skip


def test_the_reference_of_mce_is_measured_anew(tmp_path: Path) -> None:
    """mCE of a network beside its reference, whose errors rise from 10 to 50 %, and then from 20 to 60 %."""
    store, one, other = Store(tmp_path), "1" * 32, "2" * 32
    for job in (one, other):
        world.keep(store.folder(job), world.corrupted(), conditions=world.CONDITIONS)
    errors = [100.0 - 5.0 * sure for sure in world.SURE]
    fields = {"kind": "evaluate", "code": "1", "seed": None, "evaluator": "corruption", "limit": None}
    fields |= {"record": "0" * 64, "environment": 0, "files": {}}
    values = {"mean_accuracy": 80.0, "mce": 100.0, "errors": {"fog": errors, "snow": errors}}
    first = Job(**fields, label="one", inputs={"reference": other}, reference="table1/supervised", values=values)
    second = Job(**fields, label="other", inputs={}, reference=None, values={"mean_accuracy": 80.0})
    held = Certificate.model_construct(jobs={one: first, other: second})
    ledger = Ledger()
    assert Measurements(held, store, ledger).compare() == {}
    worse = [sure - 2 for sure in world.SURE]
    world.keep(store.folder(other), world.corrupted(worse), conditions=world.CONDITIONS)
    found = Measurements(held, store, ledger).compare()
    assert found.keys() == {one, other}
    assert ("metrics", "one [111111111111], mce", 100.0, pytest.approx(200 / 3)) in told(ledger)


def test_what_cannot_be_computed_again_is_told(tmp_path: Path) -> None:
    ledger, found = fake(Store(tmp_path), one=job("samples", {"colour-distance": 0.1}, kind="samples"))
    assert (found, told(ledger)) == ({}, [])
    assert ledger.unchecked == {'"colour-distance" of samples: does not follow from what is stored': 1}


def test_without_the_predictions_of_its_reference_an_evaluation_is_not_compared(tmp_path: Path) -> None:
    store = Store(tmp_path)
    world.keep(store.folder("one"), world.corrupted(), conditions=world.CONDITIONS)
    ledger, found = fake(store, one=job("corruption", {"mce": 1.0}, inputs={"reference": "2" * 32}))
    assert (found, told(ledger)) == ({}, [])
    assert ledger.unchecked == {"evaluations whose reference network's predictions are not here": 1}


def test_mce_beside_alexnet_is_measured_anew(tmp_path: Path) -> None:
    """20 % errors on 15 corruptions, beside AlexNet's errors as they were published: ours over theirs, one by one."""
    store, errors = Store(tmp_path), alexnet_errors().corruptions
    conditions = tuple(f"{name}/{severity}" for name in errors for severity in range(1, 6))
    count = 5 * len(conditions)
    right = np.arange(count) % 5 != 0
    columns = {"labels": np.zeros(count, int), "predictions": np.where(right, 0, 1), "condition": np.arange(count) // 5}
    world.keep(store.folder("one"), columns, conditions=conditions)
    expected = float(np.mean([100 * 0.2 / np.mean(five) for five in errors.values()]))
    ledger, found = fake(store, one=job("corruption", {"mce": expected}, reference="alexnet"))
    assert (found, told(ledger)) == ({}, [])
    ledger, found = fake(store, one=job("corruption", {"mce": expected + 0.1}, reference="alexnet"))
    assert [each[:2] for each in told(ledger)] == [("metrics", "corruption [one], mce")]


def test_similarities_are_measured_anew(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.folder("one").mkdir(parents=True)
    columns = {name: np.array([0.5, 1.0]) for name in ("positive", "patch", "standard", "standard_squares")}
    columns |= {"standard_n": np.array([1, 1]), "standard_counts": np.bincount([1500, 1999], minlength=2000)}
    np.savez(store.folder("one") / "predictions.npz", **columns)
    ledger, found = fake(store, one=job("similarity", {"positive": 0.75, "patch-n": 2, "queries": 2}))
    assert (found, told(ledger), ledger.counts["labels"]) == ({}, [], 0)
    ledger, found = fake(store, one=job("similarity", {"positive": 0.76}))
    assert told(ledger) == [("metrics", "similarity [one], positive", 0.76, 0.75)]


def test_labels_of_another_set_are_told(copied: Copied, certified: Held) -> None:
    """The set of images was put in the place of another one; its files' hashes tell as well."""
    some = copied()
    record = some.store.read(some.job(BASE))
    assert record is not None
    folder = some.store.folder(record.job["inputs"]["data"])
    where = f"{label(some, BASE)}, labels"

    def odd(labels: Any, classes: tuple[str, ...] = world.CLASSES) -> list[Any]:
        np.savez(folder / "targets.npz", labels=labels)
        (folder / "info.json").write_text(json.dumps({"classes": classes, "conditions": []}))
        found = some.verify(certified)
        return [each for each in told(found) if each[1] == where] or [*found.unchecked]

    assert odd(np.zeros(10, int)) == [("metrics", where, "those of the 10 images of its set", "those of 1000 images")]
    absent = ["labels beside those of the data set: it is not in this results folder"]
    assert odd(np.zeros(1000)) == odd(np.zeros((2, 2), int)) == absent
    assert odd(world.LABELS) == []


def test_a_class_that_the_classifier_lacks_is_told() -> None:
    said = Said(("cat",), ("cat", "dog"))
    kept = Predictions({"labels": np.array([0])}, said)
    of_set = targets.Targets(np.array([0]), None, None, ("cat", "dog"), ())
    fault = "expected a classifier of all classes of the images, found none for 'dog'"
    assert list(targets.odd(kept, of_set)) == [("labels", fault)]
