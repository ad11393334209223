"""What a query is compared with besides its positive: its patch-based negative, and its texture-based one.

Offers what a member of `repro.lab.negatives` does, so that pairs reach the network on the very path of training.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Generator

from repro.lab.batch import Negative, Queries
from repro.lab.negatives import patch

if TYPE_CHECKING:
    from repro.lab.loading.official import Query


@dataclass(frozen=True)
class Recipe:
    """Which of the two."""

    alpha: float  # a weight in the loss, of which there is none here
    patch: patch.Recipe | None
    is_textured: bool


def make(queries: Queries, recipe: Recipe, *, generator: Generator) -> list[Negative]:
    """Of each query the patch-based negative, then the texture-based one; those that are asked for."""
    found = [] if recipe.patch is None else patch.make(queries, recipe.patch, generator=generator)
    return [*found, Negative(queries.textures(), recipe.alpha)] if recipe.is_textured else found


def official(query: Query, recipe: Recipe, *, random: np.random.Generator) -> list[NDArray[np.uint8]]:
    """The same of one image, (3, P, P) each."""
    found = [] if recipe.patch is None else patch.official(query, recipe.patch, random=random)
    return [*found, query.texture()] if recipe.is_textured else found
