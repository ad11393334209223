"""MoCHi, mixing of hard negatives, on MoCo-v2: the denominator has points that are harder than the queue's keys.

Source: Kalantidis et al. 2020, section 4; everything else as MoCo (`moco.py`).
Differs: no code of the authors was found. The keys that a point is mixed from are drawn evenly and independently, so
that they may be one and the same. No gradient passes the points, not even to the query that is mixed in.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from repro.errors import JobFailed
from repro.lab import processes
from repro.lab.batch import Batch, Setting
from repro.lab.blocks import queue
from repro.lab.blocks.momentum import check_groups, embed, embed_shuffled, follow, slow_copy
from repro.lab.losses import mixing, nce

_QUERY_PART = 0.5  # b is below it, so that the negative has the greater part


@dataclass(frozen=True)
class Recipe:
    """What MoCo adds to a network, and what MoCHi adds to MoCo."""

    queue: int  # k, the keys of earlier batches that serve as negatives
    momentum: float  # of the key encoder
    temperature: float
    shuffle_groups: int  # parts of a batch, each normalised by its own statistics, as one GPU each does; 1: the whole
    hardest: int  # N, the keys of the queue most similar to a query, that its points are mixed from
    between_negatives: int  # s, points between two of them, for each query
    with_query: int  # s', points between one of them and the query
    warmup_epochs: int  # before the first points


class MoCHi(nn.Module):
    """MoCo with points mixed from the hardest negatives in the denominator."""

    views = 2
    classifier = None

    def __init__(self, encoder: nn.Module, recipe: Recipe, *, setting: Setting) -> None:
        super().__init__()
        self.recipe, self.groups = recipe, recipe.shuffle_groups
        self.encoder = encoder
        self.key_encoder = slow_copy(encoder)
        self.queue = queue.build(recipe.queue, dimensions=encoder.outputs, setting=setting)
        self.batch, self.first_step = setting.batch, recipe.warmup_epochs * setting.epoch_steps

    def forward(self, batch: Batch, *, generator: Generator) -> Tensor:
        """Loss of the first view's queries against the keys of the second, queue, negatives and mixed points.

        Keys, queue and negatives are treated as MoCo does; the points are mixed from the queue as the loss sees it.
        """
        queries = embed(self.encoder, batch.views[0], groups=self.groups)  # N x D
        with torch.no_grad():
            follow(self.key_encoder, self.encoder, momentum=self.recipe.momentum)
            keys = self._keys(batch.views[1], generator)
            negatives = [(self._keys(part.images, generator), part.alpha) for part in batch.negatives]
            earlier = self.queue.rows.clone()
            self.queue.push(keys)
        similarities = nce.similarities(queries, keys, queue=earlier, negatives=negatives)
        if batch.step >= self.first_step:
            points = self._mixed(queries.detach(), similarities.detach(), earlier, generator)
            similarities = torch.cat([similarities, mixing.similarities(queries, points)], dim=1)
        return nce.nce(similarities, temperature=self.recipe.temperature)

    def _mixed(self, queries: Tensor, similarities: Tensor, earlier: Tensor, generator: Generator) -> Tensor:
        """(N, s + s', D) points of each query; the numbers are drawn for the whole step's batch."""
        s, with_query = self.recipe.between_negatives, self.recipe.with_query
        drawn = processes.share().part(
            (
                torch.randint(self.recipe.hardest, (self.batch, 2 * s + with_query), generator=generator),
                torch.rand(self.batch, s + with_query, generator=generator),
            )
        )
        picked, weights = (numbers.to(earlier.device) for numbers in drawn)
        places = mixing.hardest(similarities[:, 1 : 1 + len(earlier)], self.recipe.hardest).gather(1, picked)
        first, second, third = places.split([s, s, with_query], dim=1)
        a, b = weights[:, :s], weights[:, s:] * _QUERY_PART
        between = mixing.between(earlier, first, second, weights=a)
        return torch.cat([between, mixing.towards(queries, earlier, third, weights=b)], dim=1)

    def _keys(self, images: Tensor, generator: Generator) -> Tensor:
        return embed_shuffled(self.key_encoder, images, groups=self.groups, generator=generator)


def build(recipe: Recipe, encoder: nn.Module, *, setting: Setting) -> MoCHi:
    """MoCo with MoCHi around an encoder; raises `JobFailed` where queue, batch, groups and `hardest` do not fit."""
    check_groups(recipe.shuffle_groups, setting)
    if not 1 <= recipe.hardest <= recipe.queue:
        raise JobFailed(
            f"method.hardest: expected 1 to {recipe.queue}, as many as method.queue has, found {recipe.hardest}"
        )
    return MoCHi(encoder, recipe, setting=setting)
