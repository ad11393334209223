"""Photographs in an ImageFolder tree, root/split/class/file, at one small size.

Source: torchvision.datasets.ImageFolder for the layout and the order of classes (sorted folder names).
Differs: a file that cannot be read is an error that names it, not a picture less.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from repro.errors import DataMissing
from repro.lab.data import Images

NOT_PICTURES = frozenset((".txt", ".md", ".csv", ".json", ".xml", ".html", ".ini", ".db"))
"""Endings of files that lie beside pictures and are left out; any other file has to be a picture."""
_NAMED = 3


@dataclass(frozen=True)
class Recipe:
    """One split of a tree: at most `count` pictures of each class, 0 for all of them, `pixels` x `pixels`."""

    root: str
    split: str
    pixels: int
    count: int


def build(recipe: Recipe) -> Images:
    """Decode a split. Raises `DataMissing` when it is absent, empty, or has files that cannot be read."""
    place = Path(recipe.root).expanduser() / recipe.split
    found = classes(place)
    listed = [(path, label) for label, name in enumerate(found) for path in _files(place / name, limit=recipe.count)]
    pictures = np.empty((len(listed), 3, recipe.pixels, recipe.pixels), np.uint8)
    faults = []
    for i, (path, _) in enumerate(listed):
        try:
            pictures[i] = load(path, pixels=recipe.pixels)
        except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as fault:
            reason = "empty" if path.stat().st_size == 0 else str(fault).replace(str(path), "it")
            faults.append(f"{path.relative_to(place)} ({reason})")
    if faults:
        more = f" and {len(faults) - _NAMED} more" if len(faults) > _NAMED else ""
        raise DataMissing(
            f"{place}: {len(faults)} of {len(listed)} files are no pictures that can be read: "
            f"{', '.join(faults[:_NAMED])}{more}; replace or remove them"
        )
    labels = np.array([label for _, label in listed], np.int64)
    names = np.array([path.relative_to(place).with_suffix("").as_posix() for path, _ in listed])
    return Images(images=pictures, labels=labels, classes=found, names=names)


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


def load(path: Path, *, pixels: int) -> NDArray[np.uint8]:
    """A picture as (3, pixels, pixels): shorter side resized (bilinear, antialiased), then the middle cut out."""
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    scale = pixels / min(picture.size)
    width, height = (max(pixels, int(side * scale)) for side in picture.size)
    resized = picture.resize((width, height), Image.Resampling.BILINEAR)
    left, top = round((width - pixels) / 2), round((height - pixels) / 2)
    return np.asarray(resized.crop((left, top, left + pixels, top + pixels))).transpose(2, 0, 1)


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
