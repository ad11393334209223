"""BYOL, with non-semantic negatives: an encoder and a predictor that foretell what a slow copy sees in the other view.

Source: Grill et al. 2020, "Bootstrap your own latent", and its code,
google-deepmind/deepmind-research@4822a45 byol/byol_experiment.py; the paper's Eq. 2, whose code was never released.
Differs: Eq. 2 shows no predictor; here its q is the online network's prediction. Which predictions meet the negatives,
and through which network these go, is not stated: here those of both views do, and the negatives go through the target
network without gradient, as MoCo's go through its key encoder. Grill et al. draw the target network anew, ours starts
as a copy; their linear layers have a bias before batch normalisation and none at the end, those of `heads.mlp` the
other way round.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from repro.lab.batch import Batch, Setting
from repro.lab.blocks import heads
from repro.lab.blocks.momentum import embed, follow, slow_copy
from repro.lab.losses.byol import regression
from repro.lab.seeds import derive


@dataclass(frozen=True)
class Recipe:
    """What BYOL adds to a network."""

    momentum: float  # of the target network at first; it rises to 1 by half a cosine
    predictor_hidden: int  # width of the predictor's hidden layer


class BYOL(nn.Module):
    """Figure 2 of Grill et al. 2020, made symmetric, with the negatives of the paper's Eq. 2."""

    views = 2
    groups = 1
    classifier = None

    def __init__(self, encoder: nn.Module, recipe: Recipe, *, setting: Setting) -> None:
        super().__init__()
        self.recipe, self.steps = recipe, setting.steps
        self.encoder = encoder
        self.target = slow_copy(encoder)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive(setting.seed, "predictor"))
            size = {"hidden": recipe.predictor_hidden, "outputs": encoder.outputs}
            self.predictor = heads.mlp(encoder.outputs, **size, norm=True)

    def forward(self, batch: Batch, *, generator: Generator) -> Tensor:
        """Loss of each view's prediction against the other view's target, the sum of both.

        Differs: Grill et al. move the target at the end of a step, after the optimiser; here step k begins with what
        step k - 1 would have ended with, of its momentum. Only the last move, which no loss sees, is left out.
        """
        first, second = (self._predict(view) for view in batch.views)  # N x D
        with torch.no_grad():
            if batch.step:
                momentum = rising(self.recipe.momentum, step=batch.step - 1, steps=self.steps)
                follow(self.target, self.encoder, momentum=momentum)
            targets = [embed(self.target, view, groups=1) for view in batch.views]
            negatives = [(embed(self.target, part.images, groups=1), part.alpha) for part in batch.negatives]
        return regression(first, targets[1], negatives=negatives) + regression(second, targets[0], negatives=negatives)

    def _predict(self, images: Tensor) -> Tensor:
        return F.normalize(self.predictor(self.encoder(images)).float(), dim=1)


def rising(momentum: float, *, step: int, steps: int) -> float:
    """1 - (1 - momentum) (cos(pi step / steps) + 1) / 2, from `momentum` at step 0 to 1.

    >>> [round(rising(0.9, step=step, steps=4), 4) for step in (0, 2, 4)]
    [0.9, 0.95, 1.0]
    """
    return 1 - (1 - momentum) * (math.cos(math.pi * step / steps) + 1) / 2


def build(recipe: Recipe, encoder: nn.Module, *, setting: Setting) -> BYOL:
    """BYOL around an encoder."""
    return BYOL(encoder, recipe, setting=setting)
