"""Supervised training: a linear classifier on the encoder's features, and plain cross-entropy on the labels.

Source: He et al. 2016; the head of the network is not part of it and stays as it was.
Differs: one process has the batch statistics of its whole batch; torchvision's reference has one part for each GPU.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from repro.errors import JobFailed
from repro.lab import processes, refusal
from repro.lab.batch import Batch, Setting
from repro.lab.seeds import derive


@dataclass(frozen=True)
class Recipe:
    """Nothing to choose."""


class Supervised(nn.Module):
    """An encoder and a classifier that learn together."""

    views = 1
    groups = 1

    def __init__(self, encoder: nn.Module, *, setting: Setting) -> None:
        super().__init__()
        self.encoder = encoder
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive(setting.seed, "classifier"))
            self.classifier = nn.Linear(encoder.feature_size, setting.classes)

    def forward(self, batch: Batch, *, generator: Generator) -> Tensor:
        """Cross-entropy of the labels, the mean over the images; raises `JobFailed` where an image has none."""
        refusal.no_negatives(batch, method="supervised")
        labels = processes.gather(batch.labels)  # so that all processes find the same
        missing = int((labels < 0).sum())
        if missing:
            raise JobFailed(
                f"method.name: supervised needs a label for each image, and {missing} of the {len(labels)} of "
                f"step {batch.step + 1} have none; set data.pretrain to a labelled set"
            )
        features = self.encoder.features(batch.views[0])  # N x F
        return F.cross_entropy(self.classifier(features).float(), batch.labels)


def build(recipe: Recipe, encoder: nn.Module, *, setting: Setting) -> Supervised:
    """Supervised training of an encoder."""
    return Supervised(encoder, setting=setting)
