"""FNC with a memory: MoCo's slow copy and queue, where keys that look like an image's own views are no negatives.

Source: Huynh et al. 2022; google-research/fnc@adf5da5 objective.py add_contrastive_loss_with_memory and model.py.
Differs: the memory begins with random keys, as MoCo's, not with zeros; the slow copy begins equal to the encoder; where
the memory holds no whole number of batches, other views of the oldest batch are left in it. As MoCo here, each view has
batch statistics of its own, and the loss is the mean over the views; the released code normalises all views together
and takes twice the mean. Non-semantic negatives are ours: each view meets those of its image, and they are never
candidates for cancellation, nor in the memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor, nn

from repro.errors import JobFailed
from repro.lab import processes
from repro.lab.batch import Batch, Setting
from repro.lab.blocks import queue
from repro.lab.blocks.momentum import embed, follow, slow_copy
from repro.lab.losses import false_negatives


@dataclass(frozen=True)
class Recipe:
    """What FNC with a memory adds to a network."""

    queue: int  # the keys in the memory, those of the batch's own views included
    momentum: float  # of the key encoder
    temperature: float
    support_size: int  # views of each image beyond the two
    topk: int  # the most false negatives an image can have
    threshold: float  # cosine; a false negative is nearer than this to a key of one of the image's views
    strategy: Literal["eliminate", "attract"]  # false negatives are left out, or are positives


class FNCQueue(nn.Module):
    """An encoder whose views are anchors, and a slow copy of it whose embeddings of all views are keys."""

    groups = 1
    classifier = None

    def __init__(self, encoder: nn.Module, recipe: Recipe, *, setting: Setting) -> None:
        super().__init__()
        self.recipe, self.views = recipe, 2 + recipe.support_size
        self.encoder = encoder
        self.key_encoder = slow_copy(encoder)
        self.queue = queue.build(recipe.queue, dimensions=encoder.outputs, setting=setting)
        self.batch = setting.batch

    def forward(self, batch: Batch, *, generator: Generator) -> Tensor:
        """Mean loss of each view against the keys in the queue, which the keys of all views have joined before."""
        recipe = self.recipe
        anchors = self._embedded(self.encoder, batch.views)  # V x N x D
        with torch.no_grad():
            follow(self.key_encoder, self.encoder, momentum=recipe.momentum)
            keys = self._embedded(self.key_encoder, batch.views)
            negatives = [(embed(self.key_encoder, part.images, groups=1), part.alpha) for part in batch.negatives]
            own = torch.stack([self._stored(view) for view in keys], dim=1)  # N x V, places in the queue
            candidates = self.queue.rows.clone()
            scores = false_negatives.scores(keys, candidates)
            false = false_negatives.detect(scores, own=own, topk=recipe.topk, threshold=recipe.threshold)
        found = {"own": own, "false": false, "negatives": negatives}
        loss = false_negatives.STRATEGIES[recipe.strategy]
        return loss(anchors, candidates, **found, temperature=recipe.temperature).mean()

    def _embedded(self, encoder: nn.Module, views: Sequence[Tensor]) -> Tensor:
        return torch.stack([embed(encoder, view, groups=1) for view in views])

    def _stored(self, keys: Tensor) -> Tensor:
        """Put the keys of one view of all processes in the queue; returns the places of this process's."""
        start = int(self.queue.place)
        self.queue.push(keys)
        return start + processes.share().part(torch.arange(self.batch)).to(keys.device)


def build(recipe: Recipe, encoder: nn.Module, *, setting: Setting) -> FNCQueue:
    """FNC around an encoder; raises `JobFailed` where the queue does not fit the batch or cannot hold all its views."""
    false_negatives.check(support_size=recipe.support_size, topk=recipe.topk)
    views = 2 + recipe.support_size
    if recipe.queue < views * setting.batch:
        raise JobFailed(
            f"method.queue: {recipe.queue} keys cannot hold the {views} views of each of {setting.batch} images; "
            f"the least that does is {views * setting.batch}"
        )
    return FNCQueue(encoder, recipe, setting=setting)
