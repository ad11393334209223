"""Where the images of a published data set lie below the folder that its owner names, and which files are there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.errors import DataMissing
from repro.reference import conditions, wnids

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

NOT_PICTURES = frozenset((".txt", ".md", ".csv", ".json", ".xml", ".html", ".ini", ".db"))
"""Endings of files that lie beside pictures and are left out; any other file has to be a picture."""
STL10 = {
    "unlabelled": ("train_X.bin", "train_y.bin", "unlabeled_X.bin"),
    "train": ("train_X.bin", "train_y.bin"),
    "test": ("test_X.bin", "test_y.bin"),
}
"""The files of each split of STL-10."""
_THREADS = 8  # look into folders side by side, which pays where each look crosses a network
_TOGETHER = 512  # folders looked into before the first of them is handed on: bounds what waits


@dataclass(frozen=True)
class Layout:
    """A folder, and the folders below it that hold the images of a set, in the order of the set."""

    root: Path
    branches: tuple[str, ...]  # with / between folders; "" for the root itself


@dataclass(frozen=True)
class Branch:
    """The files of one branch and of the folders in it, sorted; none where there is no such folder."""

    name: str
    paths: tuple[str, ...]  # below the layout's root
    sizes: tuple[int, ...]  # bytes
    folders: tuple[tuple[str, int], ...]  # each folder looked into, with its time of change in nanoseconds


def layout(folder: Path, spec: Mapping[str, Any]) -> Layout:
    """What a data set of a profile is made of: the class folders that its `classes` name, or everything.

    Of ImageNet-C (`corruptions`), those of each condition. A tree without splits may lie one folder deeper, as the
    archives of ImageNet-Sketch (sketch/) and ImageNet-R (imagenet-r/) unpack.
    """
    if "classes" not in spec:
        return Layout(folder, ("",))
    classes = wnids(spec["classes"])
    if "corruptions" in spec:
        parts = conditions(spec["corruptions"])
        tops = {part.partition("/")[0] for part in parts}
        return Layout(_holder(folder, tops), tuple(f"{part}/{wnid}" for part in parts for wnid in classes))
    split = str(spec.get("split", ""))
    return Layout(folder / split if split else _holder(folder, set(classes)), classes)


def stl10(folder: Path) -> Path:
    """The folder with the binary files of STL-10: the one named, or the one that the archive unpacks in it."""
    inner = folder / "stl10_binary"
    return inner if inner.is_dir() else folder


def size(file: Path) -> int:
    """Bytes of a file that a set needs. Raises `DataMissing` where it is absent or cannot be read."""
    try:
        return os.stat(file).st_size
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataMissing(f"{file}: expected a file of the data set, found nothing") from error
    except OSError as error:
        raise DataMissing(_refused(error, file)) from error


def _holder(folder: Path, wanted: set[str]) -> Path:
    """The folder itself, or the one in it that alone holds some of the wanted folders."""
    inner = subfolders(folder)
    if wanted & set(inner):
        return folder
    found = [name for name in inner if wanted & set(subfolders(folder / name))]
    return folder / found[0] if len(found) == 1 else folder


def subfolders(folder: Path) -> list[str]:
    """Sorted names of the folders in a folder, hidden ones left out; none where it is absent.

    Raises `DataMissing` where it cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise DataMissing(_refused(error, folder)) from error


def walk(place: Layout) -> Iterator[Branch]:
    """The branches of a layout in its order, each looked into once.

    Raises `DataMissing` where a folder or a file cannot be read, and, after the last branch, where some are absent or
    hold no picture: it names the first of them.
    """
    if not place.root.is_dir():
        raise DataMissing(f"{place.root}: expected a folder of images, found {_instead(place.root)}")
    empty = []
    with _threads() as pool:
        for start in range(0, len(place.branches), _TOGETHER):
            names = place.branches[start : start + _TOGETHER]
            for branch in pool.map(_looked_into, [place.root] * len(names), names):
                if not branch.paths:
                    empty.append(branch)
                yield branch
    if empty:
        raise DataMissing(_absent(place, empty))


def _threads() -> ThreadPoolExecutor:
    from concurrent.futures import ThreadPoolExecutor  # it takes logging along, and few verbs look at files

    return ThreadPoolExecutor(_THREADS)


def changes(place: Layout, folders: Sequence[str]) -> list[int]:
    """When each folder was last changed, in nanoseconds; -1 for one that is not there."""
    with _threads() as pool:
        return list(pool.map(_changed, [place.root] * len(folders), folders, chunksize=64))


def _changed(root: Path, name: str) -> int:
    try:
        return os.stat(os.path.join(root, name)).st_mtime_ns
    except OSError:
        return -1


def _looked_into(root: Path, name: str) -> Branch:
    try:
        found, folders = [], []
        waiting = [name]
        while waiting:
            below = waiting.pop()
            folders.append((below, os.stat(os.path.join(root, below)).st_mtime_ns))  # before its entries are read
            with os.scandir(os.path.join(root, below)) as entries:
                for entry in entries:
                    path = f"{below}/{entry.name}" if below else entry.name
                    if entry.name.startswith("."):
                        continue
                    if entry.is_dir():
                        waiting.append(path)
                    elif os.path.splitext(entry.name)[1].lower() not in NOT_PICTURES:
                        found.append((path, entry.stat().st_size))
        found.sort()
    except (FileNotFoundError, NotADirectoryError) as error:
        if name and not os.path.isdir(os.path.join(root, name)):
            return Branch(name, (), (), ())
        raise DataMissing(_refused(error, root / name)) from error
    except OSError as error:
        raise DataMissing(_refused(error, root / name)) from error
    return Branch(name, tuple(path for path, _ in found), tuple(size for _, size in found), tuple(sorted(folders)))


def _refused(error: OSError, folder: Path) -> str:
    """No permission, a link that leads nowhere or in a circle."""
    return f"{error.filename or folder}: cannot be read ({error.strerror or error})"


def _instead(path: Path) -> str:
    return "a file" if path.exists() else "nothing"


def _absent(place: Layout, empty: Sequence[Branch]) -> str:
    """What is missing, in a sentence."""
    first = empty[0].name
    if not first:
        return f"{place.root}: expected a folder of images, found no file in it"
    how = "holds no picture" if empty[0].folders else "is missing"
    if len(empty) < len(place.branches):
        count = f"{len(empty):,} of the {len(place.branches):,} folders of images"
        return f"{place.root}: {count} are missing or empty; the first, {first}, {how}"
    wanted = f"{place.root}: expected folders of images such as {first}, found none of the {len(place.branches):,}"
    with os.scandir(place.root) as entries:
        flat = sum(entry.is_file() for entry in entries)
    return f"{wanted}, but {flat:,} files: sort them into one folder a class, named by WordNet id" if flat else wanted
