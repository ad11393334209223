"""A picture of a person's own in the place of a data set: the same image a few times, and a texture of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from repro.lab import data
from repro.lab.images.decoding import centred, opened
from repro.lab.images.shelf import Shelf
from repro.lab.jobs import Context, samples
from repro.lab.textures import batch, settings

TIMES = 4
"""How often it is drawn: views, patches and textures differ each time."""
_RESIZED, _WHOLE, _SIDE, _SMALL = 256, 224, 96, 64
"""Of 224 pixels: the middle of 256, patches of 96 for a texture. Below 64 textures have the settings of drawings."""


def shelves(
    path: Path, works: Mapping[str, tuple[Mapping[str, Any], int, bool]], *, pixels: int, folder: Path
) -> dict[str, Shelf]:
    """What each of `works` (its spec, its seed, whether it asks for textures) sees of a picture; written in `folder`.

    Raises `Unreadable` where the file is no picture that can be used.
    """
    one = centred(opened(path), resize=round(pixels * _RESIZED / _WHOLE), pixels=pixels)
    names = np.array([f"given/{place}" for place in range(TIMES)])
    images = data.Images(np.stack([one] * TIMES), np.zeros(TIMES, np.int64), ("given",), names=names)
    data.write(images, folder / "data")
    if any(is_textured for _, _, is_textured in works.values()):
        data.write(replace(images, images=_textures(images, pixels=pixels)), folder / "textures")
    found = {}
    for row, (spec, seed, is_textured) in works.items():
        asked = {**spec["recipe"]["samples"], "images": 0, "shown": TIMES}
        whole = {**spec, "recipe": {**spec["recipe"], "samples": asked}, "limit": None}
        inputs = {"data": folder / "data"} | ({"textures": folder / "textures"} if is_textured else {})
        samples.run(whole, seed=seed, inputs=inputs, folder=folder / row, context=Context(device="cpu"))
        found[row] = Shelf(folder / row)
    return found


def _textures(images: data.Images, *, pixels: int) -> Any:
    assert images.names is not None
    recipe = settings.SMALL if pixels < _SMALL else settings.IMAGENET
    side = round(pixels * _SIDE / _WHOLE)
    return batch.textures(
        images.images, list(map(str, images.names)), pixels=pixels, side=side, seed=0, recipe=recipe, threads=1
    )
