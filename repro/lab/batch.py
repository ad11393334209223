"""What a method is told once, before it trains, and what it is given at each step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from repro.lab.processes import Share


@dataclass(frozen=True)
class Setting:
    """The run that a method is part of."""

    batch: int  # images in a step, over all processes
    images: int  # in the data set, as many rows as a memory bank has
    classes: int  # of the data set
    epoch_steps: int
    steps: int  # in all
    seed: int


class Negative(NamedTuple):
    """A batch of non-semantic negatives, one for each query, and their weight in the loss."""

    images: Tensor  # N x C x H x W, normalised as the queries are
    alpha: float


@dataclass(frozen=True)
class Batch:
    """One step as this process sees it: N of the step's images, the same on no two processes."""

    views: tuple[Tensor, ...]  # as many as the method asks for, N x C x H x W each, normalised
    negatives: tuple[Negative, ...]  # made from the first view's images
    places: Tensor  # int64 (N,), where in the data set each image is
    labels: Tensor  # int64 (N,), -1 where unlabelled
    step: int  # from 0


@dataclass(frozen=True)
class Queries:
    """What negatives are made from: the first view of this process's images, and other ways to see the same images."""

    views: Tensor  # N x C x H x W, normalised
    plain: Callable[[], Tensor]  # without augmentation, normalised
    textures: Callable[[], Tensor]  # the texture of each image, through the very augmentation of the first view
    share: Share
