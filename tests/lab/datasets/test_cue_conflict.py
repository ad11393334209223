"""Cue-conflict stimuli: shape and texture by name, which files count, and what is told of a set that is not the one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from repro.errors import DataMissing
from repro.lab import data
from repro.lab.datasets import cue_conflict
from repro.lab.datasets.cue_conflict import Recipe
from repro.lab.images import reading

NAMES = "airplane bear bicycle bird boat bottle car cat chair clock dog elephant keyboard knife oven truck"
CATEGORIES = NAMES.split()


def save(path: Path, *, side: int = 32, colour: tuple[int, int, int] = (200, 100, 50)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (side, side), colour).save(path, format="PNG")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Four stimuli of three shapes, one without conflict, among files that do not count."""
    for name in ("cat/cat1-dog2.png", "cat/cat3-cat1.png", "dog/dog10-truck3.png"):
        save(tmp_path / name)
    save(tmp_path / "airplane" / "0001_s5n_dnn_0_airplane_00_airplane1-bicycle2.png")
    save(tmp_path / "cat" / ".hidden.png")
    (tmp_path / "LICENSE.txt").write_text("CC BY 4.0")
    return tmp_path


def recipe(place: Path, *, resize: int = 0, pixels: int = 32) -> Recipe:
    return Recipe(place=str(place), resize=resize, pixels=pixels)


def complaint(wanted: Recipe) -> str:
    with pytest.raises(DataMissing) as caught:
        cue_conflict.build(wanted)
    return str(caught.value)


def test_shape_and_texture_are_those_of_the_name(tree: Path) -> None:
    images = cue_conflict.build(recipe(tree))
    assert images.classes == tuple(CATEGORIES)
    assert [CATEGORIES[label] for label in images.labels] == ["airplane", "cat", "cat", "dog"]
    assert images.textures is not None
    assert [CATEGORIES[label] for label in images.textures] == ["bicycle", "dog", "cat", "truck"]
    assert images.names is not None
    assert images.names.tolist()[1:] == ["cat/cat1-dog2", "cat/cat3-cat1", "dog/dog10-truck3"]


def test_the_files_stay_where_they_are_and_are_brought_to_size_when_looked_at(tree: Path, tmp_path: Path) -> None:
    half = np.zeros((32, 32, 3), np.uint8)
    half[:, 16:] = 240
    Image.fromarray(half).save(tree / "cat" / "cat1-dog2.png")
    images = cue_conflict.build(recipe(tree, resize=8, pixels=8))
    data.write(images, tmp_path / "written")
    again = data.read(tmp_path / "written")
    assert again.digest == images.digest
    ((_, pictures),) = reading.chunks(again, size=9, loaders=0, stopping=lambda: False)
    assert pictures.shape == (4, 3, 8, 8)
    assert pictures[1, 0, 0].tolist()[:3] + pictures[1, 0, 0].tolist()[5:] == [0, 0, 0, 240, 240, 240]


def test_a_set_is_the_same_wherever_it_is(tree: Path, tmp_path: Path) -> None:
    other = tmp_path.parent / f"{tmp_path.name}-moved"
    before = cue_conflict.build(recipe(tree)).digest
    tree.rename(other)
    assert cue_conflict.build(recipe(other)).digest == before


def test_a_subset_is_told_to_be_one(tree: Path) -> None:
    absent = ", ".join(name for name in CATEGORIES if name not in ("airplane", "cat", "dog"))
    assert cue_conflict.remarks(cue_conflict.build(recipe(tree))) == [
        f"4 of the 1,280 cue-conflict images, with no image of the shape {absent}: numbers of a subset"
    ]


def test_what_is_no_folder_is_told(tmp_path: Path) -> None:
    assert complaint(recipe(tmp_path / "absent")) == (
        f"{tmp_path / 'absent'}: expected a folder with one folder of images for each shape, found nothing"
    )
    (tmp_path / "file").write_text("")
    assert complaint(recipe(tmp_path / "file")).endswith("for each shape, found a file")


def test_a_folder_around_the_folder_is_told(tree: Path) -> None:
    outer = tree.parent / f"{tree.name}-outer"
    outer.mkdir()
    expected = f"{outer}: expected folders named airplane to truck, one for each shape, "
    assert complaint(recipe(outer)) == f"{expected}found none"
    (outer / "n02099601").mkdir()
    assert complaint(recipe(outer)) == f"{expected}found n02099601"
    tree.rename(outer / "cue-conflict")
    assert complaint(recipe(outer)) == f"{expected}found them in cue-conflict; name that folder"


def test_strange_folders_are_told(tree: Path) -> None:
    for name in ("Dogs", "a", "b", "c"):
        (tree / name).mkdir()
    assert complaint(recipe(tree)) == (
        f"{tree}: expected folders of the 16 categories ({', '.join(CATEGORIES)}), "
        "found Dogs, a, b and 1 more; remove or rename"
    )


def test_strange_names_are_counted_and_told(tree: Path) -> None:
    for name in ("cat/dog1-cat2.png", "cat/cat1-newt2.png", "dog/dog1.png", "dog/deep/dog1-cat1.png", "bear/b.jpg"):
        save(tree / name)
    assert complaint(recipe(tree)) == (
        f"{tree}: 5 of 9 files are not named <shape>/<shape>1-<texture>2.png after two of the 16 categories: "
        "bear/b.jpg, cat/cat1-newt2.png, cat/dog1-cat2.png and 2 more; rename or remove them"
    )


def test_no_image_at_all_is_told(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    assert complaint(recipe(tmp_path)) == (
        f"{tmp_path}: expected cue-conflict images such as cat/cat1-dog2.png, found none"
    )


def test_files_that_are_no_images_are_told(tree: Path) -> None:
    (tree / "cat" / "cat1-dog2.png").write_bytes(b"")
    (tree / "dog" / "dog10-truck3.png").write_text("<html>")
    assert complaint(recipe(tree)) == (
        f"{tree}: 2 of 4 files are no images that can be read: cat/cat1-dog2.png, dog/dog10-truck3.png; get them again"
    )


def test_another_size_than_the_published_is_told_unless_they_are_resized(tree: Path) -> None:
    save(tree / "cat" / "cat1-dog2.png", side=64)
    assert complaint(recipe(tree)) == (
        f"{tree}: expected images of 32 x 32 pixels, as published, found 1 of 4 of another size, most of them 64 x 64: "
        "cat/cat1-dog2.png; get the published ones, or say in the profile to which side they are resized"
    )
    assert len(cue_conflict.build(recipe(tree, resize=16, pixels=16))) == 4


def test_the_published_stimuli_are_read(shared: Path, tmp_path: Path) -> None:
    """64 of them: four for each shape, one of these without conflict."""
    import tarfile

    with tarfile.open(shared / "data" / "cue_conflict_64.tar") as archive:
        archive.extractall(tmp_path, filter="data")
    images = cue_conflict.build(recipe(tmp_path / "cue-conflict", pixels=224))
    assert images.textures is not None
    assert np.bincount(images.labels).tolist() == [4] * 16
    assert int((images.labels == images.textures).sum()) == 16
    assert cue_conflict.remarks(images) == ["64 of the 1,280 cue-conflict images: numbers of a subset"]
