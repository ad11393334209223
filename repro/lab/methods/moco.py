"""MoCo-v2, with non-semantic negatives: a query encoder, a slow copy of it, and a queue of its keys.

Source: He et al. 2020, Chen et al. 2020; order of operations of facebookresearch/moco@78b69ca moco/builder.py and
SongweiGe/Contrastive-Learning-with-Non-Semantic-Negatives@5fbdc4d moco/builder.py.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from repro.errors import JobFailed
from repro.lab import losses
from repro.lab.negative import Negative
from repro.lab.seeds import generator as seeded


@dataclass(frozen=True)
class Recipe:
    """What MoCo adds to a network."""

    queue: int  # k, the keys of earlier batches that serve as negatives
    momentum: float  # of the key encoder
    temperature: float
    shuffle_groups: int  # parts of a batch, each normalised by its own statistics, as one GPU each does; 1: the whole


class MoCo(nn.Module):
    """Figure 1c of He et al. 2020 with the negatives of the paper's Eq. 1."""

    queue: Tensor
    place: Tensor

    def __init__(self, encoder: nn.Module, recipe: Recipe, *, seed: int) -> None:
        super().__init__()
        self.recipe = recipe
        self.encoder = encoder
        self.key_encoder = copy.deepcopy(encoder).requires_grad_(False)
        rows = torch.randn(recipe.queue, encoder.outputs, generator=seeded(seed, "queue"))
        self.register_buffer("queue", F.normalize(rows, dim=1))  # K x D
        self.register_buffer("place", torch.zeros((), dtype=torch.int64))  # where the next keys go

    def forward(self, first: Tensor, second: Tensor, *, negatives: Sequence[Negative], generator: Generator) -> Tensor:
        """Loss of the queries `first` against the keys of `second`, the queue and the negatives; then the keys join it.

        Negatives go through the key encoder, each in a forward pass of its own, and never join the queue.
        """
        queries = self._project(self.encoder, first)  # N x D
        with torch.no_grad():
            self._follow()
            keys = self._project_shuffled(second, generator=generator)
            others = [(self._project_shuffled(part.images, generator=generator), part.alpha) for part in negatives]
            queue = self.queue.clone()  # what the gradient refers to must not change
            self._enqueue(keys)
        return losses.contrastive(queries, keys, queue=queue, negatives=others, temperature=self.recipe.temperature)

    def _project(self, encoder: nn.Module, images: Tensor) -> Tensor:
        parts = [encoder(part) for part in images.chunk(self.recipe.shuffle_groups)]
        return F.normalize(torch.cat(parts).float(), dim=1)

    def _project_shuffled(self, images: Tensor, *, generator: Generator) -> Tensor:
        """Keys whose batch statistics come from other companions than the queries' ("shuffling BN").

        Differs: official processes run side by side and keep the running statistics of the first; here the groups
        run one after the other and all of them enter. They are not used in training.
        """
        if self.recipe.shuffle_groups == 1:
            return self._project(self.key_encoder, images)
        order = torch.randperm(len(images), generator=generator).to(images.device)
        return self._project(self.key_encoder, images[order])[order.argsort()]

    def _follow(self) -> None:
        """key = momentum * key + (1 - momentum) * query, for each parameter."""
        momentum = self.recipe.momentum
        for key, query in zip(self.key_encoder.parameters(), self.encoder.parameters(), strict=True):
            key.mul_(momentum).add_(query, alpha=1 - momentum)

    def _enqueue(self, keys: Tensor) -> None:
        """Overwrite the oldest keys; a batch never wraps around, `build` sees to it."""
        start = int(self.place)
        self.queue[start : start + len(keys)] = keys
        self.place.fill_((start + len(keys)) % len(self.queue))


def build(recipe: Recipe, encoder: nn.Module, *, batch: int, seed: int) -> MoCo:
    """MoCo around an encoder; raises `JobFailed` where queue, batch and groups do not fit each other."""
    if recipe.queue % batch:
        below = recipe.queue // batch * batch
        nearest = below if below and recipe.queue - below <= batch // 2 else below + batch
        raise JobFailed(
            f"method.queue: {recipe.queue} is not a multiple of the batch of {batch}, so the last keys would not fit; "
            f"the nearest that is one is {nearest}"
        )
    if batch % recipe.shuffle_groups:
        raise JobFailed(
            f"method.shuffle_groups: a batch of {batch} cannot be cut into {recipe.shuffle_groups} equal groups"
        )
    return MoCo(encoder, recipe, seed=seed)
