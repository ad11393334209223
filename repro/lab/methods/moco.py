"""MoCo-v2, with non-semantic negatives: a query encoder, a slow copy of it, and a queue of its keys.

Source: He et al. 2020, Chen et al. 2020; order of operations of facebookresearch/moco@78b69ca moco/builder.py and
SongweiGe/Contrastive-Learning-with-Non-Semantic-Negatives@5fbdc4d moco/builder.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from repro.lab.batch import Batch, Setting
from repro.lab.blocks import queue
from repro.lab.blocks.momentum import check_groups, embed, embed_shuffled, follow, slow_copy
from repro.lab.losses import nce


@dataclass(frozen=True)
class Recipe:
    """What MoCo adds to a network."""

    queue: int  # k, the keys of earlier batches that serve as negatives
    momentum: float  # of the key encoder
    temperature: float
    shuffle_groups: int  # parts of a batch, each normalised by its own statistics, as one GPU each does; 1: the whole


class MoCo(nn.Module):
    """Figure 1c of He et al. 2020 with the negatives of the paper's Eq. 1."""

    views = 2
    classifier = None

    def __init__(self, encoder: nn.Module, recipe: Recipe, *, setting: Setting) -> None:
        super().__init__()
        self.recipe, self.groups = recipe, recipe.shuffle_groups
        self.encoder = encoder
        self.key_encoder = slow_copy(encoder)
        self.queue = queue.build(recipe.queue, dimensions=encoder.outputs, setting=setting)

    def forward(self, batch: Batch, *, generator: Generator) -> Tensor:
        """Loss of the first view's queries against the keys of the second, the queue and the negatives.

        The keys then join the queue. Negatives go through the key encoder, each in a forward pass of its own, and
        never join the queue.
        """
        queries = embed(self.encoder, batch.views[0], groups=self.groups)  # N x D
        with torch.no_grad():
            follow(self.key_encoder, self.encoder, momentum=self.recipe.momentum)
            keys = self._keys(batch.views[1], generator)
            negatives = [(self._keys(part.images, generator), part.alpha) for part in batch.negatives]
            earlier = self.queue.rows.clone()
            self.queue.push(keys)
        return nce.contrastive(queries, keys, queue=earlier, negatives=negatives, temperature=self.recipe.temperature)

    def _keys(self, images: Tensor, generator: Generator) -> Tensor:
        return embed_shuffled(self.key_encoder, images, groups=self.groups, generator=generator)


def build(recipe: Recipe, encoder: nn.Module, *, setting: Setting) -> MoCo:
    """MoCo around an encoder; raises `JobFailed` where queue, batch and groups do not fit each other."""
    check_groups(recipe.shuffle_groups, setting)
    return MoCo(encoder, recipe, setting=setting)
