"""FNC in the batch: SimCLR, where candidates that look like an image's own views are no negatives.

Source: Huynh et al. 2022; google-research/fnc@adf5da5 objective.py add_contrastive_loss and model.py, without memory.
Differs: as SimCLR here, each view and each negative has batch statistics of its own, and the loss is the mean over the
views; the released code normalises all views together and takes twice the mean. Non-semantic negatives are ours: each
view meets those of its image, and they are never candidates for cancellation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor, nn

from repro.lab import processes
from repro.lab.batch import Batch, Setting
from repro.lab.blocks.momentum import embed
from repro.lab.losses import false_negatives


@dataclass(frozen=True)
class Recipe:
    """What FNC adds to a network."""

    temperature: float
    support_size: int  # views of each image beyond the two
    topk: int  # the most false negatives an image can have
    threshold: float  # cosine; a false negative is nearer than this to one of the image's views
    strategy: Literal["eliminate", "attract"]  # false negatives are left out, or are positives


class FNC(nn.Module):
    """One encoder; every view of the batch is an anchor, and a candidate for the other images."""

    groups = 1
    classifier = None

    def __init__(self, encoder: nn.Module, recipe: Recipe) -> None:
        super().__init__()
        self.recipe, self.views = recipe, 2 + recipe.support_size
        self.encoder = encoder

    def forward(self, batch: Batch, *, generator: Generator) -> Tensor:
        """Mean loss of each view against all views of the step's images.

        Which candidates are false negatives is found without gradient.
        """
        recipe = self.recipe
        anchors = torch.stack([embed(self.encoder, view, groups=1) for view in batch.views])  # V x N x D
        stored = processes.gather(anchors.transpose(0, 1)).transpose(0, 1)  # V x B x D
        negatives = [(embed(self.encoder, part.images, groups=1), part.alpha) for part in batch.negatives]
        everyone, candidates = stored.shape[1], stored.flatten(0, 1)
        own = processes.share().part(torch.arange(everyone)).unsqueeze(1) + torch.arange(self.views) * everyone
        own = own.to(anchors.device)  # N x V, places in the candidates
        scores = false_negatives.scores(anchors.detach(), candidates.detach())
        false = false_negatives.detect(scores, own=own, topk=recipe.topk, threshold=recipe.threshold)
        found = {"own": own, "false": false, "negatives": negatives}
        loss = false_negatives.STRATEGIES[recipe.strategy]
        return loss(anchors, candidates, **found, temperature=recipe.temperature).mean()


def build(recipe: Recipe, encoder: nn.Module, *, setting: Setting) -> FNC:
    """FNC around an encoder; raises `JobFailed` where `support_size` or `topk` is out of range."""
    false_negatives.check(support_size=recipe.support_size, topk=recipe.topk)
    return FNC(encoder, recipe)
