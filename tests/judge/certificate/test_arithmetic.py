"""Metrics computed again: numbers counted by hand, and those of the evaluators on answers drawn at random."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from repro.judge.certificate import arithmetic
from repro.judge.certificate.differences import differences
from repro.judge.certificate.predictions import Predictions, Said
from repro.lab import cosines
from repro.lab.evaluation import About
from repro.lab.evaluators import accuracy, class_accuracy, corruption, fine_coarse, shape_bias
from repro.metrics import MetricError
from repro.reference import geirhos16, wnids

RANDOM = np.random.default_rng(0)
NAMES = ("ant", "bee", "cat", "dog", "elk", "fox", "gnu")


def kept(columns: dict[str, Any], **said: Any) -> Predictions:
    return Predictions({name: np.array(column) for name, column in columns.items()}, Said(**said))


def test_accuracy_by_hand() -> None:
    columns = {"predictions": [0, 1, 1, 0], "unmasked": [0, 2, 1, 0], "labels": [0, 1, 0, 1], "ranks": [0, 0, 5, 4]}
    found = arithmetic.values("accuracy", kept(columns, classifier=NAMES), reference=None)
    assert found == {"top1": 50.0, "top5": 75.0, "top1_unmasked": 25.0, "n": 4, "images": 4}


def test_an_answer_that_its_rank_denies_is_told() -> None:
    columns = {"predictions": [0, 1], "unmasked": [0, 1], "labels": [0, 1], "ranks": [0, 1]}
    with pytest.raises(MetricError) as told:
        arithmetic.values("accuracy", kept(columns, classifier=NAMES), reference=None)
    assert str(told.value) == (
        "expected the right class first of all where it was predicted and nowhere else, found 1 of 2 images otherwise"
    )


def five(right: tuple[int, ...]) -> dict[str, Any]:
    """One corruption, ten images of class 0 a severity, so many right."""
    predictions = [0 if place < each else 1 for each in right for place in range(10)]
    return {"predictions": predictions, "labels": [0] * 50, "condition": np.repeat(np.arange(5), 10)}


def test_corruption_by_hand() -> None:
    said = {"classifier": NAMES, "conditions": tuple(f"fog/{severity}" for severity in range(1, 6))}
    found = arithmetic.values("corruption", kept(five((9, 8, 7, 6, 5)), **said), reference={"fog": [60.0] * 5})
    assert found == {
        "mean_accuracy": 70.0,
        "severity-1": 90.0,
        "severity-2": 80.0,
        "severity-3": 70.0,
        "severity-4": 60.0,
        "severity-5": 50.0,
        "mce": 50.0,
        "errors": {"fog": [10.0, 20.0, 30.0, 40.0, 50.0]},
        "n": 50,
        "images": 50,
    }
    assert "mce" not in arithmetic.values("corruption", kept(five((9, 8, 7, 6, 5)), **said), reference=None)


def test_a_corruption_without_all_severities_is_told() -> None:
    said = {"classifier": NAMES, "conditions": ("fog/1", "fog/2", "fog/3", "fog/4", "fog/x")}
    with pytest.raises(MetricError) as told:
        arithmetic.errors(kept(five((9, 8, 7, 6, 5)), **said))
    assert str(told.value) == ("fog: expected images of severities 1 to 5, found those of ['1', '2', '3', '4', 'x']")


def test_the_reference_of_alexnet_is_in_percent() -> None:
    found = arithmetic.alexnet()
    assert len(found) == 15
    assert found["gaussian_noise"][0] == pytest.approx(69.528)


def test_fine_and_coarse_by_hand() -> None:
    columns = {"predictions": [3, 5, 0, 3], "labels": [3, 3, 3, 0]}
    said = {"classifier": NAMES, "classes": ("dog", "fox", "ant"), "parents": (0, 0, -1), "parent_names": ("canine",)}
    found = arithmetic.values("fine_coarse", kept(columns, **said), reference=None)
    assert found == {"fine": 100 / 3, "coarse": 200 / 3, "n": 3, "images": 4}
    with pytest.raises(MetricError) as told:
        arithmetic.fine_coarse(kept(columns, classifier=NAMES, classes=("dog",)))
    assert str(told.value) == "expected images of one superclass, found 0"


def test_shape_bias_by_hand() -> None:
    """Of three categories the classifier has cat and dog; S = 2 and T = 1 of the images that show both."""
    columns = {"shape": [1, 1, 2, 0, 1], "texture": [2, 2, 1, 1, 1], "decision": [1, 2, 2, 1, 1]}
    said = {"classifier": ("cat", "dog"), "classes": ("bear", "cat", "dog")}
    found = arithmetic.values("shape_bias", kept(columns, **said), reference=None)
    assert (found["bias"], found["shape_accuracy"], found["texture_accuracy"]) == (200 / 3, 200 / 3, 100 / 3)
    assert (found["n"], found["decided"], found["n-model-vs-human"]) == (3, 3, 4)
    assert (found["bias-any-cue"], found["n-any-cue"]) == (50.0, 4)  # the bear that is taken for a cat by its texture
    assert (found["shape_accuracy-model-vs-human"], found["bias-mean-over-shapes"]) == (50.0, 75.0)
    assert (found["categories"], found["categories_of"]) == (2, 3)
    with pytest.raises(MetricError) as told:
        arithmetic.values("shape_bias", kept(columns, **{**said, "classifier": ("elk",)}), reference=None)
    assert str(told.value) == "expected a class of one of the images' 3 categories, found none"


def drawn(count: int, below: int) -> Any:
    return RANDOM.integers(0, below, count).astype(np.int16)


def agree(evaluator: Any, columns: dict[str, Any], about: About, reference: Any = None) -> dict[str, Any]:
    """What an evaluator says and what is computed again are one."""
    name = evaluator.__name__.rpartition(".")[2]
    said = {key: getattr(about, key) for key in ("classifier", "classes", "conditions", "parents", "parent_names")}
    expected = {**evaluator.conclude(columns, about), "images": len(next(iter(columns.values())))}
    found = arithmetic.values(name, kept(columns, **said), reference=reference)
    assert list(differences(expected, found)) == []
    assert expected.keys() == found.keys()
    return expected


@pytest.mark.parametrize("repeat", range(5))
def test_every_evaluator_says_the_same(repeat: int) -> None:
    labels, predictions = drawn(300, 7), drawn(300, 7)
    ranks = np.where(predictions == labels, 0, 1 + drawn(300, 6)).astype(np.int16)
    about = About(NAMES, NAMES, parents=(-1, 0, 0, 0, -1, 0, -1), parent_names=("pet",))
    columns = {"predictions": predictions, "labels": labels, "unmasked": drawn(300, 7), "ranks": ranks}
    agree(accuracy, columns, about)
    agree(class_accuracy, {"predictions": predictions, "labels": labels}, about)
    agree(fine_coarse, {"predictions": predictions, "labels": labels}, about)
    conditions = tuple(f"{name}/{severity}" for name in ("fog", "snow") for severity in range(1, 6))
    reference = {"fog": (50.0, 60.0, 70.0, 80.0, 90.0), "snow": (10.0, 20.0, 30.0, 40.0, 50.0)}
    about = About(NAMES, NAMES, conditions, reference=reference)
    condition = (np.arange(300) % 10).astype(np.int16)
    agree(corruption, {"predictions": predictions, "labels": labels, "condition": condition}, about, reference)


def test_the_ten_best_classes_are_the_same_with_imagenets_names() -> None:
    names = wnids("imagenet-1k")
    labels = np.repeat(np.arange(1000), 3).astype(np.int16)
    predictions = np.where(RANDOM.random(3000) < 0.5, labels, 0).astype(np.int16)
    told = agree(class_accuracy, {"predictions": predictions, "labels": labels}, About(names, names))
    assert isinstance(told["best-ten-in-16"], int)
    few = {"predictions": predictions[:6], "labels": labels[:6]}
    assert agree(class_accuracy, few, About(names, names))["best-ten-in-16"] is None


CLASSIFIERS = {
    "the categories by name": tuple(sorted(geirhos16())),
    "some of them": ("cat", "dog", "car", "cup"),
    "ImageNet by WordNet id": wnids("imagenet-1k"),
    "ImageNet-100": wnids("imagenet-100"),
    "a thousand classes without names": tuple(map(str, range(1000))),
}


@pytest.mark.parametrize("which", CLASSIFIERS)
def test_every_reading_of_shape_bias_is_the_same(which: str) -> None:
    classes = tuple(sorted(geirhos16()))
    columns = {"shape": drawn(800, 16), "texture": drawn(800, 16), "decision": drawn(800, 16)}
    columns["predictions"] = drawn(800, 4)
    agree(shape_bias, columns, About(CLASSIFIERS[which], classes))


def test_shape_bias_with_superclasses_is_the_same() -> None:
    about = About(NAMES, NAMES, parents=(-1, -1, -1, 0, -1, 0, -1), parent_names=("canine",))
    columns = {"shape": drawn(500, 7), "texture": drawn(500, 7), "decision": drawn(500, 6)}
    agree(shape_bias, {**columns, "predictions": drawn(500, 7)}, about)


def stored(queries: int, others: int) -> dict[str, Any]:
    """The arrays of a comparison, of cosines drawn at random."""
    pairs = {kind: RANDOM.uniform(-1, 1, queries).astype(np.float32) for kind in ("positive", "patch", "texture")}
    standard = RANDOM.uniform(-1, 1, (queries, others))
    return {
        "places": np.arange(queries),
        **pairs,
        "standard": standard.mean(1).astype(np.float32),
        "standard_squares": np.square(standard).mean(1).astype(np.float32),
        "standard_n": np.full(queries, others, np.int32),
        "standard_counts": np.histogram(standard, bins=2000, range=(-1, 1))[0],
    }


def test_similarities_by_hand() -> None:
    """Two queries with one other each."""
    columns = {
        "positive": np.array([0.5, 1.0]),
        "patch": np.array([-1.0, 0.0]),
        "standard": np.array([0.25, -0.25]),
        "standard_squares": np.array([0.0625, 0.0625]),
        "standard_n": np.array([1, 1]),
        "standard_counts": np.bincount([750, 1250], minlength=2000),
    }
    found = arithmetic.values("similarity", kept(columns), reference=None)
    assert (found["positive"], found["positive-sd"], found["positive-n"], found["queries"]) == (0.75, 0.25, 2, 2)
    assert found["patch-q95"] == pytest.approx(-0.05)
    assert (found["standard"], found["standard-sd"], found["standard-n"]) == (0.0, 0.25, 2)
    assert found["standard-q95"] == pytest.approx(0.2509)  # nine tenths into the last bin, from 0.25 to 0.251
    bars = found["histograms"]["standard"]
    assert (len(bars), sum(bars), bars[37], bars[62]) == (100, 2, 1, 1)
    assert "texture" not in found


def test_similarities_are_those_of_the_lab() -> None:
    columns = stored(64, 31)
    found = arithmetic.values("similarity", kept(columns), reference=None)
    names = ("standard", "standard_squares", "standard_n", "standard_counts")
    spreads = {kind: cosines.spread(columns[kind]) for kind in ("positive", "patch", "texture")}
    spreads["standard"] = cosines.grouped_spread(*(columns[name] for name in names))
    for kind, spread in spreads.items():
        told = [found[key] for key in (kind, f"{kind}-sd", f"{kind}-q95", f"{kind}-n")]
        assert told == pytest.approx([spread.mean, spread.sd, spread.q95, spread.n], rel=1e-12)
        assert sum(found["histograms"][kind]) == spread.n


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"positive": None}, 'expected cosines under "positive", found none'),
        ({"patch": np.array([0, 1])}, 'expected cosines under "patch", found none'),
        ({"patch": np.array([0.0, np.nan])}, '"patch": expected cosines from -1 to 1, found other values'),
        ({"standard_n": np.array([1, 2])}, "expected counts of the 3 standard negatives, found 2"),
        (
            {"standard_counts": np.zeros(99, int)},
            "expected counts of standard negatives in a multiple of 100 bins, found none",
        ),
        ({"standard_counts": np.full(100, -1)}, "expected counts of standard negatives of 0 or more, found others"),
    ],
)
def test_similarities_that_cannot_be_are_told(changes: dict[str, Any], fault: str) -> None:
    columns = stored(2, 1) | changes
    columns = {name: column for name, column in columns.items() if column is not None}
    with pytest.raises(MetricError) as told:
        arithmetic.values("similarity", kept(columns), reference=None)
    assert str(told.value) == fault
