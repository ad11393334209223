"""Several processes that train one network together, each on its rows of every batch; one process is the plain case.

What is gathered is in the order of the processes, so row i of a gathered batch is image i of the step. Each process
takes the mean of the loss over its own rows; the mean of their gradients is then that of the whole batch. Every process
sends the same messages in the same order: what decides whether one is sent must be the same in all of them.

Source: pytorch/pytorch@v2.4.0 torch/distributed/run.py for the environment that torchrun leaves.
"""

from __future__ import annotations

import dataclasses
import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from repro.errors import JobFailed

T = TypeVar("T")

_PATIENCE = timedelta(minutes=10)  # with a process that does not come or does not answer
_NUMBERS = ("WORLD_SIZE", "RANK", "LOCAL_RANK", "MASTER_PORT")  # of torchrun's environment
_JOINED = itertools.count()  # how often this process joined others; it meets them at another place each time


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
        """This process's rows of a tensor, and of each tensor in a tuple or a dataclass; of others the value itself."""
        if self.size == 1:
            return whole
        if isinstance(whole, Tensor):
            return whole[self.rows(len(whole))]
        if dataclasses.is_dataclass(whole):
            names = [field.name for field in dataclasses.fields(whole)]
            parts: Any = {name: self.part(getattr(whole, name)) for name in names}
            return dataclasses.replace(whole, **parts)  # type: ignore[type-var]
        if isinstance(whole, tuple):
            inner = (self.part(one) for one in whole)
            return type(whole)(*inner) if hasattr(whole, "_fields") else tuple(inner)  # type: ignore[return-value]
        return whole


ALONE = Share(rank=0, size=1)


def share() -> Share:
    """This process's share of every batch."""
    return Share(dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else ALONE


@contextmanager
def joined(device: str) -> Iterator[None]:
    """Be one of the processes that torchrun started, and leave them at the end, whatever the end.

    Without torchrun's environment, alone in it, or joined already, nothing is done. On `cuda` the process takes the
    card of its `LOCAL_RANK`; messages between cards go by nccl, those between processors by gloo.

    What a launcher does: it starts the processes with torchrun or with the same variables, gives every one of them the
    same job and the same folder, one that all of them see, and writes the record of the first (`RANK` 0) alone. It ends
    the others where one dies: on processors the others fail at once, on cards they may wait.

    Raises `JobFailed` where the environment does not say what is needed, there are more processes than cards, the
    others do not come, or one of them is lost.
    """
    rank, size = (0, 1) if dist.is_initialized() else _place()
    if size == 1:
        yield
        return
    if device == "cuda":
        _take_card()
    try:
        store = dist.PrefixStore(f"join {next(_JOINED)}", _meeting(rank, size))
        backend = "cpu:gloo,cuda:nccl" if device == "cuda" else "gloo"
        dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=_PATIENCE)
    except RuntimeError as fault:
        where = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
        reason = str(fault).splitlines()[0]
        raise JobFailed(f"process {rank} of {size} found no way to the others at {where} ({reason})") from fault
    try:
        yield
    except RuntimeError as fault:
        if not (isinstance(fault, dist.DistError) or "gloo" in str(fault)):
            raise
        minutes = _PATIENCE.total_seconds() / 60
        raise JobFailed(
            f"process {rank} of {size} lost another one, or waited {minutes:.0f} minutes for it; the log of that one "
            "says why"
        ) from fault
    finally:
        dist.destroy_process_group()


def _place() -> tuple[int, int]:
    """Rank and size as the environment has them; 0 and 1 without one."""
    if (os.environ.get("WORLD_SIZE") or "1") == "1":
        return 0, 1
    found = {name: os.environ.get(name, "") for name in _NUMBERS}
    odd = [name for name, value in found.items() if not value.isdigit()]
    odd += [] if os.environ.get("MASTER_ADDR") else ["MASTER_ADDR"]
    if odd:
        raise JobFailed(
            f"WORLD_SIZE is {found['WORLD_SIZE']}, so this is to be one of several processes, but these are not set as "
            f"torchrun sets them: {', '.join(odd)}; start the processes with torchrun, or unset WORLD_SIZE"
        )
    return int(found["RANK"]), int(found["WORLD_SIZE"])


def _take_card() -> None:
    local, cards = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
    if local >= cards:
        raise JobFailed(
            f"process {local} of this machine, counted from 0, has no graphics card of its own: there are {cards}; "
            "start as many processes as there are cards, or choose --device cpu"
        )
    torch.cuda.set_device(local)


@lru_cache(maxsize=1)
def _meeting(rank: int, size: int) -> dist.Store:
    """Where the processes find each other; kept, as the first process holds it for the others."""
    store, _, _ = next(iter(dist.rendezvous("env://", rank, size, timeout=_PATIENCE)))
    return store


def gather(part: Tensor) -> Tensor:
    """Rows of all processes, (N, ...) to (size N, ...); gradients go back to the process that a row came from."""
    return part if share().size == 1 else _Gather.apply(part)  # type: ignore[no-any-return]


class _Gather(torch.autograd.Function):
    """all_gather whose gradient is the sum of what every process wants of a row."""

    @staticmethod
    def forward(ctx: Any, part: Tensor) -> Tensor:
        part = part.contiguous()
        parts = [torch.empty_like(part) for _ in range(share().size)]
        dist.all_gather(parts, part)
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone(memory_format=torch.contiguous_format)
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
    """Give every parameter the mean of its gradients over all processes; one message for all of them.

    A process without a gradient where another has one counts as one of 0; a parameter without any stays without.
    """
    size = share().size
    if size == 1:
        return
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    given = agreed(*(parameter.grad is not None for parameter in trained))
    moved = [parameter for parameter, is_given in zip(trained, given, strict=True) if is_given]
    if not moved:
        return
    gradients = [torch.zeros_like(parameter) if parameter.grad is None else parameter.grad for parameter in moved]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    means = flat.div_(size).split([gradient.numel() for gradient in gradients])
    for parameter, gradient, mean in zip(moved, gradients, means, strict=True):
        parameter.grad = gradient.copy_(mean.view_as(gradient))


def agreed(*wishes: bool) -> tuple[bool, ...]:
    """Of each wish whether any process has it, so that all do the same at the same step; waits for all of them."""
    if share().size == 1:
        return wishes
    said = torch.tensor(wishes, dtype=torch.int32)  # on the processor: no look at it waits for a card
    dist.all_reduce(said, dist.ReduceOp.MAX)
    return tuple(bool(one) for one in said.tolist())


def span(value: int) -> tuple[int, int]:
    """The smallest and the largest of a whole number over all processes."""
    if share().size == 1:
        return value, value
    ends = torch.tensor([-value, value])
    dist.all_reduce(ends, dist.ReduceOp.MAX)
    return -int(ends[0]), int(ends[1])


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
