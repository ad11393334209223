"""No added negatives: the plain method.

Differs: not the same as alpha = 0 in Eq. 1, which leaves exp(0) = 1 in the denominator.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Generator, Tensor

from repro.lab.negative import Negative


@dataclass(frozen=True)
class Recipe:
    """Nothing to choose."""


def make(queries: Tensor, recipe: Recipe, *, plain: Callable[[], Tensor], generator: Generator) -> list[Negative]:
    """No negatives."""
    return []
