"""Several processes that train one network together, each on its rows of every batch; one process is the plain case.

What is gathered is in the order of the processes, so row i of a gathered batch is image i of the step. Each process
takes the mean of the loss over its own rows; the mean of their gradients is then that of the whole batch.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from repro.errors import JobFailed

T = TypeVar("T")


@dataclass(frozen=True)
class Share:
    """Which rows of a batch are this process's: the `rank`-th of `size` equal parts."""

    rank: int
    size: int

    def rows(self, count: int) -> slice:
        """The rows out of `count`.

        >>> Share(rank=1, size=2).rows(8)
        slice(4, 8, None)
        """
        return slice(self.rank * count // self.size, (self.rank + 1) * count // self.size)

    def part(self, whole: T) -> T:
        """This process's rows of a tensor, of each tensor in a tuple or a dataclass; else the value itself."""
        if self.size == 1:
            return whole
        if isinstance(whole, Tensor):
            return whole[self.rows(len(whole))]
        if dataclasses.is_dataclass(whole):
            names = [field.name for field in dataclasses.fields(whole)]
            parts: Any = {name: self.part(getattr(whole, name)) for name in names}
            return dataclasses.replace(whole, **parts)  # type: ignore[type-var]
        if isinstance(whole, tuple):
            return tuple(self.part(one) for one in whole)  # type: ignore[return-value]
        return whole


ALONE = Share(rank=0, size=1)


def share() -> Share:
    """This process's share of every batch."""
    return Share(dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else ALONE


def gather(part: Tensor) -> Tensor:
    """Rows of all processes, (N, ...) to (size N, ...); gradients go back to the process that a row came from."""
    return part if share().size == 1 else _Gather.apply(part)  # type: ignore[no-any-return]


class _Gather(torch.autograd.Function):
    """all_gather whose gradient is the sum of what every process wants of a row."""

    @staticmethod
    def forward(ctx: Any, part: Tensor) -> Tensor:
        parts = [torch.empty_like(part) for _ in range(share().size)]
        dist.all_gather(parts, part.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].contiguous().clone()
        dist.all_reduce(total)
        return share().part(total)


def average(value: Tensor) -> Tensor:
    """The mean of a value over all processes."""
    size = share().size
    if size > 1:
        value = value.clone()
        dist.all_reduce(value)
        value /= size
    return value


def average_gradients(network: nn.Module) -> None:
    """Give every parameter the mean of its gradients over all processes; one message for all of them."""
    size = share().size
    gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
    if size == 1 or not gradients:
        return
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    for gradient, mean in zip(gradients, flat.split([part.numel() for part in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient) / size)


def agreed(wish: bool) -> bool:
    """Whether any process wishes it, so that all stop at the same step."""
    if share().size == 1:
        return wish
    wishes: list[Any] = [None] * share().size
    dist.all_gather_object(wishes, wish)
    return any(wishes)


def check(*, batch: int, groups: int) -> None:
    """Raises `JobFailed` where a batch or its groups cannot be shared out among the processes."""
    size = share().size
    if batch % size:
        raise JobFailed(f"training.batch: a batch of {batch} cannot be cut into {size} equal parts, one a process")
    if groups > 1 and groups % size:
        raise JobFailed(
            f"method.shuffle_groups: {groups} groups cannot be shared out evenly among {size} processes; start as many "
            "processes as divide it"
        )
