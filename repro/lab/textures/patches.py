"""The two patches that a texture grows from: one from the middle of the image, one from a random place.

Source: paper, section 2.2.
"""

from __future__ import annotations

import random

import numpy as np
from numpy.typing import NDArray

from repro.lab.textures.settings import SIDES

Places = tuple[tuple[int, int], tuple[int, int]]  # top and left of the middle patch and of the other


def side_for(height: int, width: int) -> int | None:
    """The paper's side for an image of this size: 96, or 48 where that does not fit; None where neither does.

    >>> side_for(375, 500), side_for(64, 64), side_for(32, 32)
    (96, 48, None)
    """
    return next((side for side in SIDES if side <= min(height, width)), None)


def places(height: int, width: int, *, side: int, seed: int) -> Places:
    """Where the two patches lie; the random place may overlap the middle, as the paper does not forbid it.

    >>> places(10, 12, side=10, seed=0)[0]
    (0, 1)
    """
    assert 1 <= side <= min(height, width)
    drawn = random.Random(seed)
    return ((height - side) // 2, (width - side) // 2), (
        drawn.randrange(height - side + 1),
        drawn.randrange(width - side + 1),
    )


def two(image: NDArray[np.uint8], *, side: int, seed: int) -> list[NDArray[np.uint8]]:
    """The two patches, (side, side, 3) each, of an image (H, W, 3)."""
    found = places(*image.shape[:2], side=side, seed=seed)
    return [image[top : top + side, left : left + side] for top, left in found]
