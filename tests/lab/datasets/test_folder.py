"""Photographs from a folder: which files count, how they are cut, and that no damaged one goes unseen."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from repro.errors import DataMissing
from repro.lab.datasets import folder, folder_corrupted
from repro.lab.datasets.folder import Recipe


def save(
    path: Path, size: tuple[int, int] = (40, 30), colour: tuple[int, ...] = (200, 100, 50), mode: str = "RGB"
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour if mode != "L" else colour[0]).save(path)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two classes of three pictures in several formats, among files and folders that do not count."""
    for name in ("b/2.png", "b/1.JPEG", "b/deep/3.png", "a/x.png", "a/y.jpg", "a/z.bmp"):
        save(tmp_path / "val" / name)
    for name in (".hidden/1.png", "a/.thumb.png", "b/.cache/4.png"):
        save(tmp_path / "val" / name)
    (tmp_path / "val" / "README.txt").write_text("not a class")
    (tmp_path / "val" / "a" / "notes.txt").write_text("not a picture")
    return tmp_path


def recipe(root: Path, *, pixels: int = 16, count: int = 0, superclass: str = "") -> Recipe:
    return Recipe(root=str(root), split="val", pixels=pixels, count=count, superclass=superclass)


def test_pictures_are_labelled_by_their_folder_in_sorted_order(tree: Path) -> None:
    images = folder.build(recipe(tree))
    assert images.classes == ("a", "b")
    assert images.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert images.images.shape == (6, 3, 16, 16)
    np.testing.assert_allclose(images.images.mean((2, 3)), np.tile([200, 100, 50], (6, 1)), atol=2)


def test_count_limits_each_class(tree: Path) -> None:
    assert folder.build(recipe(tree, count=2)).labels.tolist() == [0, 0, 1, 1]
    assert folder.build(recipe(tree, count=9)).labels.tolist() == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "CMYK", "P"])
def test_every_mode_becomes_three_channels(tmp_path: Path, mode: str) -> None:
    picture = Image.new("RGB", (20, 20), (102, 102, 102)).convert(mode)
    (tmp_path / "val" / "a").mkdir(parents=True)
    picture.save(tmp_path / "val" / "a" / ("1.tiff" if mode == "CMYK" else "1.png"))
    np.testing.assert_allclose(folder.build(recipe(tmp_path)).images, 102, atol=2)


def test_the_middle_is_cut_after_the_short_side_is_resized(tmp_path: Path) -> None:
    """A 64 x 32 picture of four bands of 16: of its middle 32 columns, bands two and three, 16 x 16 remain."""
    bands = np.repeat(np.array([10, 80, 160, 240], np.uint8), 16)
    (tmp_path / "val" / "a").mkdir(parents=True)
    Image.fromarray(np.broadcast_to(bands[None, :, None], (32, 64, 3)).copy()).save(tmp_path / "val" / "a" / "1.png")
    found = folder.build(recipe(tmp_path)).images[0, 0]
    assert (found[:, 1:7] == 80).all()
    assert (found[:, 9:15] == 160).all()


def test_shrinking_averages_instead_of_skipping(tmp_path: Path) -> None:
    checks = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)
    (tmp_path / "val" / "a").mkdir(parents=True)
    Image.fromarray(np.stack([checks] * 3, -1)).save(tmp_path / "val" / "a" / "1.png")
    found = folder.build(recipe(tmp_path, pixels=8)).images
    np.testing.assert_allclose(found, 127.5, atol=6)


def test_damaged_files_are_counted_and_named(tree: Path) -> None:
    whole = (tree / "val" / "b" / "1.JPEG").read_bytes()
    (tree / "val" / "a" / "y.jpg").write_bytes(b"")
    (tree / "val" / "b" / "1.JPEG").write_bytes(whole[: len(whole) // 2])
    (tree / "val" / "b" / "2.png").write_text("not a picture at all")
    (tree / "val" / "b" / "4.webp").write_bytes(b"RIFF")
    with pytest.raises(DataMissing) as caught:
        folder.build(recipe(tree))
    sentence = str(caught.value)
    assert sentence.startswith(
        f"{tree / 'val'}: 4 of 7 files are no pictures that can be read: {Path('a/y.jpg')} (empty), "
    )
    assert str(Path("b/1.JPEG")) in sentence
    assert sentence.endswith(" and 1 more; replace or remove them")
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        ([], "expected a folder with one folder of pictures per class, found none"),
        (["val/README.txt"], "expected one folder of pictures per class, found no folder in it"),
        (["val/a/1.png", "val/b/notes.txt", "val/c/.x.png"], "2 of 3 class folders hold no picture, such as b"),
    ],
)
def test_a_tree_that_is_none_is_told(tmp_path: Path, make: list[str], sentence: str) -> None:
    for name in make:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    with pytest.raises(DataMissing) as caught:
        folder.build(recipe(tmp_path))
    assert str(caught.value) == f"{tmp_path / 'val'}: {sentence}"


def test_corrupted_photographs_are_the_same_photographs_75_times(tree: Path) -> None:
    clean = folder.build(recipe(tree, pixels=32))
    made = folder_corrupted.Recipe(root=str(tree), split="val", pixels=32, count=0, superclass="", seed=3)
    images = folder_corrupted.build(made)
    assert len(images) == 75 * len(clean)
    assert images.classes == clean.classes
    np.testing.assert_array_equal(images.labels, np.tile(clean.labels, 75))
    assert images.digest == folder_corrupted.build(made).digest


def test_real_photographs_are_read(shared: Path, tmp_path: Path) -> None:
    with tarfile.open(shared / "data" / "tiny16.tar") as archive:
        archive.extractall(tmp_path, [each for each in archive if each.name.startswith("val/")], filter="data")
    images = folder.build(Recipe(root=str(tmp_path), split="val", pixels=64, count=10, superclass="dog"))
    assert images.images.shape == (160, 3, 64, 64)
    assert images.classes == tuple(sorted(images.classes))
    assert np.bincount(images.labels).tolist() == [10] * 16
    assert images.parents is not None
    dogs = ["n02085620", "n02094433", "n02099601", "n02099712", "n02106662", "n02113799"]
    assert [name for name, parent in zip(images.classes, images.parents, strict=True) if parent == 0] == dogs
    with Image.open(sorted((tmp_path / "val" / images.classes[3]).iterdir())[4]) as picture:
        np.testing.assert_array_equal(images.images[34], np.asarray(picture.convert("RGB")).transpose(2, 0, 1))
