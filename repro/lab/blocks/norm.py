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


def synchronise(network: T, *, device: str) -> T:
    """The same network with every batch normalisation over all processes; names and values of its state stay."""
    if processes.share().size == 1:
        return network
    if device == "cuda":
        return nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-any-return]
    shared: dict[nn.Module, SharedNorm] = {}  # one may be part of several modules
    for above in list(network.modules()):
        for name, module in list(above.named_children()):
            if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
                shared.setdefault(module, SharedNorm(module))
                setattr(above, name, shared[module])
    return network


class SharedNorm(nn.Module):
    """What a batch normalisation does on the rows of all processes together, as many in each."""

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(self, norm: nn.BatchNorm1d | nn.BatchNorm2d) -> None:
        super().__init__()
        assert norm.momentum is not None
        assert norm.track_running_stats
        self.eps, self.momentum = norm.eps, norm.momentum
        self.weight, self.bias = norm.weight, norm.bias  # None where it has none
        for name, buffer in norm.named_buffers():
            self.register_buffer(name, buffer)
        self.train(norm.training)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C) or (N, C, H, W), normalised channel by channel; statistics in float32 at least."""
        if not self.training:
            return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        dims = [dim for dim in range(x.ndim) if dim != 1]
        shape = [-1 if dim == 1 else 1 for dim in range(x.ndim)]
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        count = x.numel() // x.shape[1] * processes.share().size
        mean = _Sum.apply(wide.sum(dims)) / count
        centred = wide - mean.view(shape)
        variance = _Sum.apply(centred.square().sum(dims)) / count
        with torch.no_grad():
            self.running_mean.lerp_(mean.to(self.running_mean.dtype), self.momentum)
            unbiased = variance * (count / (count - 1))
            self.running_var.lerp_(unbiased.to(self.running_var.dtype), self.momentum)
            self.num_batches_tracked += 1
        scale = (variance + self.eps).rsqrt()
        if self.weight is None:
            return (centred * scale.view(shape)).to(x.dtype)
        return (centred * (self.weight * scale).view(shape) + self.bias.view(shape)).to(x.dtype)


class _Sum(torch.autograd.Function):
    """The sum over all processes, and of what all of them want of it."""

    @staticmethod
    def forward(ctx: Any, part: Tensor) -> Tensor:
        total = part.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone(memory_format=torch.contiguous_format)  # it may be one value expanded
        dist.all_reduce(total)
        return total
