"""SimCLR, with non-semantic negatives: one encoder, and each view of an image against all other images of the batch.

Source: Chen et al. 2020, "A simple framework for contrastive learning", Algorithm 1; joshr17/HCL@7b4647f image/main.py.
Differs: the released code normalises by the batch statistics of each GPU's part, ours by those of a view's whole batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import Generator, Tensor, nn

from repro.lab import processes
from repro.lab.batch import Batch, Setting
from repro.lab.blocks.momentum import embed
from repro.lab.losses.nt_xent import nt_xent


@dataclass(frozen=True)
class Recipe:
    """What SimCLR adds to a network."""

    temperature: float


class SimCLR(nn.Module):
    """An encoder under a loss of two views of a batch, (N, D) each, that is (N, 2): one for each view of each image."""

    views = 2
    groups = 1
    classifier = None

    def __init__(self, encoder: nn.Module, *, loss: Callable[..., Tensor]) -> None:
        super().__init__()
        self.encoder = encoder
        self.loss = loss

    def forward(self, batch: Batch, *, generator: Generator) -> Tensor:
        """The mean loss of this process's images among those of all processes.

        Differs: the paper trains no SimCLR. That its negatives go through the encoder with gradient, each in a forward
        pass of its own, as other images do, is our choice; MoCo's go through the slow copy without gradient.
        """
        first, second = (self._embed(view) for view in batch.views)
        negatives = [(self._embed(part.images), part.alpha) for part in batch.negatives]
        return processes.share().part(self.loss(first, second, negatives=negatives)).mean()

    def _embed(self, images: Tensor) -> Tensor:
        return processes.gather(embed(self.encoder, images, groups=self.groups))


def build(recipe: Recipe, encoder: nn.Module, *, setting: Setting) -> SimCLR:
    """SimCLR around an encoder."""
    return SimCLR(encoder, loss=partial(nt_xent, temperature=recipe.temperature))
