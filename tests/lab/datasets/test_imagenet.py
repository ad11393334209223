"""ImageNet and the sets made after it, from tiny trees of their layout: labels by WordNet id, whatever the folders."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from repro.errors import DataMissing
from repro.lab.data import Files
from repro.lab.datasets import imagenet
from repro.lab.jobs import Context, Stopped
from repro.reference import dogs, wnids
from tests.trees import classes, put

IN100 = wnids("imagenet-100")


def recipe(place: Path, **changes: object) -> imagenet.Recipe:
    plain = imagenet.Recipe(str(place), split="val", classes="imagenet-100", published=0, resize=256, pixels=224)
    return replace(plain, **changes)  # type: ignore[arg-type]


def found(wanted: imagenet.Recipe) -> tuple[imagenet.Images, list[str]]:
    notes: list[str] = []
    return imagenet.find(wanted, context=Context(device="cpu", note=notes.append)), notes


def test_labels_are_places_in_the_list_of_ids_not_among_the_folders(tmp_path: Path) -> None:
    classes(tmp_path / "val", reversed(wnids("imagenet-1k")), content=b"x")  # all of ImageNet-1K
    put(tmp_path / "val" / "a-first-folder" / "x.JPEG", b"x")
    images, notes = found(recipe(tmp_path))
    assert images.classes == IN100
    assert isinstance(images.images, Files)
    assert [path.split("/")[0] for path in images.images.paths] == [IN100[label] for label in images.labels]
    assert images.labels.tolist() == list(range(100))
    assert notes == [f"{tmp_path}/val: 1 folder is no class of ImageNet and left out, such as a-first-folder"]
    assert images.names is not None
    assert images.names[0] == f"{IN100[0]}/{IN100[0]}_0"
    assert (images.images.resize, images.images.pixels, images.images.root) == (256, 224, tmp_path / "val")


def test_a_tree_of_the_hundred_classes_alone_gives_the_same_set(tmp_path: Path) -> None:
    classes(tmp_path / "a" / "val", wnids("imagenet-1k"), each=2, content=b"x")
    classes(tmp_path / "b" / "val", IN100, each=2, content=b"x")
    whole, alone = (found(recipe(tmp_path / name))[0] for name in "ab")
    assert whole.digest == alone.digest
    assert len(alone) == 200
    put(tmp_path / "b" / "val" / IN100[7] / "more.JPEG", b"x")
    assert found(recipe(tmp_path / "b"))[0].digest != whole.digest


def test_dogs_are_the_superclass(tmp_path: Path) -> None:
    images, _ = found(recipe(classes(tmp_path / "val", IN100, each=50, content=b"x").parent))
    assert images.parent_names == ("dog",)
    assert images.parents is not None
    assert [name for name, parent in zip(IN100, images.parents, strict=True) if parent == 0] == [
        name for name in IN100 if name in dogs()
    ]
    of_dogs = np.array(images.parents)[images.labels] == 0
    assert of_dogs.sum() == 950  # as the paper's percentages allow
    assert {"n02114855", "n02116738", "n02119789"} & set(np.array(IN100)[np.array(images.parents) == 0]) == set()


def test_imagenet_r_has_its_200_classes_or_the_19_of_the_hundred(tmp_path: Path) -> None:
    classes(tmp_path / "imagenet-r", wnids("imagenet-r"), ending="jpg", content=b"x")
    put(tmp_path / "imagenet-r" / "README.txt", b"x")
    whole, notes = found(recipe(tmp_path, split="", classes="imagenet-r"))
    few, more = found(recipe(tmp_path, split="", classes="imagenet-100-r"))
    assert (whole.classes, len(whole)) == (wnids("imagenet-r"), 200)
    assert (few.classes, len(few)) == (tuple(sorted(set(IN100) & set(wnids("imagenet-r")))), 19)
    assert notes == more == []


def test_a_class_that_is_missing_is_an_error(tmp_path: Path) -> None:
    classes(tmp_path / "val", IN100[:-1], content=b"x")
    with pytest.raises(DataMissing) as caught:
        found(recipe(tmp_path))
    assert str(caught.value) == (
        f"{tmp_path}/val: 1 of the 100 folders of images are missing or empty; the first, {IN100[-1]}, is missing"
    )


def test_a_number_of_images_other_than_the_published_one_is_noted(tmp_path: Path) -> None:
    classes(tmp_path / "sketch", IN100, each=2, content=b"x")
    for i, extra in enumerate((1, 1, 2, 3, 4, 5)):
        classes(tmp_path / "sketch", [IN100[i]], each=2 + extra, content=b"x")
    wanted = recipe(tmp_path, split="", published=200)
    assert found(wanted)[1] == [
        "216 images found where 200 are published: 94 classes have 2, 2 classes have 3, 1 class has 4, 1 class has 5, "
        "2 other numbers"
    ]
    assert found(replace(wanted, published=216))[1] == found(replace(wanted, published=0))[1] == []


def test_listing_can_be_stopped_and_tells_how_far_it_is(tmp_path: Path) -> None:
    classes(tmp_path / "val", IN100, content=b"x")
    told: list[tuple[int, int, str]] = []
    imagenet.find(recipe(tmp_path), context=Context(device="cpu", progress=lambda *far: told.append(far)))
    assert told[-1] == (100, 100, "folders")
    with pytest.raises(Stopped, match=r"^stopped after 1 of 100 folders$"):
        imagenet.find(recipe(tmp_path), context=Context(device="cpu", stopping=lambda: True))


def test_textures_pair_with_their_photographs_by_name(tmp_path: Path) -> None:
    photographs, _ = found(recipe(classes(tmp_path / "a" / "val", IN100, each=2, content=b"x").parent))
    for ending in ("jpeg", "png"):
        tree = classes(tmp_path / ending / "val", IN100, each=2, ending=ending, content=b"y").parent
        textures, _ = found(recipe(tree, resize=0))
        assert textures.names is not None
        assert photographs.names is not None
        assert (textures.names == photographs.names).all()
