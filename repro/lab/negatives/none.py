"""No added negatives: the plain method.

Differs: not the same as alpha = 0 in Eq. 1, which leaves exp(0) = 1 in the denominator.
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
    """Nothing to choose."""


def make(queries: Queries, recipe: Recipe, *, generator: Generator) -> list[Negative]:
    """No negatives."""
    return []


def official(query: Query, recipe: Recipe, *, random: np.random.Generator) -> list[NDArray[np.uint8]]:
    """No negatives of one image either."""
    return []
