"""ImageNet-C from a tiny tree of its layout."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from repro.errors import DataMissing
from repro.lab.corruptions.sweep import CONDITIONS
from repro.lab.data import Files
from repro.lab.datasets import imagenet_c
from repro.lab.jobs import Context
from repro.reference import alexnet_errors, conditions, wnids
from tests.trees import classes, put

IN100 = wnids("imagenet-100")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file a class, condition and place; those of extra.tar too."""
    root = tmp_path_factory.mktemp("imagenet-c")
    for condition in conditions(19):
        classes(root / condition, reversed(IN100), content=b"x")
    return root


def recipe(place: Path) -> imagenet_c.Recipe:
    return imagenet_c.Recipe(str(place), classes="imagenet-100", corruptions=15, published=100, resize=0, pixels=224)


def test_conditions_are_those_of_the_metrics() -> None:
    assert conditions(15) == CONDITIONS
    assert {name.partition("/")[0] for name in conditions(15)} == set(alexnet_errors().corruptions)


def test_images_come_corruption_by_corruption_and_class_by_class(tree: Path) -> None:
    notes: list[str] = []
    images = imagenet_c.find(recipe(tree), context=Context(device="cpu", note=notes.append))
    assert (len(images), images.conditions, images.classes, notes) == (7500, conditions(15), IN100, [])
    assert isinstance(images.images, Files)
    assert images.condition is not None
    for row in np.random.default_rng(0).integers(0, 7500, 50):
        condition, label = images.conditions[images.condition[row]], IN100[images.labels[row]]
        assert images.images.paths[row] == f"{condition}/{label}/{label}_0.JPEG"
    assert (images.images.resize, images.names, images.parent_names) == (0, None, ("dog",))
    assert (np.diff(images.condition) >= 0).all()


def test_all_nineteen_and_the_other_protocol_are_options(tree: Path) -> None:
    wanted = replace(recipe(tree), corruptions=19, resize=256)
    images = imagenet_c.find(wanted, context=Context(device="cpu"))
    assert (len(images), images.conditions[75]) == (9500, "speckle_noise/1")
    assert isinstance(images.images, Files)
    assert images.images.resize == 256


def test_a_condition_with_another_number_of_images_is_noted(tree: Path) -> None:
    notes: list[str] = []
    extra = put(tree / "fog" / "2" / IN100[9] / "more.JPEG", b"x")
    imagenet_c.find(recipe(tree), context=Context(device="cpu", note=notes.append))
    extra.unlink()
    assert notes == ["1 of 75 conditions have not the 100 images published: fog/2 has 101"]


def test_an_archive_that_was_never_unpacked_is_told(tree: Path) -> None:
    (tree / "fog").rename(tree / "frog")
    with pytest.raises(DataMissing) as caught:
        imagenet_c.find(recipe(tree), context=Context(device="cpu"))
    (tree / "frog").rename(tree / "fog")
    assert str(caught.value) == (
        f"{tree}: 500 of the 7,500 folders of images are missing or empty; the first, fog/1/{IN100[0]}, is missing"
    )
