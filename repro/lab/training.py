"""Optimiser, learning rate and the order of the images; what a step does depends on the seed and its number alone."""

from __future__ import annotations

import ctypes
import math
import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor

from repro.errors import JobFailed
from repro.lab import threads
from repro.lab.seeds import generator

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3  # of malloc.h


@dataclass(frozen=True)
class Recipe:
    """How a network is trained."""

    batch: int  # over all processes
    epochs: int
    warmup_epochs: float
    schedule: Literal["cosine per epoch", "cosine per step", "step"]  # step: as it is, but for the drops
    drops: tuple[int, ...]  # epochs after which the rate falls, for "step"
    drop_factor: float
    precision: Literal["fp32", "bf16"]
    compile: bool  # by torch.compile; changes results by rounding
    threads: int  # 0: as the machine likes; another count is like another seed


@dataclass(frozen=True)
class Schedule:
    """Which images and which learning rate each step has; incomplete batches are left out."""

    recipe: Recipe
    lr: float  # before any schedule
    images: int
    seed: int

    def __post_init__(self) -> None:
        if self.images < self.recipe.batch:
            raise JobFailed(
                f"training.batch: {self.recipe.batch} is more than the {self.images} images there are; lower it"
            )

    @property
    def epoch_steps(self) -> int:
        """Steps in an epoch."""
        return self.images // self.recipe.batch

    @property
    def steps(self) -> int:
        """Steps in all."""
        return self.epoch_steps * self.recipe.epochs

    def batch(self, step: int) -> Tensor:
        """Indices of the images of a step, (batch,)."""
        epoch, place = divmod(step, self.epoch_steps)
        return _order(self.images, self.seed, epoch=epoch)[place * self.recipe.batch : (place + 1) * self.recipe.batch]

    def learning_rate(self, step: int) -> float:
        """Linear warm-up, then half a cosine down to 0, changed with each step or each epoch; or drops at some epochs.

        Source: facebookresearch/moco@78b69ca main_moco.py adjust_learning_rate (per epoch, no warm-up).
        """
        warm = self.recipe.warmup_epochs * self.epoch_steps
        if step < warm:
            return self.lr * (step + 1) / math.ceil(warm)
        if self.recipe.schedule == "step":
            return self.lr * self.recipe.drop_factor ** sum(step // self.epoch_steps >= at for at in self.recipe.drops)
        if self.recipe.schedule == "cosine per epoch":
            done = step // self.epoch_steps / self.recipe.epochs
        else:
            done = (step - warm) / (self.steps - warm)
        return self.lr * 0.5 * (1 + math.cos(math.pi * done))


@lru_cache(maxsize=1)
def _order(images: int, seed: int, *, epoch: int) -> Tensor:
    return torch.randperm(images, generator=generator(seed, "order", step=epoch))


def precision(recipe: Recipe, device: str) -> AbstractContextManager[object]:
    """Where the forward passes run: fp32 as is, bf16 by autocast."""
    return torch.autocast(torch.device(device).type, torch.bfloat16, enabled=recipe.precision == "bf16")


def settle(recipe: Recipe) -> None:
    """Set the process up for a recipe: threads, and memory that is kept."""
    threads.limit(recipe.threads or torch.get_num_threads())
    _keep_memory()


def _keep_memory() -> None:
    """Let the C library keep freed memory for the next step; results do not change.

    glibc gives each step's activations back to the system and takes them anew, page by page: 4,300 page faults and
    10 of 58 ms in a step of the small network. Other C libraries have no such switch and are left alone.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        for switch, size in ((_MMAP_THRESHOLD, 1 << 25), (_TRIM_THRESHOLD, 1 << 30), (_TOP_PAD, 1 << 26)):
            mallopt(switch, size)
