"""Shape bias of every kind of classifier, by counts made by hand, by published decisions and on the published list."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from repro.errors import JobFailed
from repro.lab.data import Images
from repro.lab.evaluation import About, Answers, about
from repro.lab.evaluators import shape_bias
from repro.reference import geirhos16, wnids

CATEGORIES = tuple(sorted(geirhos16()))
GOLDFISH, CONVERTIBLE, POODLE, BEAGLE, TABBY = "n01443537", "n03100240", "n02113799", "n02088364", "n02123045"


def stimuli(cues: Sequence[tuple[str, str]], classes: tuple[str, ...] = CATEGORIES, **more: Any) -> Images:
    """Black images with these shapes and textures."""
    places = {name: index for index, name in enumerate(classes)}
    shape, texture = (np.array([places[name] for name in column], np.int64) for column in zip(*cues, strict=True))
    return Images(np.zeros((len(cues), 3, 1, 1), np.uint8), shape, classes, textures=texture, **more)


def measured(probabilities: Any, classifier: Sequence[str], images: Images) -> tuple[dict[str, Any], list[str]]:
    """Metrics and decisions of a network with these answers, which come in two chunks."""
    whole = about(images, tuple(classifier), reference=None)
    answers = np.asarray(probabilities, np.float32)
    parts = [shape_bias.observe(Answers(answers[rows], images[rows], whole)) for rows in (slice(0, 1), slice(1, None))]
    columns: dict[str, NDArray[Any]] = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    decisions = shape_bias.categories(whole)[columns["decision"]].tolist()
    return shape_bias.conclude(columns, whole), decisions


def sure(said: Sequence[str], classifier: Sequence[str]) -> NDArray[np.float32]:
    """Answers of a network that is sure of these classes."""
    return np.array([[float(name == one) for name in classifier] for one in said], np.float32)


def complaint(probabilities: Any, classifier: Sequence[str], images: Images) -> str:
    with pytest.raises(JobFailed) as caught:
        measured(probabilities, classifier, images)
    return str(caught.value)


def test_a_classifier_of_the_images_own_classes() -> None:
    classes = ("ring", "star", "moon")
    images = stimuli([("ring", "star"), ("ring", "star"), ("star", "star"), ("moon", "ring")], classes)
    values, decisions = measured(sure(["ring", "star", "star", "moon"], classes), classes, images)
    assert decisions == ["ring", "star", "star", "moon"]
    assert values["bias"] == values["bias-any-cue"] == values["bias-all"] == pytest.approx(200 / 3)
    assert values["shape_accuracy"] == values["shape_accuracy-all"] == pytest.approx(200 / 3)
    assert values["texture_accuracy"] == pytest.approx(100 / 3)
    assert [values[name] for name in ("n", "n-any-cue", "n-all", "decided", "categories")] == [3, 3, 3, 3, 3]
    assert (values["n-model-vs-human"], values["shape_accuracy-model-vs-human"]) == (4, pytest.approx(50.0))
    assert values["bias-mean-over-shapes"] == 75.0  # rings 50, moon 100; the star has no conflict


def test_a_breed_counts_as_its_superclass() -> None:
    classes = ("ring", "tiger hound", "spotted hound")
    cues = [("tiger hound", "spotted hound"), ("tiger hound", "ring"), ("ring", "tiger hound")]
    images = stimuli(cues, classes, parents=(-1, 0, 0), parent_names=("hound",))
    values, decisions = measured(sure(["spotted hound"] * 3, classes), classes, images)
    assert decisions == ["hound"] * 3
    assert values["n"] == 2  # the first has no conflict: hound and hound
    assert values["shape_accuracy"] == values["texture_accuracy"] == 50.0


def test_a_superclass_is_as_probable_as_its_most_probable_class_and_not_as_their_sum() -> None:
    classes = ("ring", "tiger hound", "spotted hound", "flecked hound")
    images = stimuli([("ring", "tiger hound")] * 2, classes, parents=(-1, 0, 0, 0), parent_names=("hound",))
    _, decisions = measured([[0.4, 0.3, 0.3, 0.0], [0.3, 0.4, 0.3, 0.0]], classes, images)
    assert decisions == ["ring", "hound"]


def test_a_thousand_classes_go_by_mean_probability() -> None:
    """By index where they have no names of ImageNet, by wnid in any order where they have."""
    probabilities = np.zeros((2, 1000), np.float32)
    probabilities[0, 281] = 1.0  # a cat
    probabilities[1, 404] = 0.9  # an airliner, against dogs with a mean of 0.1 / 109
    probabilities[1, list(geirhos16()["dog"])] = 0.1 / len(geirhos16()["dog"])
    images = stimuli([("cat", "dog"), ("dog", "airplane")])
    values, decisions = measured(probabilities, tuple(map(str, range(1000))), images)
    assert decisions == ["cat", "airplane"]
    assert (values["bias"], values["categories"]) == (50.0, 16)
    turned = measured(probabilities[:, ::-1], wnids("imagenet-1k")[::-1], images)
    assert turned == (values, decisions)


def test_the_categories_of_imagenet_100_are_seven() -> None:
    """The classes of each as counted in the list of 100; the Chihuahua and the boxer are no dogs of Geirhos'."""
    seen = About(classifier=wnids("imagenet-100"), classes=CATEGORIES)
    found = {name: len(indices) for name, indices in shape_bias.members(seen).items()}
    assert found == {"bird": 5, "cat": 1, "chair": 2, "dog": 17, "keyboard": 1, "oven": 1, "truck": 1}


def test_classes_of_no_category_do_not_compete_and_a_mean_decides() -> None:
    classifier = (POODLE, GOLDFISH, TABBY, BEAGLE)
    images = stimuli([("dog", "cat"), ("dog", "cat"), ("cat", "dog")])
    answers = [[0.3, 0.5, 0.2, 0.0], [0.3, 0.0, 0.2, 0.5], [0.25, 0.25, 0.25, 0.25]]
    # dogs have a mean of 0.15, 0.4, 0.25; of equals the first in the alphabet
    values, decisions = measured(answers, classifier, images)
    assert decisions == ["cat", "dog", "cat"]
    assert values["bias"] == pytest.approx(200 / 3)


def test_the_readings_differ_in_which_images_they_count() -> None:
    """A classifier of cats, cars and dogs meets six images, in turn with 2, 2, 1, 1, 0 and 2 cues among these."""
    cues = [("cat", "dog"), ("dog", "car"), ("cat", "boat"), ("boat", "dog"), ("boat", "oven"), ("car", "car")]
    said = [TABBY, CONVERTIBLE, TABBY, TABBY, POODLE, CONVERTIBLE]
    values, decisions = measured(sure(said, said), said, stimuli(cues))
    assert decisions == ["cat", "car", "cat", "cat", "dog", "car"]
    assert (values["categories"], values["categories_of"]) == (3, 16)
    # both cues in: one shape, one texture of two
    assert [values[name] for name in ("bias", "shape_accuracy", "texture_accuracy")] == [50.0, 50.0, 50.0]
    # at least one: the cat of boats is another shape, the boat of dogs is taken for neither
    assert values["bias-any-cue"] == values["bias-all"] == pytest.approx(200 / 3)
    assert (values["shape_accuracy-any-cue"], values["texture_accuracy-any-cue"]) == (50.0, 25.0)
    assert (values["shape_accuracy-all"], values["texture_accuracy-all"]) == (40.0, 20.0)
    assert [values[f"n{reading}"] for reading in ("", "-any-cue", "-all", "-model-vs-human")] == [2, 4, 5, 3]
    assert [values[f"decided{reading}"] for reading in ("", "-any-cue", "-all")] == [2, 3, 3]
    assert values["shape_accuracy-model-vs-human"] == pytest.approx(100 / 3)
    assert values["bias-mean-over-shapes"] == 50.0  # the cat 100, the dog 0


def test_folders_named_by_category_are_a_classifier_too() -> None:
    values, decisions = measured(
        [[0.2, 0.1, 0.7], [0.3, 0.5, 0.2]], ("dog", "cat", "sofa"), stimuli([("dog", "cat"), ("dog", "oven")])
    )
    assert decisions == ["dog", "cat"]
    assert (values["bias"], values["n"], values["n-any-cue"]) == (100.0, 1, 2)


def test_no_decision_for_either_cue_is_no_number() -> None:
    images = stimuli([("dog", "cat"), ("cat", "dog")])
    values, _ = measured(sure([CONVERTIBLE] * 2, (POODLE, TABBY, CONVERTIBLE)), (POODLE, TABBY, CONVERTIBLE), images)
    assert (values["bias"], values["bias-mean-over-shapes"]) == (None, None)
    assert (values["shape_accuracy"], values["decided"], values["n"]) == (0.0, 0, 2)


def test_images_without_textures_are_told() -> None:
    plain = Images(np.zeros((2, 3, 1, 1), np.uint8), np.array([0, 1]), ("a", "b"))
    sentence = "the images carry no texture of their own, so they are no cue-conflict set"
    assert complaint(sure(["a", "b"], ("a", "b")), ("a", "b"), plain) == sentence


def test_a_classifier_without_any_of_the_categories_is_told() -> None:
    assert complaint(sure([GOLDFISH], (GOLDFISH, "sofa")), (GOLDFISH, "sofa"), stimuli([("dog", "cat")])) == (
        f"none of the classifier's 2 classes, such as '{GOLDFISH}', is one of the images' 16 categories "
        f"({', '.join(CATEGORIES)}) by name or wnid, so there is no shape bias"
    )


def test_images_without_both_cues_among_the_categories_are_told() -> None:
    classifier, images = (POODLE, TABBY), stimuli([("dog", "oven"), ("dog", "dog"), ("boat", "oven")])
    assert complaint(sure([POODLE] * 3, classifier), classifier, images) == (
        "no image has its shape and another texture among the 2 of 16 categories that the classifier has a class for "
        "(cat, dog), so there is no shape bias"
    )


PUBLISHED = [  # observer, shape and texture decisions, bias in percent, and the mean over shapes where it is known
    ("resnet50", 162, 572, 22.071, 19.51),
    ("alexnet", 283, 376, 42.944, None),
]


@pytest.mark.parametrize(("observer", "shapes", "textures", "bias", "mean"), PUBLISHED)
def test_published_decisions_give_the_published_bias(
    shared: Path, observer: str, shapes: int, textures: int, bias: float, mean: float | None
) -> None:
    with open(shared / "data" / "cue_conflict_decisions.csv", encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["observer"].endswith(f"/{observer}")]
    columns = {key: np.array([CATEGORIES.index(row[key]) for row in rows]) for key in ("shape", "texture", "decision")}
    values = shape_bias.conclude(columns, About(classifier=wnids("imagenet-1k"), classes=CATEGORIES))
    assert values["bias"] == values["bias-all"] == pytest.approx(bias, abs=5e-4)
    assert (values["n"], values["n-any-cue"], values["n-all"], values["n-model-vs-human"]) == (1200, 1200, 1200, 1280)
    assert values["shape_accuracy"] == pytest.approx(100 * shapes / 1200)
    assert values["texture_accuracy-model-vs-human"] == pytest.approx(100 * textures / 1280)
    if mean is not None:
        assert values["bias-mean-over-shapes"] == pytest.approx(mean, abs=5e-3)


@pytest.mark.parametrize(
    ("classifier", "n"),
    [("imagenet-1k", [1200, 1200, 1200, 1280, 16]), ("imagenet-100", [210, 840, 1200, 245, 7])],
)
def test_images_of_each_reading_on_the_published_list(shared: Path, classifier: str, n: list[int]) -> None:
    with open(shared / "reference" / "cue_conflict_manifest.csv", encoding="utf-8", newline="") as file:
        cues = [(row["shape"], row["texture"]) for row in csv.DictReader(file)]
    names = wnids(classifier)
    answers = np.random.default_rng(0).dirichlet(np.ones(len(names)), size=len(cues))
    values, _ = measured(answers, names, stimuli(cues))
    assert [values[f"n{reading}"] for reading in ("", "-any-cue", "-all", "-model-vs-human")] == n[:4]
    assert values["categories"] == n[4]
