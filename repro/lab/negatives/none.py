"""No added negatives: the plain method.

Differs: not the same as alpha = 0 in Eq. 1, which leaves exp(0) = 1 in the denominator.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Generator

from repro.lab.batch import Negative, Queries


@dataclass(frozen=True)
class Recipe:
    """Nothing to choose."""


def make(queries: Queries, recipe: Recipe, *, generator: Generator) -> list[Negative]:
    """No negatives."""
    return []
