"""What a folder of the user's own holds, told from its listing: a changed folder is never taken for the old one."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from repro.errors import DataMissing
from repro.files import digest


@cache
def fingerprint(folder: Path) -> str:
    """Hash over the relative path, size and time of change of each file below a folder.

    Raises `DataMissing` where there is no such folder or nothing in it.
    """
    if not folder.is_dir():
        raise DataMissing(
            f"{folder}: expected a folder of images (train/ and val/ with one folder a class), "
            f"found {'a file' if folder.exists() else 'nothing'}"
        )
    try:
        listing = sorted(_files(folder, ""))
    except OSError as error:  # no permission, a link that leads nowhere or in a circle
        raise DataMissing(f"{error.filename or folder}: cannot be read ({error.strerror or error})") from error
    if not listing:
        raise DataMissing(f"{folder}: expected train/ and val/ with one folder a class, found no file")
    return digest(listing)[:32]


@cache
def contents(folder: Path) -> str:
    """Hash over the relative path and size of each file below a folder, wherever the folder is.

    Raises `DataMissing` where there is no such folder or nothing in it.
    """
    if not folder.is_dir():
        raise DataMissing(f"{folder}: expected a folder of images, found {'a file' if folder.exists() else 'nothing'}")
    listing = sorted([name, size] for name, size, _ in _files(folder, ""))
    if not listing:
        raise DataMissing(f"{folder}: expected a folder of images, found no file in it")
    return digest(listing)[:32]


@cache
def images(split: Path, *, each: int) -> int:
    """How many images a split of an ImageFolder tree gives with at most `each` of a class (0: all), for an estimate."""
    if not split.is_dir():
        return 0
    sizes = [sum(entry.is_file() for entry in os.scandir(part)) for part in split.iterdir() if part.is_dir()]
    return sum(min(size, each) if each else size for size in sizes)


def _files(folder: Path, below: str) -> list[list[str | int]]:
    found: list[list[str | int]] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            name = f"{below}{entry.name}"
            if entry.is_dir():
                found += _files(Path(entry.path), f"{name}/")
            else:
                status = entry.stat()
                found.append([name, status.st_size, status.st_mtime_ns])
    return found
