"""STL-10: 96-pixel photographs of ten classes, with 100,000 more that nobody labelled.

Source: Coates, Ng and Lee 2011; the binary files of the authors' archive: pixels channel by channel, column by column,
labels 1 to 10. "unlabelled" is what joshr17/HCL image/utils.py:124 trains on, train and unlabelled together.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from repro.errors import DataMissing
from repro.lab.data import Images
from repro.lab.images.decoding import planes
from repro.lab.jobs import Context, Stopped
from repro.reference import trees

CLASSES = ("airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck")
_SIDE = 96
_CHUNK = 1000  # images copied between two looks at whether to stop


@dataclass(frozen=True)
class Recipe:
    """One split, at its native 96 pixels or resized."""

    place: str  # folder of the .bin files, or that in which the archive was unpacked
    split: Literal["unlabelled", "train", "test"]
    published: int  # images that the split is said to have; 0: nobody says
    pixels: int  # side; 96: as they are, another: resized (bilinear, antialiased)


def find(recipe: Recipe, *, context: Context) -> Images:
    """Read a split; images without a label come after the 5,000 with one and have -1.

    Notes a number of images other than the published one. Raises `DataMissing` where a file is absent, is no whole
    number of images, or has labels that are none or too few.
    """
    folder = trees.stl10(Path(recipe.place).expanduser())
    parts = [_pictures(folder / name) for name in trees.STL10[recipe.split] if name.endswith("_X.bin")]
    total = sum(len(part) for part in parts)
    labels = np.full(total, -1, np.int64)
    labels[: len(parts[0])] = _labels(folder / trees.STL10[recipe.split][1], count=len(parts[0]))
    if recipe.published and total != recipe.published:
        context.note(f"{folder}: {total:,} images found where {recipe.published:,} are published")
    images = np.empty((total, 3, recipe.pixels, recipe.pixels), np.uint8)
    done = 0
    for part in parts:
        for start in range(0, len(part), _CHUNK):
            if context.stopping():
                raise Stopped(f"stopped after {done} of {total} images")
            chunk = part[start : start + _CHUNK]
            images[done : done + len(chunk)] = chunk if recipe.pixels == _SIDE else _resized(chunk, recipe.pixels)
            done += len(chunk)
            context.progress(done, total, "images")
    return Images(images, labels, CLASSES, names=np.array([f"{recipe.split}/{index:06d}" for index in range(total)]))


def _pictures(file: Path) -> NDArray[np.uint8]:
    """(N, 3, 96, 96), memory-mapped; the file has columns before rows."""
    each = 3 * _SIDE * _SIDE
    count, rest = divmod(trees.size(file), each)
    if rest or not count:
        raise DataMissing(
            f"{file}: expected a whole number of images of {each:,} bytes, found {trees.size(file):,} bytes; "
            "get STL-10 again"
        )
    raw: NDArray[np.uint8] = np.memmap(file, np.uint8, mode="r", shape=(count, 3, _SIDE, _SIDE))
    return raw.transpose(0, 1, 3, 2)


def _labels(file: Path, *, count: int) -> NDArray[np.int64]:
    """(count,), 0 to 9."""
    size = trees.size(file)
    labels = np.fromfile(file, np.uint8).astype(np.int64) - 1
    if size != count or labels.min() < 0 or labels.max() >= len(CLASSES):
        low, high = (int(labels.min()) + 1, int(labels.max()) + 1) if size else (0, 0)
        raise DataMissing(
            f"{file}: expected {count:,} labels from 1 to {len(CLASSES)}, found {size:,} from {low} to {high}; "
            "get STL-10 again"
        )
    return labels


def _resized(pictures: NDArray[np.uint8], pixels: int) -> NDArray[np.uint8]:
    size = (pixels, pixels)
    whole = (Image.fromarray(np.ascontiguousarray(each.transpose(1, 2, 0))) for each in pictures)
    return np.stack([planes(each.resize(size, Image.Resampling.BILINEAR)) for each in whole])
