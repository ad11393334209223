"""Instance discrimination: each image against a memory bank of what all images looked like when last seen.

Source: Wu et al. 2018, sections 3.1 and 3.2; HobbitLong/CMC@bd28553 train_moco_ins.py --softmax.
Differs: one process has the batch statistics of its whole batch; the source cuts it into one part for each GPU.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Generator, Tensor, nn

from repro.lab import refusal
from repro.lab.batch import Batch, Setting
from repro.lab.blocks import bank
from repro.lab.blocks.momentum import embed
from repro.lab.losses import nce


@dataclass(frozen=True)
class Recipe:
    """What instance discrimination adds to a network."""

    samples: int  # rows of the bank that serve as negatives, drawn anew for each query
    momentum: float  # of a row of the bank
    temperature: float
    loss: Literal["softmax"]  # over the own row and the samples; Wu et al. estimate it by NCE, which has no code here


class InsDis(nn.Module):
    """Eq. 2 of Wu et al. 2018, the denominator over samples."""

    views = 1
    groups = 1
    classifier = None

    def __init__(self, encoder: nn.Module, recipe: Recipe, *, setting: Setting) -> None:
        super().__init__()
        self.recipe, self.images = recipe, setting.images
        self.encoder = encoder
        self.bank = bank.Bank("images", dimensions=encoder.outputs, setting=setting)

    def forward(self, batch: Batch, *, generator: Generator) -> Tensor:
        """Loss of the images against the bank as it was; their embeddings then move their rows."""
        refusal.no_negatives(batch, method="insdis")
        queries = embed(self.encoder, batch.views[0], groups=1)  # N x D
        chosen = bank.choose(batch.places, images=self.images, samples=self.recipe.samples, generator=generator)
        similarities = self.bank.similarities(queries, chosen)  # N x (1 + samples), that with the own row first
        self.bank.update(queries, batch.places, momentum=self.recipe.momentum)
        return nce.nce(similarities, temperature=self.recipe.temperature)


def build(recipe: Recipe, encoder: nn.Module, *, setting: Setting) -> InsDis:
    """Instance discrimination around an encoder, with a row for each image of the data set."""
    return InsDis(encoder, recipe, setting=setting)
