"""Each evaluator on a handful of answers whose numbers a person can count."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from repro import metrics
from repro.errors import JobFailed
from repro.lab.data import Images
from repro.lab.evaluation import Answers, about
from repro.lab.evaluators import accuracy, corruption, fine_coarse


def pictures(labels: list[int], classes: tuple[str, ...], **more: Any) -> Images:
    return Images(np.zeros((len(labels), 3, 1, 1), np.uint8), np.array(labels, np.int64), classes, **more)


@dataclass(frozen=True)
class Found:
    values: dict[str, Any]
    arrays: dict[str, NDArray[Any]]


def evaluate(evaluator: ModuleType, said: Answers) -> Found:
    """What an evaluator makes of answers that come one image at a time, which is what it makes of all at once."""
    arrays = evaluator.observe(said)
    parts = [
        evaluator.observe(replace(said, probabilities=said.probabilities[row], images=said.images[row]))
        for row in (slice(start, start + 1) for start in range(len(said.images)))
    ]
    for name, column in arrays.items():
        assert all(part[name].dtype == column.dtype and np.issubdtype(column.dtype, np.number) for part in parts)
        assert np.array_equal(np.concatenate([part[name] for part in parts]), column)
    return Found(evaluator.conclude(arrays, said.about), arrays)


def answers(said: list[int], classes: tuple[str, ...], images: Images, *, reference: Any = None) -> Answers:
    """A network sure of `said`, with the class after it as the runner-up."""
    probabilities = np.zeros((len(said), len(classes)), np.float32)
    for row, index in enumerate(said):
        probabilities[row, index] += 0.75
        probabilities[row, (index + 1) % len(classes)] += 0.25
    return answered(probabilities, classes, images, reference=reference)


def answered(
    probabilities: NDArray[np.float32], classes: tuple[str, ...], images: Images, *, reference: Any = None
) -> Answers:
    return Answers(probabilities, images, about(images, classes, reference=reference))


def test_accuracy_counts() -> None:
    images = pictures([0, 1, 2, 2], ("cat", "dog", "fish"))
    result = evaluate(accuracy, answers([0, 1, 2, 0], ("cat", "dog", "fish"), images))
    assert result.values == {"top1": 75.0, "top5": 100.0, "top1_unmasked": 75.0, "n": 4}
    assert result.arrays["predictions"].tolist() == [0, 1, 2, 0]
    assert result.arrays["ranks"].tolist() == [0, 0, 0, 2]
    assert result.arrays["predictions"].dtype == result.arrays["ranks"].dtype == np.int16


def test_classes_are_matched_by_name_and_absent_ones_do_not_compete() -> None:
    """The images have two of the classifier's three classes, in another order (ImageNet-R)."""
    images = pictures([0, 0, 1], ("fish", "cat"))
    result = evaluate(accuracy, answers([2, 1, 0], ("cat", "dog", "fish"), images))
    # the second is taken for a dog, which the images do not have; its runner-up is fish, which is right
    assert result.values == {"top1": 100.0, "top5": 100.0, "top1_unmasked": pytest.approx(200 / 3), "n": 3}
    assert result.arrays["labels"].tolist() == [2, 2, 0]
    assert result.arrays["predictions"].tolist() == [2, 2, 0]
    assert result.arrays["unmasked"].tolist() == [2, 1, 0]


def test_top5_counts_the_classes_before_the_right_one() -> None:
    """Eight images of class i whose probabilities fall from class 0 to class 7, so that i classes come before."""
    names = tuple("abcdefgh")
    images = pictures(list(range(8)), names)
    falling = np.tile(np.arange(8, 0, -1, dtype=np.float32) / 36, (8, 1))
    result = evaluate(accuracy, answered(falling, names, images))
    assert result.arrays["ranks"].tolist() == list(range(8))
    assert result.values["top1"] == 12.5
    assert result.values["top5"] == 62.5
    assert metrics.top5(result.arrays["ranks"]) == 62.5


def test_of_equally_probable_classes_the_first_comes_first_as_in_the_prediction() -> None:
    names = tuple("abcdefgh")
    level = np.full((8, 8), 0.125, np.float32)
    result = evaluate(accuracy, answered(level, names, pictures(list(range(8)), names)))
    assert result.arrays["ranks"].tolist() == list(range(8))
    assert ((result.arrays["ranks"] == 0) == (result.arrays["predictions"] == result.arrays["labels"])).all()


def test_classes_that_the_images_have_not_do_not_come_before() -> None:
    images = pictures([0, 1], ("h", "a"))
    falling = np.tile(np.arange(8, 0, -1, dtype=np.float32) / 36, (2, 1))
    result = evaluate(accuracy, answered(falling, tuple("abcdefgh"), images))
    assert result.arrays["ranks"].tolist() == [1, 0]


def test_ranks_are_those_of_a_sort() -> None:
    random = np.random.default_rng(0)
    names = tuple(f"class {index}" for index in range(30))
    probabilities = random.dirichlet(np.ones(30), size=40).astype(np.float32)
    labels = random.integers(0, 30, 40).tolist()
    result = evaluate(accuracy, answered(probabilities, names, pictures(labels, names)))
    for row, label, rank in zip(probabilities, labels, result.arrays["ranks"], strict=True):
        assert sorted(range(30), key=lambda index: -row[index]).index(label) == rank


def test_a_class_the_classifier_does_not_have_is_told() -> None:
    images = pictures([0, 1], ("cat", "newt"))
    with pytest.raises(JobFailed) as caught:
        evaluate(accuracy, answers([0, 1], ("cat", "dog"), images))
    assert str(caught.value) == (
        "the classifier has no class 'newt', nor 0 others of the images' 2; "
        "evaluate with a probe trained on these classes"
    )


def test_unlabelled_images_are_told() -> None:
    with pytest.raises(JobFailed) as caught:
        evaluate(accuracy, answers([0, 1], ("cat", "dog"), pictures([0, -1], ("cat", "dog"))))
    assert str(caught.value) == "1 of 2 images have no label, so no accuracy can be told"


def corrupted(right: dict[str, list[int]], **more: Any) -> Answers:
    """Four images per corruption and severity, of which `right[corruption][severity - 1]` are told rightly."""
    conditions = tuple(f"{name}/{severity}" for name in right for severity in range(1, 6))
    condition = np.repeat(np.arange(len(conditions)), 4)
    said = [0 if i < right[name][severity] else 1 for name in right for severity in range(5) for i in range(4)]
    images = pictures([0] * len(said), ("cat", "dog"), condition=condition, conditions=conditions)
    return answers(said, ("cat", "dog"), images, **more)


def test_corruption_means_over_corruptions_and_severities() -> None:
    result = evaluate(corruption, corrupted({"fog": [4, 4, 3, 2, 0], "snow": [4, 2, 1, 0, 0]}))
    assert result.values["errors"] == {"fog": [0.0, 0.0, 25.0, 50.0, 100.0], "snow": [0.0, 50.0, 75.0, 100.0, 100.0]}
    assert result.values["mean_accuracy"] == pytest.approx(100 * 20 / 40)
    assert [result.values[f"severity-{s}"] for s in range(1, 6)] == pytest.approx([100.0, 75.0, 50.0, 25.0, 0.0])
    assert result.values["n"] == 40
    assert "mce" not in result.values


def test_mce_divides_by_the_reference() -> None:
    reference = {"fog": [10.0, 20.0, 30.0, 40.0, 50.0], "snow": [50.0] * 5}  # 150 and 250 in all
    result = evaluate(corruption, corrupted({"fog": [2] * 5, "snow": [3] * 5}, reference=reference))
    assert result.values["errors"] == {"fog": [50.0] * 5, "snow": [25.0] * 5}
    assert result.values["mce"] == pytest.approx((100 * 250 / 150 + 100 * 125 / 250) / 2)


def test_what_is_no_corrupted_set_is_told() -> None:
    with pytest.raises(JobFailed) as caught:
        evaluate(corruption, answers([0], ("cat", "dog"), pictures([0], ("cat", "dog"))))
    assert str(caught.value) == "the images carry no condition such as gaussian_noise/3, so they are no corrupted set"
    whole = corrupted({"fog": [4] * 5})
    part = pictures([0] * 4, ("cat", "dog"), condition=np.zeros(4, np.int64), conditions=whole.images.conditions)
    with pytest.raises(JobFailed) as caught:
        evaluate(corruption, answers([0] * 4, ("cat", "dog"), part))
    assert str(caught.value) == "fog: expected images of severities 1 to 5, found those of [1]"


def test_fine_and_coarse() -> None:
    classes = ("cat", "poodle", "beagle")
    images = pictures([1, 1, 2, 2, 0], classes, parents=(-1, 0, 0), parent_names=("dog",))
    result = evaluate(fine_coarse, answers([1, 2, 2, 0, 0], classes, images))
    assert result.values == {"fine": 50.0, "coarse": 75.0, "n": 4}


@pytest.mark.parametrize(("parents", "found"), [(None, 0), ((-1, -1), 0), ((0, 1), 2)])
def test_fine_and_coarse_need_one_superclass(parents: Any, found: int) -> None:
    images = pictures([0, 1], ("a", "b"), parents=parents, parent_names=("x", "y"))
    with pytest.raises(JobFailed) as caught:
        evaluate(fine_coarse, answers([0, 1], ("a", "b"), images))
    assert str(caught.value) == f"fine and coarse accuracy need one superclass, and the images have {found}"
