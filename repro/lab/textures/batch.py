"""A texture of each of many small images in memory."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from repro.errors import JobFailed
from repro.lab.seeds import derive
from repro.lab.textures import patches
from repro.lab.textures.synthesis import Recipe, texture


def textures(
    images: NDArray[np.uint8], names: Sequence[str], *, pixels: int, side: int, seed: int, recipe: Recipe, threads: int
) -> NDArray[np.uint8]:
    """A texture of each of (N, 3, H, W) images, uint8 (N, 3, pixels, pixels), grown from two patches of this side.

    An image's texture depends on the image, its name, the seed and the settings; not on the other images, on their
    order or on the number of threads. Raises `JobFailed` when names or sizes do not fit.
    """
    if len(names) != len(images):
        raise JobFailed(f"textures: expected a name for each of {len(images)} images, found {len(names)}")
    if not 1 <= side <= min(images.shape[2:]):
        height, width = images.shape[2:]
        raise JobFailed(f"textures: patches of {side} x {side} pixels do not fit images of {height} x {width}")
    result = np.empty((len(images), 3, pixels, pixels), np.uint8)

    def grow(i: int) -> None:
        own = derive(seed, f"texture/{names[i]}")
        examples = patches.two(images[i].transpose(1, 2, 0), side=side, seed=own)
        result[i] = texture(examples, pixels=pixels, seed=own, recipe=recipe).transpose(2, 0, 1)

    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(grow, range(len(images))):
            pass
    return result
