"""What holds of every method: a job trains it, and a loaded state goes on as if nothing had been interrupted."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from repro.lab import encoder
from repro.lab.jobs import Context, pretrain


def fallen(recipe: Any, data: Path, place: Path, *, lr: float) -> float:
    """What a job at this rate leaves of the loss that a job which hardly moves (1e-9) ends with."""
    losses = []
    for rate in (1e-9, lr):
        into = place / str(rate)
        into.mkdir()
        spec = {"recipe": {**recipe, "optimizer": {**recipe["optimizer"], "lr": rate}}, "pixels": 16}
        done = pretrain.run(spec, seed=0, inputs={"data": data}, folder=into, context=Context(device="cpu"))
        assert done.files == [encoder.FILE]
        losses.append(float(done.values["loss"]))
    return losses[1] / losses[0]


def goes_on_to_the_bit(
    whole: nn.Module,
    fresh: nn.Module,
    optimized: Callable[[nn.Module], Optimizer],
    stepped: Callable[[Any, Optimizer, int], Tensor],
) -> None:
    """`fresh` takes over the state of `whole` after two steps, and both take a third."""
    optimizer, other = optimized(whole), optimized(fresh)
    for step in range(2):
        stepped(whole, optimizer, step)
    fresh.load_state_dict(copy.deepcopy(whole.state_dict()))
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    assert torch.equal(stepped(whole, optimizer, 2), stepped(fresh, other, 2))
    for left, right in zip(whole.state_dict().values(), fresh.state_dict().values(), strict=True):
        assert torch.equal(left, right)
