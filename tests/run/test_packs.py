"""A cache of decoded images is what it was when its set was listed, or nothing learns of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from repro.errors import DataMissing
from repro.files import file_digest
from repro.lab import data
from repro.run import packs


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """A job's folder with a set of four images in two files of a cache."""
    files = ("00000.pack", "00001.pack")
    for number, name in enumerate(files):
        (tmp_path / name).write_bytes(bytes([number, 7]) * 24)
    digests = tuple(file_digest(tmp_path / name) for name in files)
    cells = np.array([[number // 2, 24 * (number % 2), 2, 4] for number in range(4)])
    images = data.Packed(tmp_path, files, digests, cells, resize=2, pixels=2)
    data.write(data.Images(images, np.arange(4), ("a", "b", "c", "d")), tmp_path / "job")
    return tmp_path / "job"


def test_a_whole_cache_is_looked_at_file_by_file(packed: Path) -> None:
    told: list[tuple[int, int]] = []
    packs.check(packed, lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]


def test_a_file_with_another_bit_is_named(packed: Path) -> None:
    path = packed.parent / "00001.pack"
    content = bytearray(path.read_bytes())
    content[30] ^= 8
    path.write_bytes(content)
    with pytest.raises(DataMissing) as caught:
        packs.check(packed, lambda done, total: None)
    assert str(caught.value) == (
        f"{path}: is not the file that was written; the same repro data make cache as before makes it again"
    )
    path.unlink()
    with pytest.raises(DataMissing) as caught:
        packs.check(packed, lambda done, total: None)
    assert str(caught.value) == f"{path}: is gone; the same repro data make cache as before makes it again"


def test_a_set_without_a_cache_is_not_looked_at(tmp_path: Path) -> None:
    pictures = np.zeros((2, 3, 4, 4), np.uint8)
    data.write(data.Images(pictures, np.arange(2), ("a", "b")), tmp_path / "arrays")
    owned = data.Files(tmp_path, np.array(["x.png", "y.png"]), np.array([1, 2]), resize=0, pixels=4)
    data.write(data.Images(owned, np.arange(2), ("a", "b")), tmp_path / "files")
    for name in ("arrays", "files"):
        packs.check(tmp_path / name, lambda done, total: pytest.fail("there is no cache"))
