"""A folder of class folders as it lies on the disk: which files are images by name, which are something else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from repro.reference.trees import NOT_PICTURES

_LITTER = ("thumbs.db", "desktop.ini")  # that systems leave in folders of images


@dataclass(frozen=True)
class Branch:
    """What one class folder holds; paths are below it."""

    name: str
    images: tuple[str, ...]  # sorted; folders in it are looked into
    hidden: tuple[str, ...]  # hidden files, and those that systems leave
    others: tuple[str, ...]  # no images by their ending
    folders: tuple[str, ...]  # folders inside of it


@dataclass(frozen=True)
class Level:
    """What lies right in a folder of class folders."""

    folders: tuple[str, ...]
    hidden: tuple[str, ...]
    files: tuple[str, ...]


@dataclass
class _Found:
    images: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)


def level(folder: Path) -> Level:
    """Class folders and what else lies beside them; raises `OSError` where it cannot be looked into."""
    folders: list[str] = []
    hidden: list[str] = []
    files: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_hidden(entry.name):
                hidden.append(entry.name)
            else:
                (folders if entry.is_dir() else files).append(entry.name)
    return Level(tuple(sorted(folders)), tuple(sorted(hidden)), tuple(sorted(files)))


def branch(folder: Path) -> Branch:
    """What a class folder holds; raises `OSError` where it, or a folder in it, cannot be looked into."""
    found = _Found()
    _look(folder, "", found)
    return Branch(
        folder.name,
        tuple(sorted(found.images)),
        tuple(sorted(found.hidden)),
        tuple(sorted(found.others)),
        tuple(sorted(found.folders)),
    )


def _look(folder: Path, below: str, found: _Found) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            name = below + entry.name
            if is_hidden(entry.name):
                found.hidden.append(name)
            elif entry.is_dir():
                found.folders.append(name)
                _look(Path(entry.path), f"{name}/", found)
            else:
                (found.images if is_picture(entry.name) else found.others).append(name)


def is_hidden(name: str) -> bool:
    """Whether a file or folder is one that nobody means, such as `.DS_Store` or `Thumbs.db`."""
    return name.startswith(".") or name.lower() in _LITTER


def is_picture(name: str) -> bool:
    """Whether a file counts as an image: every file does whose ending is not that of a text or a listing."""
    return os.path.splitext(name)[1].lower() not in NOT_PICTURES


def images(folder: Path, names: tuple[str, ...]) -> Iterator[str]:
    """Images of some class folders, as `CLASS/FILE`, in order; folders that are not there have none."""
    for name in names:
        if (folder / name).is_dir():
            for file in branch(folder / name).images:
                yield f"{name}/{file}"
