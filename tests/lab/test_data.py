"""A set of images on disk: what is written comes back, and what is damaged says so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from repro.errors import DataMissing
from repro.lab import data
from repro.lab.data import Images


@pytest.fixture
def images() -> Images:
    generator = np.random.default_rng(0)
    return Images(
        images=generator.integers(0, 256, (6, 3, 4, 5), np.uint8),
        labels=np.array([0, 1, 2, 0, 1, -1]),
        classes=("cat", "dog", "dög"),
        textures=np.array([1, 2, 0, 1, 2, 0]),
        condition=np.array([0, 0, 0, 1, 1, 1]),
        conditions=("fog/1", "fog/2"),
        parents=(-1, 0, 0),
        parent_names=("dogs",),
    )


def test_what_is_written_is_read_back(images: Images, tmp_path: Path) -> None:
    names = data.write(images, tmp_path / "set")
    assert sorted(path.name for path in (tmp_path / "set").iterdir()) == sorted(names)
    back = data.read(tmp_path / "set")
    assert isinstance(back.images, np.memmap)
    for column in ("images", "labels", "textures", "condition"):
        np.testing.assert_array_equal(getattr(back, column), getattr(images, column))
        assert getattr(back, column).dtype == getattr(images, column).dtype
    for field in ("classes", "conditions", "parents", "parent_names", "digest"):
        assert getattr(back, field) == getattr(images, field)
    assert len(back) == 6


def test_columns_that_are_absent_stay_absent(images: Images, tmp_path: Path) -> None:
    plain = Images(images=images.images, labels=images.labels, classes=images.classes)
    data.write(plain, tmp_path)
    back = data.read(tmp_path)
    assert (back.textures, back.condition, back.conditions, back.parents) == (None, None, (), None)
    assert back.digest == plain.digest


def test_the_digest_sees_every_part(images: Images) -> None:
    brighter = images.images.copy()
    brighter[5, 2, 3, 4] ^= 1
    others = [
        replace(images, images=brighter),
        replace(images, images=images.images.reshape(6, 3, 5, 4)),
        replace(images, labels=images.labels[::-1].copy()),
        replace(images, classes=("cat", "dog", "cow")),
        replace(images, textures=None),
        replace(images, condition=images.condition[::-1].copy()),
        replace(images, conditions=("fog/1", "fog/3")),
        replace(images, parents=(-1, -1, 0)),
        replace(images, parent_names=("hounds",)),
    ]
    assert len({images.digest, *(other.digest for other in others)}) == len(others) + 1
    assert replace(images, images=images.images.copy()).digest == images.digest


def test_a_folder_without_a_set_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        DataMissing, match=r"^.*empty: expected a set of images, found none that can be read \(.*\); make"
    ):
        data.read(tmp_path / "empty")


@pytest.mark.parametrize("name", ["images.npy", "targets.npz", "info.json"])
def test_a_file_that_was_cut_is_told(images: Images, tmp_path: Path, name: str) -> None:
    data.write(images, tmp_path)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataMissing, match="found none that can be read"):
        data.read(tmp_path)


def test_files_of_two_sets_are_told(images: Images, tmp_path: Path) -> None:
    data.write(images, tmp_path / "one")
    data.write(
        replace(
            images, images=images.images[:4], labels=images.labels[:4], textures=None, condition=None, conditions=()
        ),
        tmp_path / "two",
    )
    (tmp_path / "one" / "images.npy").write_bytes((tmp_path / "two" / "images.npy").read_bytes())
    with pytest.raises(DataMissing, match="do not belong together"):
        data.read(tmp_path / "one")
