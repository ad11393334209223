"""Photographs in an ImageFolder tree, root/split/class/file, at one small size.

Source: torchvision.datasets.ImageFolder for the layout and the order of classes (sorted folder names), Resize and
CenterCrop for the cut (`repro.lab.images.reading`).
Differs: a file that cannot be read is an error that names it, not a picture less.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from repro.errors import DataMissing
from repro.lab.data import Images
from repro.lab.images import reading, superclasses
from repro.reference import trees

NOT_PICTURES = trees.NOT_PICTURES
_NAMED = 3


@dataclass(frozen=True)
class Recipe:
    """One split of a tree: at most `count` pictures of each class, 0 for all of them, `pixels` x `pixels`."""

    root: str
    split: str
    pixels: int
    count: int
    superclass: str  # whose classes are told apart (`repro.lab.images.superclasses`), such as "dog"; "": none


def build(recipe: Recipe) -> Images:
    """Decode a split. Raises `DataMissing` when it is absent, empty, or has files that cannot be read."""
    root = Path(recipe.root).expanduser()
    place = root / recipe.split
    found = classes(place)
    parents, superclass = superclasses.parents(root, superclass=recipe.superclass, classes=found)
    listed = [(path, label) for label, name in enumerate(found) for path in _files(place / name, limit=recipe.count)]
    pictures = np.empty((len(listed), 3, recipe.pixels, recipe.pixels), np.uint8)
    faults = []
    for i, (path, _) in enumerate(listed):
        try:
            pictures[i] = reading.centred(reading.opened(path), resize=recipe.pixels, pixels=recipe.pixels)
        except reading.Unreadable as fault:
            faults.append(f"{path.relative_to(place)} ({fault.reason})")
    if faults:
        more = f" and {len(faults) - _NAMED} more" if len(faults) > _NAMED else ""
        raise DataMissing(
            f"{place}: {len(faults)} of {len(listed)} files are no pictures that can be read: "
            f"{', '.join(faults[:_NAMED])}{more}; replace or remove them"
        )
    labels = np.array([label for _, label in listed], np.int64)
    names = np.array([path.relative_to(place).with_suffix("").as_posix() for path, _ in listed])
    return Images(pictures, labels, found, names=names, parents=parents, parent_names=superclass)


def classes(place: Path) -> tuple[str, ...]:
    """Sorted names of the class folders of a split; raises `DataMissing` when there are none or one is empty."""
    if not place.is_dir():
        raise DataMissing(f"{place}: expected a folder with one folder of pictures per class, found none")
    names = tuple(sorted(each.name for each in place.iterdir() if each.is_dir() and not each.name.startswith(".")))
    if not names:
        raise DataMissing(f"{place}: expected one folder of pictures per class, found no folder in it")
    empty = [name for name in names if next(_files(place / name, limit=1), None) is None]
    if empty:
        raise DataMissing(f"{place}: {len(empty)} of {len(names)} class folders hold no picture, such as {empty[0]}")
    return names


def _files(folder: Path, *, limit: int) -> Iterator[Path]:
    """Files of a class in sorted order, subfolders included, at most `limit` (0: all); hidden ones left out."""
    given = 0
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if hidden or path.is_dir() or path.suffix.lower() in NOT_PICTURES:
            continue
        yield path
        given += 1
        if given == limit:
            return
