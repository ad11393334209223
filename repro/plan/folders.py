"""What a folder of the user's own holds, told from its listing: a changed folder is never taken for the old one."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from repro.errors import DataMissing, StoreError
from repro.files import digest, write_whole
from repro.reference import trees
from repro.spec import locations

_SETTLED = 2 * 10**9  # nanoseconds: a folder changed later than this before it was read may change again unseen


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


def contents(folder: Path, spec: Mapping[str, Any]) -> str:
    """Hash over the relative path and size of each file that a data set is made of, wherever its folder is.

    `spec` is the set's recipe: where it names `classes`, only their folders count. What was found is remembered beside
    the times of change of the folders, so that a tree of millions is read once; a file that is replaced in its place,
    under its own name, changes no folder: `repro data verify` finds that.

    Raises `DataMissing` where the folder, or one of a class, is absent or holds nothing.
    """
    if spec["name"] == "stl10":
        return _of_files(trees.stl10(folder), trees.STL10[spec["split"]])
    place = trees.layout(folder, spec)
    return _of_tree(place.root, place.branches)


def _of_files(folder: Path, names: Sequence[str]) -> str:
    whole = hashlib.sha256()
    for name in names:
        whole.update(f"{name}\0{trees.size(folder / name)}\n".encode())
    return whole.hexdigest()[:32]


@cache
def _of_tree(root: Path, branches: tuple[str, ...]) -> str:
    place = trees.Layout(root, branches)
    memory = _memory(place)
    known = _recalled(memory, place)
    if known:
        return known
    whole, folders, begun = hashlib.sha256(), dict[str, int](), time.time_ns()
    for branch in trees.walk(place):
        for path, size in zip(branch.paths, branch.sizes, strict=True):
            whole.update(f"{os.fsencode(path)!r}\0{size}\n".encode())
        folders.update(branch.folders)
    found = whole.hexdigest()[:32]
    if max(folders.values()) < begun - _SETTLED:
        _remember(memory, place, folders, found)
    return found


def _memory(place: trees.Layout) -> Path:
    """The file in the user's cache that is about this tree."""
    name = digest([str(place.root.resolve()), list(place.branches)])[:32]
    return locations.load().cache / "folders" / f"{name}.json"


def _recalled(memory: Path, place: trees.Layout) -> str | None:
    """What was found earlier, if no folder has changed since."""
    try:
        said = json.loads(memory.read_text(encoding="utf-8"))
        folders = [*place.branches, *said["inner"]]
        is_whole = said.pop("digest") == digest(said)
        if is_whole and digest(trees.changes(place, folders)) == said["changes"]:
            return str(said["contents"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass
    return None


def _remember(memory: Path, place: trees.Layout, folders: Mapping[str, int], found: str) -> None:
    inner = sorted(folders.keys() - set(place.branches))
    times = [folders.get(name, -1) for name in (*place.branches, *inner)]
    said = {"root": str(place.root), "inner": inner, "changes": digest(times), "contents": found}
    with suppress(StoreError):  # without it the next plan takes longer, and nothing else
        write_whole(memory, json.dumps({**said, "digest": digest(said)}) + "\n")


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
