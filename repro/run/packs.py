"""The files of a cache of decoded images, which lie outside the results: their hashes, before anything learns of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from repro.errors import DataMissing
from repro.files import file_digest
from repro.lab import data


def check(folder: Path, progress: Callable[[int, int], None]) -> None:
    """Raises `DataMissing` where the set in a job's folder is of a cache, and a file of that is not what it was.

    `progress` hears how many files of how many were looked at; a set that has no cache costs nothing.
    """
    if not (folder / data.PLACE).is_file():
        return
    images = data.read(folder).images
    if not isinstance(images, data.Packed):
        return
    for number, (name, digest) in enumerate(zip(images.files, images.digests, strict=True), 1):
        path = images.root / name
        if not path.is_file() or file_digest(path) != digest:
            fault = "is not the file that was written" if path.is_file() else "is gone"
            raise DataMissing(f"{path}: {fault}; the same repro data make cache as before makes it again")
        progress(number, len(images.files))
