"""Shapes and textures: an embedded, licence-free data set on which the paper's question can be asked.

Every class has a silhouette and a pattern of its own, perfectly correlated in training. The pattern lies on the
object and, fainter, in its surroundings. Ten classes have a silhouette no other class has; four more are breeds of
one superclass, with one silhouette in common, and differ in their pattern only (the paper's dogs).

Differs: a stand-in for ImageNet and its relatives, drawn from a seed because no data set can be fetched or shipped;
its numbers are never compared with the paper's, only claims are asked of it. Cue conflict uses the ten classes with a
silhouette of their own (Geirhos et al. 2019 use 16 categories); breeds are no part of it, and a decision for a breed
is neither shape nor texture. Unlabelled images show the labelled classes, where STL-10's also show others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from repro.lab.corruptions.sweep import every_corruption
from repro.lab.data import Images
from repro.lab.drawing import renderings
from repro.lab.drawing.patterns import PATTERNS
from repro.lab.drawing.renderings import Drawing
from repro.lab.drawing.scene import Variation
from repro.lab.drawing.silhouettes import SILHOUETTES
from repro.lab.drawing.styles import STYLES

DISTINCT = {
    "ring": "stripes",
    "star": "checks",
    "cross": "dots",
    "heart": "grid",
    "moon": "bricks",
    "arrow": "chevrons",
    "hourglass": "grain",
    "mushroom": "blobs",
    "fish": "scales",
    "bolt": "basket",
}
"""Class, which is its silhouette, to its pattern."""
PARENT = "hound"
BREEDS = {"tiger hound": "tiger", "leopard hound": "leopard", "giraffe hound": "giraffe", "flecked hound": "flecks"}
"""Breed to its pattern; all share the silhouette of their parent."""
CLASSES = (*DISTINCT, *BREEDS)

_SHAPE = np.array([list(SILHOUETTES).index(name if name in DISTINCT else PARENT) for name in CLASSES])
_TEXTURE = np.array([list(PATTERNS).index({**DISTINCT, **BREEDS}[name]) for name in CLASSES])
_CONFLICTS = np.array([(a, b) for a in range(len(DISTINCT)) for b in range(len(DISTINCT)) if a != b])
_CHUNK = 256
"""Scenes drawn from one stream: a set's first images do not depend on how many follow."""

_STREAMS = ("train", "unlabelled", "val", "sketch", "stylized", "rendition", "texture", "cue-conflict")


@dataclass(frozen=True)
class Recipe:
    """One split. Lengths are in halves of the frame, angles in degrees, luminances in 0 to 1.

    `count` is the number of images; of "corrupted", that of each corruption at each severity. `surround` in 0 to 1 is
    the strength of the object's pattern in its surroundings: the more, the more texture a learner sees. `object_size`
    to `figure` are those of `drawing.scene.Variation`; the wider `figure`, the more shape a learner sees. `line` is the
    range of the half width of drawn outlines, `shading` in 0 to 1 how dark a sketch's inside is.
    """

    split: Literal[
        "train", "unlabelled", "val", "sketch", "stylized", "rendition", "texture", "cue-conflict", "corrupted"
    ]
    count: int
    pixels: int
    seed: int
    surround: float
    object_size: tuple[float, float]
    aspect: float
    rotation: float
    shift: float
    warp: float
    texture_size: tuple[float, float]
    texture_turn: float
    contrast: tuple[float, float]
    figure: tuple[float, float]
    line: tuple[float, float]
    shading: float


def build(recipe: Recipe) -> Images:
    """Draw a split. The same recipe gives the same bytes; other splits and other seeds share no random number.

    "corrupted" is the first `count` images of "val" under every corruption at every severity.
    """
    if recipe.split == "corrupted":
        return every_corruption(build(replace(recipe, split="val")), seed=recipe.seed)
    labels, textures = _targets(recipe)
    pictures = np.concatenate(list(_chunks(recipe, labels, textures)))
    return Images(
        images=pictures,
        labels=np.full(recipe.count, -1) if recipe.split == "unlabelled" else labels,
        classes=CLASSES,
        textures=textures if recipe.split == "cue-conflict" else None,
        names=np.array([f"{recipe.split}/{index:06d}" for index in range(recipe.count)]),
        parents=tuple(0 if name in BREEDS else -1 for name in CLASSES),
        parent_names=(PARENT,),
    )


def _targets(recipe: Recipe) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Classes of the shape and of the texture, in turn, so that a set of any size is as balanced as can be."""
    turn = np.arange(recipe.count)
    if recipe.split == "cue-conflict":
        shape, texture = _CONFLICTS[turn * 37 % len(_CONFLICTS)].T
        return shape.copy(), texture.copy()
    return turn % len(CLASSES), turn % len(CLASSES)


def _chunks(recipe: Recipe, labels: NDArray[np.int64], textures: NDArray[np.int64]) -> Iterator[NDArray[np.uint8]]:
    stream = _STREAMS.index(recipe.split)
    for chunk, start in enumerate(range(0, recipe.count, _CHUNK)):
        generator = np.random.default_rng(np.random.SeedSequence(recipe.seed, spawn_key=(stream, chunk)))
        rows = np.arange(start, start + _CHUNK) % recipe.count
        drawing = _drawing(recipe, _SHAPE[labels[rows]], _TEXTURE[textures[rows]], generator=generator)
        yield drawing.images(min(_CHUNK, recipe.count - start), pixels=recipe.pixels)


def _drawing(
    recipe: Recipe, shape: NDArray[np.int64], texture: NDArray[np.int64], *, generator: np.random.Generator
) -> Drawing:
    variation = Variation(**{field.name: getattr(recipe, field.name) for field in fields(Variation)})
    match recipe.split:
        case "sketch":
            return renderings.sketched(
                shape, line=recipe.line, shading=recipe.shading, variation=variation, generator=generator
            )
        case "rendition":
            return renderings.flattened(shape, line=recipe.line, variation=variation, generator=generator)
        case "texture":
            return renderings.framed(texture, bank=renderings.class_bank(), variation=variation, generator=generator)
        case "stylized":
            bank, fill = renderings.style_bank(), generator.integers(0, len(STYLES), len(shape))
        case _:
            bank, fill = renderings.class_bank(), texture
    return renderings.filled(shape, fill, bank=bank, surround=recipe.surround, variation=variation, generator=generator)
