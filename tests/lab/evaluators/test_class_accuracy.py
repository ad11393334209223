"""Accuracy class by class on cases made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from repro import metrics
from repro.lab import data
from repro.lab.evaluation import About, Answers
from repro.lab.evaluators import class_accuracy

# ten of ImageNet: the six cats of Geirhos' category first, then four of no category
CATS = ("n02123045", "n02123159", "n02123394", "n02123597", "n02124075", "n02125311")
OTHERS = ("n01440764", "n01443537", "n01484850", "n01491361")


def about(*names: str) -> About:
    return About(classifier=names, classes=names)


def test_each_class_has_its_own_accuracy() -> None:
    columns = {"predictions": np.array([0, 0, 1, 2, 0, 2]), "labels": np.array([0, 0, 1, 1, 2, 2])}
    values = class_accuracy.conclude(columns, about("moss", "bark", "fur", "never seen"))
    assert values["classes"] == {"moss": 100.0, "bark": 50.0, "fur": 50.0}
    assert list(values["best-ten"]) == ["moss", "bark", "fur"]
    assert (values["best-class"], values["n"]) == (100.0, 6)


def test_of_equally_good_classes_the_first_are_the_ten_best() -> None:
    labels = np.arange(12)
    predictions = np.where(labels < 2, 11, labels)  # the first two are never recognised
    values = class_accuracy.conclude(
        {"predictions": predictions, "labels": labels}, about(*OTHERS[:2], *CATS, *OTHERS[2:], *DOGS)
    )
    assert list(values["best-ten"]) == [*CATS, *OTHERS[2:], *DOGS]
    assert values["best-ten-in-16"] == 7  # six cats, and of the two dogs the one that Geirhos lists


DOGS = ("n02085782", "n02085620")  # Japanese spaniel, and Chihuahua, which is a dog but not on the list


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (
            (*CATS, *OTHERS, "shape-of-a-cat"),
            "the 16 categories are made of ImageNet's classes, and 'shape-of-a-cat' is none of them",
        ),
        (CATS, "the images are of 6 classes, so there are no ten best"),
    ],
)
def test_where_the_categories_say_nothing_it_is_told_and_the_rest_still_counts(
    names: tuple[str, ...], why: str
) -> None:
    labels = np.arange(len(names))
    values = class_accuracy.conclude({"predictions": labels, "labels": labels}, about(*names))
    assert (values["best-ten-in-16"], values["best-ten-in-16-why"]) == (None, why)
    assert values["best-class"] == 100.0


def test_of_each_image_its_two_classes_are_kept() -> None:
    images = data.Images(np.zeros((3, 3, 1, 1), np.uint8), np.array([0, 1, 1]), ("b", "c"))
    said = np.array([[0.5, 0.4, 0.1], [0.1, 0.2, 0.7], [0.6, 0.3, 0.1]], dtype=np.float32)
    kept = class_accuracy.observe(Answers(said, images, About(("a", "b", "c"), ("b", "c"))))
    assert {name: part.tolist() for name, part in kept.items()} == {"predictions": [1, 2, 1], "labels": [1, 2, 2]}


def test_a_label_below_0_is_no_class() -> None:
    with pytest.raises(metrics.MetricError) as told:
        metrics.class_accuracies([0, 1], [0, -1])
    assert str(told.value) == "expected class indices of 0 or more, found -1"


def test_mean_accuracy_of_classes_with_equally_many_images_is_top1() -> None:
    random = np.random.default_rng(0)
    labels, predictions = np.repeat(np.arange(8), 5), random.integers(0, 8, 40)
    each = metrics.class_accuracies(predictions, labels)
    assert sum(each.values()) / 8 == pytest.approx(metrics.top1(predictions, labels))
