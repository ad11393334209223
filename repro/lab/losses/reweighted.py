"""NT-Xent whose sum over the negatives is an estimate for truly different, and for hard, images.

Source: Chuang et al. 2020, "Debiased contrastive learning"; Robinson et al. 2021, "Contrastive learning with hard
negative samples"; chingyaoc/DCL@30189fb main.py:36-59; joshr17/HCL@7b4647f image/main.py criterion.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from repro.errors import JobFailed
from repro.lab.losses.nt_xent import pairs, pushes


def debiased(
    first: Tensor, second: Tensor, *, negatives: Sequence[tuple[Tensor, float]], temperature: float, tau_plus: float
) -> Tensor:
    """Loss of each view of each image, (N, 2), where a share `tau_plus` of the other images is like the positive.

    Shapes as those of `nt_xent`. Of a view z with positive P = exp(z.p / T) and the M = 2 N - 2 others n:
    -log of P / (P + G), G = (sum of exp(z.n / T) - M tau_plus P) / (1 - tau_plus), at least M exp(-1 / T).

    Differs: the paper's negatives, which no debiased loss has met, stand beside G in the denominator: they are never of
    the image's class.

    >>> e = torch.eye(3)
    >>> loss = debiased(e[:2], -e[:2], negatives=[], temperature=1.0, tau_plus=0.5)  # G = 4 - 2 / e
    >>> (loss[0, 0].exp() / torch.e).round(decimals=4), round(1 / torch.e + 4 - 2 / torch.e, 4)
    (tensor(3.6321), 3.6321)
    """
    scores = _exponentials(first, second, negatives, temperature=temperature)
    return _loss(scores, scores.others.sum(1), temperature=temperature, tau_plus=tau_plus)


def hard(
    first: Tensor,
    second: Tensor,
    *,
    negatives: Sequence[tuple[Tensor, float]],
    temperature: float,
    tau_plus: float,
    beta: float,
) -> Tensor:
    """`debiased` whose sum counts each other image by its likeness, exp(beta z.n / T) over the mean of these weights.

    The gradient passes through the weights too, as in the published code.

    >>> e, same = torch.eye(3), {"negatives": [], "temperature": 0.5, "tau_plus": 0.1}
    >>> torch.equal(hard(e[:2], e[1:], beta=0.0, **same), debiased(e[:2], e[1:], **same))
    True
    """
    scores = _exponentials(first, second, negatives, temperature=temperature)
    weights = scores.others.pow(beta)
    total = (weights * scores.others).sum(1) / weights.mean(1)
    return _loss(scores, total, temperature=temperature, tau_plus=tau_plus)


def check_share(tau_plus: float) -> None:
    """Raises `JobFailed` where `tau_plus` is no share that leaves anything."""
    if not 0 <= tau_plus < 1:
        raise JobFailed(f"method.tau_plus: expected a share of at least 0 and below 1, found {tau_plus}")


class _Exponentials(NamedTuple):
    """exp(cosine / T) of each of the 2 N views, first views first."""

    positive: Tensor  # (2 N,), with its other view
    others: Tensor  # 2 N x (2 N - 2), with the views of other images
    added: Tensor  # (2 N,), with the paper's negatives, alpha inside, summed


def _exponentials(
    first: Tensor, second: Tensor, negatives: Sequence[tuple[Tensor, float]], *, temperature: float
) -> _Exponentials:
    positive, others = pairs(first, second)
    added = torch.cat([positive[:, :0], *pushes(first, second, negatives)], dim=1)
    return _Exponentials(
        (positive / temperature).exp()[:, 0], (others / temperature).exp(), (added / temperature).exp().sum(1)
    )


def _loss(scores: _Exponentials, total: Tensor, *, temperature: float, tau_plus: float) -> Tensor:
    """-log of P / (P + G + what is added), (N, 2); G from the `total` over the others, (2 N,)."""
    count = scores.others.shape[1]
    estimate = (total - tau_plus * count * scores.positive) / (1 - tau_plus)
    rest = estimate.clamp(min=count * math.exp(-1 / temperature)) + scores.added
    return -(scores.positive / (scores.positive + rest)).log().view(2, -1).T
