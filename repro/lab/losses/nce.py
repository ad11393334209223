"""The noise-contrastive loss of the paper's Eq. 1: one positive among many negatives."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def contrastive(
    queries: Tensor,
    keys: Tensor,
    *,
    queue: Tensor,
    negatives: Sequence[tuple[Tensor, float]],
    temperature: float,
) -> Tensor:
    """Eq. 1: the noise-contrastive loss of MoCo, with non-semantic negatives in the denominator.

    `queries` and `keys` are (N, D), `queue` is (K, D), each of `negatives` is (N, D) and its alpha; all of unit length.
    Of each query: -log of exp(q.k / T) over exp(q.k / T) + sum of exp(q.n / T) + sum of exp(alpha q.ns / T).

    Source: paper, Eq. 1; SongweiGe/Contrastive-Learning-with-Non-Semantic-Negatives@5fbdc4d moco/builder.py forward.
    Differs: Eq. 1 sums over the batch; as the official code we take the mean. alpha = 0 leaves exp(0) = 1 in the
    denominator, in Eq. 1 and in the code; the method without negatives has none.

    >>> one = torch.ones(1, 1)
    >>> round(contrastive(one, one, queue=-one, negatives=[(one, 2.0)], temperature=1.0).exp().item() * torch.e, 4)
    10.4752
    >>> round(torch.e + 1 / torch.e + torch.e**2, 4)
    10.4752
    """
    return nce(similarities(queries, keys, queue=queue, negatives=negatives), temperature=temperature)


def similarities(queries: Tensor, keys: Tensor, *, queue: Tensor, negatives: Sequence[tuple[Tensor, float]]) -> Tensor:
    """(N, 1 + K + negatives): that with its key, those with the queue, alpha times that with each negative."""
    positive = (queries * keys).sum(1, keepdim=True)  # N x 1
    standard = queries @ queue.T  # N x K
    return torch.cat([positive, standard, *scaled(queries, negatives)], dim=1)


def scaled(queries: Tensor, negatives: Sequence[tuple[Tensor, float]]) -> list[Tensor]:
    """alpha q.ns of each of `negatives`, (N, 1) each."""
    return [alpha * (queries * other).sum(1, keepdim=True) for other, alpha in negatives]


def nce(similarities: Tensor, *, temperature: float) -> Tensor:
    """Mean over the rows of -log softmax(similarities / temperature) at the first column, the positive."""
    first = torch.zeros(len(similarities), dtype=torch.int64, device=similarities.device)
    return F.cross_entropy(similarities / temperature, first)
