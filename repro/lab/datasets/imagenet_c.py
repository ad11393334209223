"""ImageNet-C: the validation images of ImageNet under each corruption at five severities, as published.

Source: Hendrycks and Dietterich 2019; Zenodo record 2235448, <corruption>/<severity>/<WordNet id>/<file>. The files
are 224 x 224 already, and hendrycks/robustness@e0377d4 ImageNet-C/test.py cuts nothing but the middle out of them:
`resize` 0. AugMix (google-research/augmix imagenet.py) and the only test transform in the code of the paper bring
them to 256 and cut again: `resize` 256. The paper does not say which it did.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from repro.lab.data import Files, Images
from repro.lab.datasets.imagenet import listing, superclass
from repro.lab.jobs import Context
from repro.reference import conditions, trees, wnids


@dataclass(frozen=True)
class Recipe:
    """Some classes under the 15 standard corruptions, or all 19."""

    place: str  # the owner's folder; the same tree elsewhere is the same set
    classes: Literal["imagenet-1k", "imagenet-100"]  # list of WordNet ids
    corruptions: Literal[15, 19]  # how many; 19: with the four of extra.tar
    published: int  # images that each corruption is said to have at each severity; 0: nobody says
    resize: int  # pixels of the shorter side before the middle is cut out; 0: not resized
    pixels: int  # side of the cut


def find(recipe: Recipe, *, context: Context) -> Images:
    """List the images, corruption after corruption, severity after severity, class after class; `names` are None.

    Notes conditions whose number of images is not the published one. Raises `DataMissing` where a class has no folder
    or no image in one of them.
    """
    spec = {"classes": recipe.classes, "corruptions": recipe.corruptions}
    place = trees.layout(Path(recipe.place).expanduser(), spec)
    paths, sizes, counts = listing(place, context=context)
    classes, seen = wnids(recipe.classes), conditions(recipe.corruptions)
    per_condition = counts.reshape(len(seen), len(classes)).sum(1)
    _note(per_condition, seen, recipe.published, context)
    parents, parent_names = superclass(classes)
    return Images(
        images=Files(place.root, paths, sizes, resize=recipe.resize, pixels=recipe.pixels),
        labels=np.repeat(np.tile(np.arange(len(classes)), len(seen)), counts),
        classes=classes,
        condition=np.repeat(np.arange(len(seen)), per_condition),
        conditions=seen,
        parents=parents,
        parent_names=parent_names,
    )


def _note(counts: NDArray[np.int64], seen: tuple[str, ...], published: int, context: Context) -> None:
    odd = np.flatnonzero(counts != published) if published else []
    if len(odd):
        first = f"{seen[odd[0]]} has {counts[odd[0]]:,}"
        context.note(f"{len(odd)} of {len(seen)} conditions have not the {published:,} images published: {first}")
