"""What a folder of the user's own holds, told from its listing, so that a changed folder is never taken for the old one."""

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
        raise DataMissing(f"{folder}: expected a folder of images (train/ and val/ with one folder a class), found {'a file' if folder.exists() else 'nothing'}")
    listing = sorted(_files(folder, ""))
    if not listing:
        raise DataMissing(f"{folder}: expected train/ and val/ with one folder a class, found no file")
    return digest(listing)[:32]


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
