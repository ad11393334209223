"""The regression loss of BYOL and of the paper's Eq. 2: near the target of the other view, away from the negatives."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def regression(predictions: Tensor, targets: Tensor, *, negatives: Sequence[tuple[Tensor, float]]) -> Tensor:
    """Mean over the rows of |q - p|^2 - sum of alpha |q - ns|^2, on the unit sphere 2 - 2 q.p - alpha (2 - 2 q.ns).

    `predictions` q and `targets` p are (N, D), each of `negatives` ns is (N, D) and its alpha; all of unit length.

    Source: Grill et al. 2020, Eq. 2; paper, Eq. 2.
    Differs: the paper's Eq. 2 has norms that are not squared, and says they equal 2 - 2 alpha - 2 q.p + 2 alpha q.ns,
    which is true of their squares; as the official code of MoCo, and not as Eq. 2, we take the mean over the batch.

    >>> e = torch.eye(2)
    >>> regression(e, e.flip(0), negatives=[]), regression(e, e.flip(0), negatives=[(-e, 0.05)])  # 2, and 2 - 0.05 * 4
    (tensor(2.), tensor(1.8000))
    """
    loss = 2 - 2 * (predictions * targets).sum(1)
    for others, alpha in negatives:
        loss = loss - alpha * (2 - 2 * (predictions * others).sum(1))
    return torch.mean(loss)
