"""InfoMin as PyContrast trains it: MoCo with stronger views, and a jigsaw of each image against the same keys.

Source: Tian et al. 2020; HobbitLong/PyContrast@d72bb9a pycontrast/learning/contrast_trainer.py `_train_moco`,
memory/mem_moco.py RGBMoCo. The source moves the key encoder after the step and this one before its keys: the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from repro.errors import JobFailed
from repro.lab import processes
from repro.lab.batch import Batch, Setting
from repro.lab.blocks import jigsaw, queue
from repro.lab.blocks.momentum import check_groups, embed, embed_shuffled, follow, slow_copy
from repro.lab.losses import nce
from repro.lab.seeds import derive


@dataclass(frozen=True)
class Recipe:
    """MoCo's, and what the jigsaw adds."""

    queue: int  # the keys of earlier batches that serve as negatives
    momentum: float  # of the key encoder
    temperature: float
    shuffle_groups: int  # parts of a batch, each normalised by its own statistics, as one GPU each does; 1: the whole
    jigsaw_weight: float  # of the jigsaw's loss; that of the views has the rest to one
    jigsaw_grid: int  # cells along a side
    jigsaw_piece: int  # side of the square cut out of each cell, pixels


class InfoMin(nn.Module):
    """MoCo with a second query for each image, made of the pieces of its third view."""

    views = 3
    classifier = None

    def __init__(self, encoder: nn.Module, recipe: Recipe, *, setting: Setting) -> None:
        super().__init__()
        self.recipe, self.groups = recipe, recipe.shuffle_groups
        self.encoder = encoder
        self.key_encoder = slow_copy(encoder)
        self.queue = queue.build(recipe.queue, dimensions=encoder.outputs, setting=setting)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive(setting.seed, "jigsaw"))
            cells = recipe.jigsaw_grid**2
            self.jigsaw_head = jigsaw.Head(encoder.feature_size, outputs=encoder.outputs, cells=cells)

    def forward(self, batch: Batch, *, generator: Generator) -> Tensor:
        """Loss of the first view's queries and of the jigsaw's against the keys of the second and the queue."""
        queries = embed(self.encoder, batch.views[0], groups=self.groups)  # N x D
        with torch.no_grad():
            follow(self.key_encoder, self.encoder, momentum=self.recipe.momentum)
            keys = self._keys(batch.views[1], generator)
            negatives = [(self._keys(part.images, generator), part.alpha) for part in batch.negatives]
            earlier = self.queue.rows.clone()
            self.queue.push(keys)
        against = {"queue": earlier, "negatives": negatives, "temperature": self.recipe.temperature}
        of_views = nce.contrastive(queries, keys, **against)
        of_jigsaw = nce.contrastive(self._jigsaw(batch.views[2], generator), keys, **against)
        return (1 - self.recipe.jigsaw_weight) * of_views + self.recipe.jigsaw_weight * of_jigsaw

    def _keys(self, images: Tensor, generator: Generator) -> Tensor:
        return embed_shuffled(self.key_encoder, images, groups=self.groups, generator=generator)

    def _jigsaw(self, images: Tensor, generator: Generator) -> Tensor:
        """(N, C, S, S) to (N, D) of unit length: its pieces go through the encoder in a pass of their own."""
        grid, piece, share = self.recipe.jigsaw_grid, self.recipe.jigsaw_piece, processes.share()
        room = images.shape[-1] // grid - piece
        if room < 0:
            raise JobFailed(
                f"method.jigsaw_piece: {piece} pixels do not fit into a cell of {images.shape[-1] // grid}, one of "
                f"{grid} along a side of {images.shape[-1]}; lower it or raise views.jigsaw_pixels"
            )
        done = share.part(jigsaw.draw(len(images) * share.size, grid=grid, room=room, generator=generator))
        pieces = jigsaw.cut(images, done, grid=grid, piece=piece).chunk(max(1, self.groups // share.size))
        features = torch.cat([self.encoder.features(part) for part in pieces])  # N cells x F
        return self.jigsaw_head(features, done.order)


def build(recipe: Recipe, encoder: nn.Module, *, setting: Setting) -> InfoMin:
    """InfoMin around an encoder; raises `JobFailed` where queue, batch and groups do not fit each other."""
    check_groups(recipe.shuffle_groups, setting)
    return InfoMin(encoder, recipe, setting=setting)
