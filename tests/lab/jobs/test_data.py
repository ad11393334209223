"""A data job over its owner's files, and what comes out of the images when they are asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torchvision.datasets import ImageFolder
from torchvision.transforms import CenterCrop, Compose, PILToTensor, Resize

from repro.errors import JobFailed
from repro.lab import data
from repro.lab.images import reading
from repro.lab.jobs import Context
from repro.lab.jobs import data as job
from repro.reference import wnids
from tests.trees import classes, picture, put

NAMES = wnids("imagenet-100-r")
ODD = {  # file -> mode, format: all of them pictures
    f"{NAMES[0]}/grey.JPEG": ("L", "JPEG"),
    f"{NAMES[1]}/cmyk.JPEG": ("CMYK", "JPEG"),
    f"{NAMES[2]}/png.JPEG": ("RGB", "PNG"),
    f"{NAMES[3]}/alpha.png": ("RGBA", "PNG"),
}


def never() -> bool:
    return False


def spec(place: Path) -> dict[str, Any]:
    return {
        "name": "imagenet",
        "place": str(place),
        "split": "val",
        "classes": "imagenet-100-r",
        "published": 42,
        "resize": 24,
        "pixels": 20,
        "fingerprint": "0" * 32,
    }


def run(place: Path, folder: Path) -> tuple[job.Outcome, list[str]]:
    notes: list[str] = []
    context = Context(device="cpu", note=notes.append)
    return job.run(spec(place), seed=None, inputs={}, folder=folder, context=context), notes


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Pictures of every kind, of 19 classes."""
    classes(tmp_path / "tree" / "val", NAMES, each=2)
    for name, (mode, form) in ODD.items():
        put(tmp_path / "tree" / "val" / name, picture(9, mode=mode, form=form))
    return tmp_path / "tree"


def test_images_are_those_of_torchvision_in_its_order(place: Path, tmp_path: Path) -> None:
    outcome, notes = run(place, tmp_path / "job")
    assert (outcome.values["images"], notes) == (42, [])
    images = data.read(tmp_path / "job")
    cut = Compose([Resize(24), CenterCrop(20), PILToTensor()])
    reference = ImageFolder(str(place / "val"), transform=cut)
    pixels = torch.cat([chunk for _, chunk in reading.chunks(images, size=16, loaders=2, stopping=never)])
    assert torch.equal(pixels, torch.stack([picture for picture, _ in reference]))
    assert images.labels.tolist() == reference.targets
    assert images.classes == tuple(reference.classes)
    assert images.digest == outcome.values["digest"]


def test_a_moved_tree_is_the_same_set_and_only_its_place_is_told_anew(place: Path, tmp_path: Path) -> None:
    before, _ = run(place, tmp_path / "one")
    place.rename(tmp_path / "moved")
    after, _ = run(tmp_path / "moved", tmp_path / "two")
    assert before == after
    data.move(tmp_path / "one", tmp_path / "moved")
    parts = reading.chunks(data.read(tmp_path / "one"), size=42, loaders=0, stopping=never)
    assert next(parts)[1].shape == (42, 3, 20, 20)


def test_what_is_odd_is_noted_and_recorded(place: Path, tmp_path: Path) -> None:
    put(place / "val" / NAMES[0] / "one-more.JPEG", picture(1))
    put(place / "val" / "Miscellaneous" / "x.JPEG", picture(1))
    outcome, notes = run(place, tmp_path / "job")
    assert notes == outcome.values["notes"]
    assert notes == [
        f"{place}/val: 1 folder is no class of ImageNet and left out, such as Miscellaneous",
        "43 images found where 42 are published: 15 classes have 2, 3 classes have 3, 1 class has 4",
    ]


@pytest.mark.parametrize(
    ("content", "reason"), [(b"", "empty"), (picture(1)[:300], "cut short"), (b"<html>", "not an image")]
)
def test_a_bad_file_is_listed_and_ends_whoever_needs_it(
    place: Path, tmp_path: Path, content: bytes, reason: str
) -> None:
    bad = put(place / "val" / NAMES[4] / "bad.JPEG", content)
    outcome, _ = run(place, tmp_path / "job")
    assert outcome.values["images"] == 43  # never dropped
    images = data.read(tmp_path / "job")
    with pytest.raises(JobFailed) as caught:
        list(reading.chunks(images, size=64, loaders=0, stopping=never))
    assert str(caught.value) == (
        f"{bad}: no picture that can be read ({reason}); `repro data verify` lists all such files, replace them"
    )
    images = images[np.flatnonzero(images.labels != 4)]
    assert sum(len(chunk) for _, chunk in reading.chunks(images, size=64, loaders=0, stopping=never)) == 40
