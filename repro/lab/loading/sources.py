"""Where the images of a step come from: arrays, the owner's files, or a cache; said in so few words that a loading
process can be sent them, and opened there or here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from repro.errors import JobFailed
from repro.lab.data import Files, Packed
from repro.lab.images import decoding, reading
from repro.lab.loading.pack import Pack, pack

T = TypeVar("T")


class Cell(NamedTuple):
    """An image in a cache."""

    file: str
    start: int  # bytes
    height: int
    width: int
    check: int  # CRC-32 of its bytes


Some = NDArray[np.uint8] | list[str] | list[Cell]
"""Images: themselves, uint8 (N, 3, H, W), or where they are."""


class Errand(NamedTuple):
    """What is to be fetched for a step."""

    step: int
    first: int  # the row of the step's batch that the first image is
    images: Some
    textures: Some | None


class Load(NamedTuple):
    """What came of an errand: views and negatives, uint8 (N, 3, P, P) each, or the images themselves, whole."""

    views: tuple[Tensor, ...]
    negatives: tuple[Tensor, ...]
    images: tuple[Tensor, Tensor] | None  # the two fields of a `Pack`
    textures: tuple[Tensor, Tensor] | None


def some(source: NDArray[np.uint8] | Files | Packed, places: Tensor) -> Some:
    """The images at `places`, int64 (N,)."""
    rows = places.numpy()
    if isinstance(source, Files):
        return [str(source.root / path) for path in source.paths[rows]]
    if isinstance(source, Packed):
        return [Cell(str(source.root / source.files[file]), *map(int, rest)) for file, *rest in source.cells[rows]]
    return np.array(source[rows])


def whole(errand: Errand) -> Load:
    """The images of an errand as they are, of any size."""
    packs = [None if part is None else _packed(part) for part in (errand.images, errand.textures)]
    images, textures = (None if part is None else (part.flat, part.sizes) for part in packs)
    return Load(views=(), negatives=(), images=images, textures=textures)


def pictures(of: Some) -> Iterator[Image.Image]:
    """The images one after the other, in RGB; raises `reading.Unreadable`."""
    for each in of:
        yield reading.opened(each) if isinstance(each, str) else Image.fromarray(_planes(each).transpose(1, 2, 0))


def needed(picture: T | None) -> T:
    """What negatives ask for; raises `JobFailed` where the job was not given it."""
    if picture is None:
        raise JobFailed("negatives.images: the job has no textures among its inputs")
    return picture


def _packed(of: Some) -> Pack:
    if isinstance(of, np.ndarray):
        return pack(torch.from_numpy(of))
    return pack([torch.from_numpy(_planes(each)) for each in of])


def _planes(each: NDArray[np.uint8] | str | Cell) -> NDArray[np.uint8]:
    """One image, (3, h, w)."""
    if isinstance(each, str):
        return np.ascontiguousarray(np.asarray(reading.opened(each)).transpose(2, 0, 1))
    if isinstance(each, Cell):
        return decoding.stored(*each)
    return each
