"""A texture of each image of another set, beside it: what ImageNet-Texture is to ImageNet.

Source: paper, section 2.2. Differs: `repro.lab.textures.synthesis` says how it departs from the program of the paper.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from repro.errors import JobFailed
from repro.lab.data import Images
from repro.lab.jobs import Context, Stopped
from repro.lab.textures import batch, synthesis

_CHUNK = 64  # images between two looks at whether to stop


@dataclass(frozen=True)
class Recipe:
    """Which set, and how a texture is grown; the fields from `neighbours` on are those of `textures.synthesis`."""

    of: str  # the paper's name of the set
    pixels: int  # side of a texture
    side: int  # of the two patches, pixels
    seed: int
    neighbours: tuple[int, ...]
    guesses: tuple[int, ...]
    passes: tuple[int, ...]
    share: float
    blur: float
    outside: float
    evenness: float
    cell: int


def derive(recipe: Recipe, images: Images, *, context: Context) -> Images:
    """The texture of each image, in their order, with their labels and names.

    Raises `JobFailed` where the images have no names, as then no texture could be told to be that of its image.
    """
    if images.names is None:
        raise JobFailed(f"the images of {recipe.of} have no names, so their textures could not be told apart")
    made = np.empty((len(images), 3, recipe.pixels, recipe.pixels), np.uint8)
    size = {"pixels": recipe.pixels, "side": recipe.side, "seed": recipe.seed}
    for start in range(0, len(images), _CHUNK):
        if context.stopping():
            raise Stopped(f"stopped after {start} of {len(images)} textures")
        rows = slice(start, start + _CHUNK)
        made[rows] = batch.textures(images.images[rows], images.names[rows], **size, recipe=_growth(recipe), threads=1)
        context.progress(min(start + _CHUNK, len(images)), len(images), "textures")
    return replace(images, images=made)


def _growth(recipe: Recipe) -> synthesis.Recipe:
    names = ("neighbours", "guesses", "passes", "share", "blur", "outside", "evenness", "cell")
    return synthesis.Recipe(**{name: getattr(recipe, name) for name in names})
