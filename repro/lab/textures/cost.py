"""What a texture costs on this machine, measured before a tree of them is begun."""

from __future__ import annotations

import time

import numpy as np

from repro.lab.textures.settings import IMAGENET, SIDES
from repro.lab.textures.synthesis import texture


def seconds(pixels: int, side: int | None) -> float:
    """CPU seconds of one texture from two patches of noise, which has no short cuts and so takes longest."""
    patches = list(np.random.default_rng(0).integers(0, 256, (2, *[side or SIDES[0]] * 2, 3), dtype=np.uint8))
    texture(patches, pixels=8, seed=0, recipe=IMAGENET)  # compiled now, where it was not before
    start = time.process_time()
    texture(patches, pixels=pixels, seed=0, recipe=IMAGENET)
    return time.process_time() - start
