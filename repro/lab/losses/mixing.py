"""MoCHi: negatives that are harder than any there is, mixed from the hardest there are and from the query itself.

Source: Kalantidis et al. 2020, "Hard negative mixing for contrastive learning", section 4.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def hardest(similarities: Tensor, count: int) -> Tensor:
    """Of each row of (N, K) similarities, the places of the `count` largest, largest first; int64 (N, count).

    >>> hardest(torch.tensor([[0.1, 0.9, -0.3, 0.5]]), 2)
    tensor([[1, 3]])
    """
    return similarities.topk(count, dim=1).indices


def between(negatives: Tensor, first: Tensor, second: Tensor, *, weights: Tensor) -> Tensor:
    """(N, S, D) points between two negatives each, h = a n_i + (1 - a) n_j, brought to length 1.

    `negatives` is (K, D), `first` and `second` are the places i and j in it and `weights` the a, (N, S) each.

    >>> rows = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> between(rows, torch.tensor([[0]]), torch.tensor([[1]]), weights=torch.tensor([[3 / 7]]))
    tensor([[[0.6000, 0.8000]]])
    """
    a = weights.unsqueeze(-1)
    return F.normalize(a * negatives[first] + (1 - a) * negatives[second], dim=-1)


def towards(queries: Tensor, negatives: Tensor, places: Tensor, *, weights: Tensor) -> Tensor:
    """(N, S, D) points between a negative and the query each, h' = b q + (1 - b) n_j, brought to length 1.

    `queries` is (N, D), `negatives` is (K, D), `places` are the j in it and `weights` the b, (N, S) each. With b below
    one half the negative has the greater part.

    >>> q, n = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    >>> towards(q, n, torch.tensor([[0]]), weights=torch.tensor([[3 / 7]]))
    tensor([[[0.6000, 0.8000]]])
    """
    b = weights.unsqueeze(-1)
    return F.normalize(b * queries.unsqueeze(1) + (1 - b) * negatives[places], dim=-1)


def similarities(queries: Tensor, points: Tensor) -> Tensor:
    """(N, S) similarities of each query, (N, D), with its own points, (N, S, D)."""
    return torch.einsum("nd,nsd->ns", queries, points)
