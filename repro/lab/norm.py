"""Batch normalisation whose statistics are those of the step's whole batch, over all processes.

Differs: torch's own SyncBatchNorm does the same on graphics cards, and is taken there; it refuses a CPU.
"""

from __future__ import annotations

from typing import Any, TypeVar

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn

from repro.lab import processes

T = TypeVar("T", bound=nn.Module)


def synchronise(network: T) -> T:
    """The same network with every batch normalisation over all processes; names and values of its state stay."""
    if processes.share().size == 1:
        return network
    if dist.get_backend() == "nccl":
        return nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-any-return]
    for name, module in list(network.named_modules()):
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            above, _, last = name.rpartition(".")
            setattr(network.get_submodule(above), last, SharedNorm(module))
    return network


class SharedNorm(nn.Module):
    """What a batch normalisation does on the rows of all processes together."""

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(self, norm: nn.BatchNorm1d | nn.BatchNorm2d) -> None:
        super().__init__()
        assert norm.momentum is not None
        self.eps, self.momentum = norm.eps, norm.momentum
        self.weight, self.bias = norm.weight, norm.bias
        for name, buffer in norm.named_buffers():
            self.register_buffer(name, buffer)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C) or (N, C, H, W), normalised channel by channel."""
        if not self.training:
            return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        dims = [dim for dim in range(x.ndim) if dim != 1]
        shape = [-1 if dim == 1 else 1 for dim in range(x.ndim)]
        count = x.numel() // x.shape[1] * processes.share().size
        mean = _Sum.apply(x.sum(dims)) / count
        centred = x - mean.view(shape)
        variance = _Sum.apply(centred.square().sum(dims)) / count
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * count / (count - 1), self.momentum)
            self.num_batches_tracked += 1
        scale = self.weight * (variance + self.eps).rsqrt()
        return centred * scale.view(shape) + self.bias.view(shape)


class _Sum(torch.autograd.Function):
    """The sum over all processes, and of what all of them want of it."""

    @staticmethod
    def forward(ctx: Any, part: Tensor) -> Tensor:
        total = part.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone()
        dist.all_reduce(total)
        return total
