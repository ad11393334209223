"""IFM, implicit feature modification, on MoCo-v2: the loss is taken at harder similarities too.

Source: Robinson et al. 2021; order of operations of joshr17/IFM@bcec4c3 moco-master/moco/adv_builder.py, which is that
of MoCo.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from repro.lab.batch import Batch, Setting
from repro.lab.blocks import queue
from repro.lab.blocks.momentum import check_groups, embed, embed_shuffled, follow, slow_copy
from repro.lab.losses import nce, perturbed


@dataclass(frozen=True)
class Recipe:
    """What MoCo adds to a network, and what IFM adds to MoCo."""

    queue: int  # k, the keys of earlier batches that serve as negatives
    momentum: float  # of the key encoder
    temperature: float
    shuffle_groups: int  # parts of a batch, each normalised by its own statistics, as one GPU each does; 1: the whole
    epsilon: float  # by how much each similarity is made worse
    weight: float  # of the loss at the worse similarities; that at the plain ones has 1


class IFM(nn.Module):
    """MoCo with the loss of `perturbed.contrastive`."""

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

        Keys, queue and negatives are treated as MoCo does.
        """
        recipe = self.recipe
        queries = embed(self.encoder, batch.views[0], groups=self.groups)  # N x D
        with torch.no_grad():
            follow(self.key_encoder, self.encoder, momentum=recipe.momentum)
            keys = self._keys(batch.views[1], generator)
            negatives = [(self._keys(part.images, generator), part.alpha) for part in batch.negatives]
            earlier = self.queue.rows.clone()
            self.queue.push(keys)
        similarities = nce.similarities(queries, keys, queue=earlier, negatives=negatives)
        return perturbed.contrastive(
            similarities, epsilon=recipe.epsilon, weight=recipe.weight, temperature=recipe.temperature
        )

    def _keys(self, images: Tensor, generator: Generator) -> Tensor:
        return embed_shuffled(self.key_encoder, images, groups=self.groups, generator=generator)


def build(recipe: Recipe, encoder: nn.Module, *, setting: Setting) -> IFM:
    """MoCo with IFM around an encoder; raises `JobFailed` where queue, batch and groups do not fit each other."""
    check_groups(recipe.shuffle_groups, setting)
    return IFM(encoder, recipe, setting=setting)
