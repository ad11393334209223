"""Metrics against numbers published by others, by hand, and on what they are not defined on."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from repro import metrics
from repro.metrics import MetricError
from repro.reference import alexnet_errors, geirhos16


@pytest.fixture(name="resnet50")
def _resnet50(shared: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((shared / "data" / "mce_resnet50.json").read_text())
    return content


# ------------------------------------------------------------------------------------------ against published numbers


def test_corruption_errors_of_resnet50_are_the_published_ones(resnet50: dict[str, Any]) -> None:
    ours = metrics.ce(resnet50["model"]["error"], resnet50["alexnet_error"])
    assert {name: round(value, 2) for name, value in ours.items()} == pytest.approx(
        resnet50["model"]["published_ce"], abs=0.02
    )


def test_mce_of_resnet50_is_the_published_76_7(resnet50: dict[str, Any]) -> None:
    assert round(metrics.mce(resnet50["model"]["error"], resnet50["alexnet_error"]), 1) == 76.7


def test_mce_with_the_five_severities_of_alexnet_is_that_with_their_means(resnet50: dict[str, Any]) -> None:
    error = resnet50["model"]["error"]
    by_severity = metrics.mce(error, alexnet_errors().corruptions)
    assert by_severity == pytest.approx(76.6977, abs=1e-4)


def test_mce_does_not_mind_the_unit_as_long_as_it_is_one(resnet50: dict[str, Any]) -> None:
    percent = {name: 100 * value for name, value in resnet50["model"]["error"].items()}
    reference = {name: 100 * value for name, value in resnet50["alexnet_error"].items()}
    assert metrics.mce(percent, reference) == pytest.approx(76.6977, abs=1e-4)


def test_relative_mce_of_resnet50(resnet50: dict[str, Any]) -> None:
    ours = metrics.relative_mce(
        resnet50["model"]["error"], resnet50["alexnet_error"], clean=1 - 0.7613, reference_clean=0.4348
    )
    assert ours == pytest.approx(104.952, abs=1e-3)


def test_mean_accuracy_of_resnet50_on_imagenet_c_is_the_published_one(resnet50: dict[str, Any]) -> None:
    assert metrics.corruption_accuracy(resnet50["model"]["error"]) == pytest.approx(39.17, abs=0.01)


@pytest.mark.parametrize(
    ("observer", "bias", "shapes", "textures"),
    [("pytorch/resnet50", 22.1, 162, 572), ("paper/alexnet", 42.9, 283, 376)],
)
def test_shape_bias_is_the_published_one(shared: Path, observer: str, bias: float, shapes: int, textures: int) -> None:
    with (shared / "data" / "cue_conflict_decisions.csv").open() as stream:
        rows = [row for row in csv.DictReader(stream) if row["observer"] == observer]
    assert len(rows) == 1280
    result = metrics.shape_bias(*([row[key] for row in rows] for key in ("shape", "texture", "decision")))
    assert result.bias is not None
    assert round(result.bias, 1) == bias
    assert (result.n, result.decided) == (1200, shapes + textures)
    assert result.shape_accuracy == pytest.approx(100 * shapes / 1200)
    assert result.texture_accuracy == pytest.approx(100 * textures / 1200)


# --------------------------------------------------------------------------------------------------------- properties


def test_the_mean_of_ratios_is_not_the_ratio_of_means() -> None:
    # by hand: (0.2/0.4 + 0.9/0.9) / 2 = 75 %; the ratio of the means would be 1.1 / 1.3 = 84.6 %
    assert metrics.mce({"a": 0.2, "b": 0.9}, {"a": 0.4, "b": 0.9}) == pytest.approx(75.0)


def test_errors_may_be_given_in_any_order() -> None:
    reference = {"fog": 0.5, "snow": 0.25}
    assert metrics.ce({"snow": 0.25, "fog": 0.25}, reference) == {"fog": 50.0, "snow": 100.0}


def test_corruption_accuracy_is_that_of_all_cells_together() -> None:
    errors = np.random.default_rng(0).uniform(0, 1, size=(15, 5))
    by_name = {f"corruption {index}": tuple(row) for index, row in enumerate(errors)}
    assert metrics.corruption_accuracy(by_name) == pytest.approx(100 * np.mean(1 - errors))
    assert metrics.corruption_accuracy({name: 100 * np.array(row) for name, row in by_name.items()}) == pytest.approx(
        100 * np.mean(1 - errors)
    )


def test_corruption_accuracy_of_percent_below_one_needs_the_unit() -> None:
    assert metrics.corruption_accuracy({"fog": 0.5}) == 50.0
    assert metrics.corruption_accuracy({"fog": 0.5}, unit="percent") == pytest.approx(99.5)


def test_a_category_wins_by_its_mean_not_by_its_sum() -> None:
    probabilities = np.zeros(1000)
    probabilities[list(geirhos16()["dog"])] = 0.6 / 109  # sums to 0.6
    probabilities[404] = 0.4  # the only airplane
    assert metrics.category_decision(probabilities) == "airplane"


def test_the_decision_is_that_of_a_loop_over_categories() -> None:
    logits = np.random.default_rng(1).normal(size=(4, 3, 1000)) * 3
    softmax = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    found = metrics.category_decision(softmax)
    assert found.shape == (4, 3)
    for place in np.ndindex(4, 3):
        best, most = "", -1.0
        for name in sorted(geirhos16()):
            mean = sum(softmax[place][index] for index in geirhos16()[name]) / len(geirhos16()[name])
            if mean > most:
                best, most = name, mean
        assert found[place] == best


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_equal_categories_go_to_the_first_in_the_alphabet(kind: type) -> None:
    assert metrics.category_decision(np.full(1000, 0.001, dtype=kind)) == "airplane"
    tied = np.zeros(1000, dtype=kind)
    tied[list(geirhos16()["truck"])] = 0.1
    tied[list(geirhos16()["clock"])] = 0.1
    assert metrics.category_decision(tied) == "clock"


def test_shape_bias_leaves_out_images_without_conflict_and_other_decisions() -> None:
    shape = ["cat", "cat", "dog", "dog", "dog", "cat"]
    texture = ["dog", "dog", "cat", "cat", "cat", "cat"]
    decision = ["cat", "oven", "cat", "dog", None, "cat"]
    result = metrics.shape_bias(shape, texture, decision)  # S = 2, T = 1, two for neither, one without conflict
    assert result.bias == pytest.approx(200 / 3)
    assert (result.shape_accuracy, result.texture_accuracy, result.n, result.decided) == (40.0, 20.0, 5, 3)


def test_a_bias_of_nothing_decided_is_none_and_never_a_number() -> None:
    result = metrics.shape_bias(["cat"], ["dog"], ["oven"])
    assert result.bias is None
    assert (result.shape_accuracy, result.texture_accuracy) == (0.0, 0.0)


def test_coarse_counts_any_class_of_the_superclass() -> None:
    predictions = [5, 6, 7, 0, 5, 0]
    labels = [5, 5, 5, 5, 0, 0]  # four images of the superclass {5, 6, 7}: one right, two more inside it
    result = metrics.fine_coarse(predictions, labels, [5, 6, 7])
    assert (result.fine, result.coarse, result.n) == (25.0, 75.0, 4)


def test_coarse_is_never_below_fine() -> None:
    generator = np.random.default_rng(2)
    predictions, labels = generator.integers(0, 10, size=(2, 500))
    result = metrics.fine_coarse(predictions, labels, range(4))
    assert result.coarse >= result.fine


def test_similarity_broadcasts_one_query_over_its_negatives() -> None:
    queries = np.array([[[1.0, 0.0]], [[0.0, 2.0]]])  # 2 x 1 x 2
    others = np.array([[1.0, 0.0], [0.0, 1.0], [-3.0, 0.0]])  # 3 x 2
    assert metrics.similarity(queries, others).tolist() == [[1.0, 0.0, -1.0], [0.0, 1.0, 0.0]]


# ------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: metrics.top1([], []), "expected at least one prediction, found none"),
        (lambda: metrics.top5([]), "expected at least one rank, (N,) integers, found float64 (0,)"),
        (lambda: metrics.top5([[1], [2]]), "expected at least one rank, (N,) integers, found int64 (2, 1)"),
        (lambda: metrics.top5([0.0, 1.0]), "expected at least one rank, (N,) integers, found float64 (2,)"),
        (
            lambda: metrics.top1([1, 2], [1]),
            "expected predictions and labels of one shape (N,), found (2,) and (1,)",
        ),
        (
            lambda: metrics.top1([0.5, 1.0], [0, 1]),
            "expected class indices, found float64 predictions and int64 labels",
        ),
        (lambda: metrics.corruption_accuracy({}), "expected errors of at least one corruption, found none"),
        (lambda: metrics.corruption_accuracy({"fog": 120.0}), "errors as percent: expected at most 100, found 120"),
        (
            lambda: metrics.corruption_accuracy({"fog": 20.0}, unit="fraction"),
            "errors as fraction: expected at most 1, found 20",
        ),
        (
            lambda: metrics.mce({"fog": 1.0, "rain": 1.0}, {"fog": 1.0, "snow": 1.0}),
            "expected the reference's 2 corruptions, found 2 (missing: snow; not in the reference: rain)",
        ),
        (
            lambda: metrics.mce({"fog": 1.0}, {"fog": 1.0, "snow": 1.0}),
            "expected the reference's 2 corruptions, found 1 (missing: snow)",
        ),
        (
            lambda: metrics.relative_mce({"fog": 1.0}, {"snow": 1.0}, clean=0.0, reference_clean=0.0),
            "expected the reference's 1 corruptions, found 1 (missing: snow; not in the reference: fog)",
        ),
        (
            lambda: metrics.mce({"fog": 1.0}, {"fog": 0.0}),
            'corruption "fog": the reference error is 0, so there is nothing to divide by',
        ),
        (
            lambda: metrics.relative_mce({"fog": 1.0}, {"fog": 0.5}, clean=0.2, reference_clean=0.5),
            'corruption "fog": it adds nothing to the reference error, so nothing divides by it',
        ),
        (
            lambda: metrics.mce({"fog": [0.1, 0.2]}, {"fog": 0.5}),
            'corruption "fog": expected 5 severities or their mean, found shape (2,)',
        ),
        (
            lambda: metrics.mce({"fog": float("nan")}, {"fog": 0.5}),
            'corruption "fog": expected errors of 0 or more, found nan',
        ),
        (
            lambda: metrics.category_decision(np.zeros((2, 100))),
            "expected probabilities (..., 1000), found shape (2, 100)",
        ),
        (
            lambda: metrics.category_decision(np.zeros((0, 1000))),
            "expected probabilities of at least one image, found none",
        ),
        (
            lambda: metrics.category_decision(np.linspace(-5, 5, 1000)),
            "expected probabilities from 0 to 1, found other values: apply the softmax first",
        ),
        (
            lambda: metrics.shape_bias(["cat"], ["dog"], []),
            "expected one shape, one texture and one decision for each image, "
            "found 1 shapes, 1 textures and 0 decisions",
        ),
        (
            lambda: metrics.shape_bias(["cat"], ["cat"], ["cat"]),
            "expected images whose shape and texture differ, found none among 1",
        ),
        (lambda: metrics.fine_coarse([1], [1], []), "expected at least one class in the superclass, found none"),
        (
            lambda: metrics.fine_coarse([1], [1], [2, 3]),
            "expected images of the superclass's 2 classes, found none among 1",
        ),
        (lambda: metrics.similarity([], []), "expected at least one embedding on each side, found none"),
        (
            lambda: metrics.similarity([[1.0, 2.0]], [[1.0]]),
            "expected embeddings of equal length, found (1, 2) and (1, 1)",
        ),
        (
            lambda: metrics.similarity([[0.0, 0.0]], [[1.0, 0.0]]),
            "expected embeddings with a direction, found one of length 0",
        ),
    ],
)
def test_what_is_not_defined_is_a_sentence(call: Any, sentence: str) -> None:
    with pytest.raises(MetricError) as caught:
        call()
    assert str(caught.value) == sentence
