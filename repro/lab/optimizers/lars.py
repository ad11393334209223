"""LARS: momentum whose step in each weight matrix is in proportion to the norm of that matrix.

Source: You et al. 2017, "Large batch training of convolutional networks", Algorithm 1; as BYOL uses it,
google-deepmind/deepmind-research@4822a45 byol/utils/optimizers.py; the clip of vturrisi/solo-learn@096530c
solo/utils/lars.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Recipe:
    """The rate is that before any schedule.

    Differs: You et al. adapt every layer and divide by |g| + decay |w|; as Grill et al. 2020 we leave parameters of one
    dimension, biases and those of normalisation, to plain momentum without decay, and divide by |g + decay w|.
    """

    lr: float
    momentum: float
    weight_decay: float  # on weight matrices
    trust: float  # the rate of a matrix w of gradient g is lr times this times |w| / |g|
    clip: bool  # it is this times |w| / |g| alone, but at most lr


class LARS(torch.optim.Optimizer):
    """The optimiser; of each parameter it keeps one tensor, `momentum_buffer`."""

    def __init__(self, parameters: Sequence[nn.Parameter], recipe: Recipe) -> None:
        super().__init__(parameters, {"lr": recipe.lr})
        self.recipe = recipe

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """v = momentum v + scaled gradient; w = w - lr v. The closure is that of torch's interface and not called."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    state: dict[str, Any] = self.state[parameter]
                    if not state:
                        state["momentum_buffer"] = torch.zeros_like(parameter)
                    scaled = adapted(parameter, parameter.grad, lr=group["lr"], recipe=self.recipe)
                    parameter.sub_(state["momentum_buffer"].mul_(self.recipe.momentum).add_(scaled), alpha=group["lr"])


def adapted(weight: Tensor, gradient: Tensor, *, lr: float, recipe: Recipe) -> Tensor:
    """What a step of size lr takes from a weight: the gradient with decay, scaled unless a norm is 0.

    A weight of one dimension gets its gradient as it is.

    >>> recipe = Recipe(lr=1.0, momentum=0.9, weight_decay=0.0, trust=0.1, clip=False)
    >>> adapted(torch.tensor([[3.0, 4.0]]), torch.tensor([[0.0, 2.0]]), lr=1.0, recipe=recipe)  # times 0.1 * 5 / 2
    tensor([[0.0000, 0.5000]])
    """
    if weight.ndim <= 1:
        return gradient
    decayed = gradient.add(weight, alpha=recipe.weight_decay)
    size, force = weight.norm(), decayed.norm()
    ratio = recipe.trust * size / force
    if recipe.clip:
        ratio = (ratio / lr).clamp(max=1.0)
    return decayed * torch.where((size > 0) & (force > 0), ratio, 1.0)


def build(parameters: Sequence[nn.Parameter], recipe: Recipe) -> torch.optim.Optimizer:
    """The optimiser over the parameters."""
    return LARS(parameters, recipe)
