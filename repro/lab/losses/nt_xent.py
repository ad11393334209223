"""The loss of SimCLR: each view of an image against both views of every other image of the batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from repro.lab.losses import nce


def nt_xent(first: Tensor, second: Tensor, *, negatives: Sequence[tuple[Tensor, float]], temperature: float) -> Tensor:
    """NT-Xent of each view of each image, (N, 2), with the paper's negatives in the denominator.

    `first` and `second` are (N, D), the two views of N images; each of `negatives` is (N, D) and its alpha; all of unit
    length. Of a view z whose other view is p: -log of exp(z.p / T) over exp(z.p / T) + sum of exp(z.n / T) over both
    views n of the other images + sum of exp(alpha z.ns / T) over its image's negatives ns.

    Source: Chen et al. 2020, Eq. 1 and Algorithm 1; the last sum is that of the paper's Eq. 1.
    Differs: the paper adds its negatives to MoCo and BYOL alone; that both views of an image meet them is our choice.

    >>> e = torch.eye(3)
    >>> nt_xent(e[:2], e[:2], negatives=[], temperature=1.0)[0, 0].exp().mul(torch.e).round(decimals=4)  # e + 2 exp(0)
    tensor(4.7183)
    >>> nt_xent(e[:2], e[:2], negatives=[(e[:2], 2.0)], temperature=1.0)[0, 0].exp().mul(torch.e).round(decimals=4)
    tensor(12.1073)
    """
    positive, others = pairs(first, second)
    logits = torch.cat([positive, others, *pushes(first, second, negatives)], dim=1) / temperature
    place = torch.zeros(len(logits), dtype=torch.int64, device=logits.device)
    return F.cross_entropy(logits, place, reduction="none").view(2, -1).T


def pairs(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Cosines of all 2 N views, first views first: (2 N, 1) with the other view, (2 N, 2 N - 2) with other images."""
    views = torch.cat([first, second])  # 2N x D
    count = len(first)
    others = ~torch.eye(count, dtype=torch.bool, device=views.device).repeat(2, 2)
    positive = (first * second).sum(1, keepdim=True).repeat(2, 1)
    return positive, (views @ views.T)[others].view(2 * count, 2 * count - 2)


def pushes(first: Tensor, second: Tensor, negatives: Sequence[tuple[Tensor, float]]) -> list[Tensor]:
    """alpha z.ns of all 2 N views with each of their image's `negatives`, (2 N, 1) each."""
    return [torch.cat(both) for both in zip(nce.scaled(first, negatives), nce.scaled(second, negatives), strict=True)]
