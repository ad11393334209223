"""Adam, with the penalty on the weights inside the gradient, as torch has it.

Source: Kingma and Ba 2015, Algorithm 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class Recipe:
    """The rate is that before any schedule."""

    lr: float
    momentum: float  # beta 1
    second_momentum: float  # beta 2
    weight_decay: float  # on all parameters


def build(parameters: Sequence[nn.Parameter], recipe: Recipe) -> torch.optim.Optimizer:
    """The optimiser over the parameters."""
    betas = (recipe.momentum, recipe.second_momentum)
    return torch.optim.Adam(parameters, lr=recipe.lr, betas=betas, weight_decay=recipe.weight_decay)
