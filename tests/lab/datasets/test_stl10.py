"""STL-10 from tiny binary files, read as torchvision reads them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from torchvision.datasets import STL10
from torchvision.transforms import Resize

from repro.errors import DataMissing
from repro.lab.datasets import stl10
from repro.lab.jobs import Context, Stopped

COUNTS = {"train": 20, "test": 10, "unlabeled": 15}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    random, inner = np.random.default_rng(0), tmp_path / "stl10_binary"
    inner.mkdir()
    for name, count in COUNTS.items():
        random.integers(0, 256, (count, 3, 96, 96), dtype=np.uint8).tofile(inner / f"{name}_X.bin")
        if name != "unlabeled":
            (1 + np.arange(count, dtype=np.uint8) * 3 % 10).tofile(inner / f"{name}_y.bin")
    (inner / "class_names.txt").write_text("\n".join(stl10.CLASSES))
    return tmp_path


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> None:
    """torchvision takes our files for the published ones."""
    monkeypatch.setattr(STL10, "_check_integrity", lambda self: True)


def recipe(folder: Path, **changes: object) -> stl10.Recipe:
    return replace(stl10.Recipe(str(folder), split="train", published=0, pixels=96), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(("split", "theirs"), [("train", "train"), ("test", "test"), ("unlabelled", "train+unlabeled")])
def test_pixels_and_labels_are_those_of_torchvision(folder: Path, published: None, split: str, theirs: str) -> None:
    images = stl10.find(recipe(folder, split=split), context=Context(device="cpu"))
    reference = STL10(str(folder), split=theirs)
    assert (images.images == reference.data).all()
    assert (images.labels == reference.labels).all()
    assert images.classes == tuple(reference.classes)


def test_images_nobody_labelled_come_last(folder: Path) -> None:
    images = stl10.find(recipe(folder, split="unlabelled"), context=Context(device="cpu"))
    assert images.labels.tolist() == [3 * i % 10 for i in range(20)] + [-1] * 15


def test_another_size_is_pillows_resize(folder: Path, published: None) -> None:
    images = stl10.find(recipe(folder, pixels=32), context=Context(device="cpu"))
    reference = STL10(str(folder), split="train")
    for i in (0, 7, 19):
        assert (images.images[i] == np.asarray(Resize(32)(reference[i][0])).transpose(2, 0, 1)).all()


def test_the_folder_of_the_files_themselves_may_be_named(folder: Path) -> None:
    named = [
        stl10.find(recipe(each), context=Context(device="cpu")).digest for each in (folder, folder / "stl10_binary")
    ]
    assert named[0] == named[1]


def test_another_number_of_images_is_noted(folder: Path) -> None:
    notes: list[str] = []
    stl10.find(recipe(folder, published=5000), context=Context(device="cpu", note=notes.append))
    stl10.find(recipe(folder, published=20), context=Context(device="cpu", note=notes.append))
    assert notes == [f"{folder}/stl10_binary: 20 images found where 5,000 are published"]


def test_files_that_are_cut_or_absent_are_told(folder: Path) -> None:
    inner = folder / "stl10_binary"
    pictures, labels = inner / "train_X.bin", inner / "train_y.bin"
    whole = pictures.read_bytes()
    pictures.write_bytes(whole[:-1])
    with pytest.raises(DataMissing) as caught:
        stl10.find(recipe(folder), context=Context(device="cpu"))
    assert str(caught.value) == (
        f"{pictures}: expected a whole number of images of 27,648 bytes, found 552,959 bytes; get STL-10 again"
    )
    pictures.write_bytes(whole)
    labels.write_bytes(bytes([0] * 20))
    with pytest.raises(DataMissing) as caught:
        stl10.find(recipe(folder), context=Context(device="cpu"))
    assert str(caught.value) == f"{labels}: expected 20 labels from 1 to 10, found 20 from 0 to 0; get STL-10 again"
    labels.write_bytes(b"")
    with pytest.raises(DataMissing, match=r"expected 20 labels from 1 to 10, found 0 from 0 to 0; get STL-10 again$"):
        stl10.find(recipe(folder), context=Context(device="cpu"))
    labels.unlink()
    with pytest.raises(DataMissing, match=f"^{labels}: expected a file of the data set, found nothing$"):
        stl10.find(recipe(folder), context=Context(device="cpu"))


def test_reading_can_be_stopped(folder: Path) -> None:
    with pytest.raises(Stopped, match=r"^stopped after 0 of 20 images$"):
        stl10.find(recipe(folder), context=Context(device="cpu", stopping=lambda: True))
