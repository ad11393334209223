"""Texture-based negatives: a texture synthesised from two patches of the image, augmented as the query is.

Source: paper, section 2.2; SongweiGe/Contrastive-Learning-with-Non-Semantic-Negatives@5fbdc4d moco/loader.py
DuoImageNetFolder, where the texture passes through the same augmentation with the same seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Generator

from repro.lab.batch import Negative, Queries

if TYPE_CHECKING:
    from repro.lab.loading.official import Query


@dataclass(frozen=True)
class Recipe:
    """Which textures, and how much they weigh."""

    alpha: float  # weight of the similarity in Eq. 1
    images: str  # the paper's name of the set of textures, one for each image that is learned from


def make(queries: Queries, recipe: Recipe, *, generator: Generator) -> list[Negative]:
    """One negative for each query, (N, C, H, W)."""
    return [Negative(queries.textures(), recipe.alpha)]


def official(query: Query, recipe: Recipe, *, random: np.random.Generator) -> list[NDArray[np.uint8]]:
    """One negative of one image, (3, P, P)."""
    return [query.texture()]
