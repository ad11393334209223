"""Contrastive multiview coding: an image's lightness against what its colours were, and the other way round.

Source: Tian et al. 2019, section 3.2; HobbitLong/CMC@bd28553 train_CMC.py, NCE/NCEAverage.py with `use_softmax`.
Differs: one process has the batch statistics of its whole batch; the source cuts it into one part for each GPU.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch.nn.functional as F
from torch import Generator, Tensor, nn

from repro.errors import JobFailed
from repro.lab import refusal
from repro.lab.batch import Batch, Setting
from repro.lab.blocks import bank
from repro.lab.blocks.pair import Pair
from repro.lab.losses import nce


@dataclass(frozen=True)
class Recipe:
    """What contrastive multiview coding adds to a pair of networks."""

    samples: int  # rows of a bank that serve as negatives, drawn anew for each image, the same ones in both banks
    momentum: float  # of a row of a bank
    temperature: float
    loss: Literal["softmax"]  # over the own row and the samples; Tian et al. estimate it by NCE, which has no code here


class CMC(nn.Module):
    """Each of the two embeddings of an image against the bank of the other."""

    views = 1
    groups = 1
    classifier = None

    def __init__(self, encoder: Pair, recipe: Recipe, *, setting: Setting) -> None:
        super().__init__()
        self.recipe, self.images = recipe, setting.images
        self.encoder = encoder
        half = encoder.outputs // 2
        self.lightness_bank = bank.Bank("lightness", dimensions=half, setting=setting)
        self.colour_bank = bank.Bank("colour", dimensions=half, setting=setting)

    def forward(self, batch: Batch, *, generator: Generator) -> Tensor:
        """Sum of the losses of L against the bank of ab and of ab against that of L; both then move their rows."""
        refusal.no_negatives(batch, method="cmc")
        halves = self.encoder(batch.views[0]).float().chunk(2, dim=1)
        lightness, colour = (F.normalize(half, dim=1) for half in halves)  # N x D each
        chosen = bank.choose(batch.places, images=self.images, samples=self.recipe.samples, generator=generator)
        of_lightness = self.colour_bank.similarities(lightness, chosen)  # N x (1 + samples), that with its own first
        of_colour = self.lightness_bank.similarities(colour, chosen)
        self.lightness_bank.update(lightness, batch.places, momentum=self.recipe.momentum)
        self.colour_bank.update(colour, batch.places, momentum=self.recipe.momentum)
        temperature = self.recipe.temperature
        return nce.nce(of_lightness, temperature=temperature) + nce.nce(of_colour, temperature=temperature)


def build(recipe: Recipe, encoder: nn.Module, *, setting: Setting) -> CMC:
    """Contrastive multiview coding around a pair of encoders; raises `JobFailed` where the network is none."""
    if not isinstance(encoder, Pair):
        raise JobFailed(
            "method.name: cmc needs a network of two encoders, one for lightness and one for colour; set net.name to "
            "resnet50_pair or small_pair"
        )
    return CMC(encoder, recipe, setting=setting)
