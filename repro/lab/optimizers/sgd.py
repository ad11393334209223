"""Stochastic gradient descent with momentum, as torch has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class Recipe:
    """The rate is that before any schedule."""

    lr: float
    momentum: float
    weight_decay: float  # on all parameters, those of batch normalisation included


def build(parameters: Sequence[nn.Parameter], recipe: Recipe) -> torch.optim.Optimizer:
    """The optimiser over the parameters."""
    return torch.optim.SGD(parameters, lr=recipe.lr, momentum=recipe.momentum, weight_decay=recipe.weight_decay)
