"""False negative cancellation: candidates that look like an image's own views are left out, or taken for positives.

The images of a step have V views each, and every view is an anchor. The candidates are all embeddings that are stored,
those of the batch or of a memory; an image's own V views are among them, at the places that `own` names.

Source: Huynh et al. 2022; google-research/fnc@adf5da5 objective.py add_contrastive_loss for detection and attraction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from typing import NamedTuple

import torch
from torch import Tensor

from repro.errors import JobFailed
from repro.lab.losses import nce


def scores(support: Tensor, candidates: Tensor) -> Tensor:
    """(N, C): of each candidate, its largest similarity with any of an image's views.

    `support` is (V, N, D), the two main views included, `candidates` is (C, D), all of unit length.

    >>> support = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]])
    >>> scores(support, torch.tensor([[0.6, 0.8], [0.8, -0.6], [-1.0, 0.0]]))
    tensor([[0.8000, 0.8000, 0.0000]])
    """
    return reduce(torch.maximum, (view @ candidates.T for view in support))


def detect(scores: Tensor, *, own: Tensor, topk: int, threshold: float) -> Tensor:
    """bool (N, C): F_i, the candidates among the `topk` highest scores of a row that are also above the threshold.

    `scores` is (N, C); `own`, int64 (N, V), are the places of an image's own views, which are never in F_i. Above is
    strict; of equal scores at the edge of the `topk` those of the lower places are in. F_i may be empty.

    Source: fnc objective.py: tf.math.top_k and tf.math.greater, both have to hold; 1e9 off the scores of own views.

    >>> detect(torch.tensor([[1.0, 0.9, 0.7, 0.8, 0.8]]), own=torch.tensor([[0]]), topk=2, threshold=0.7)
    tensor([[False,  True, False,  True, False]])
    """
    others = scores.scatter(1, own, -torch.inf)
    edge = others.topk(min(topk, others.shape[1]), dim=1).values[:, -1:]
    above, level = others > edge, others == edge
    room = topk - above.sum(1, keepdim=True)
    best = above | (level & (level.cumsum(1) <= room))
    return best & (others > threshold)


def eliminate(
    anchors: Tensor,
    candidates: Tensor,
    *,
    own: Tensor,
    false: Tensor,
    negatives: Sequence[tuple[Tensor, float]],
    temperature: float,
) -> Tensor:
    """(N, V) losses of each view of each image where the false negatives are left out of the denominator.

    `anchors` is (V, N, D), `candidates` (C, D), `own` int64 (N, V), `false` bool (N, C), each of `negatives` (N, D) and
    its alpha; embeddings are of unit length. Of a view z: the mean over the image's other views p of -z.p / T, + log of
    the sum of exp(z.c / T) over all candidates c but z's own place and the false negatives, + exp(alpha z.ns / T).

    Source: Huynh et al. 2022, elimination, as a secondary source gives it, for two views; it was not released.
    Differs: with more than two views the others are positives too, as in the released code of `attract`. Non-semantic
    negatives are ours.

    >>> e = torch.eye(2)
    >>> both, own = torch.cat([e, e]), torch.tensor([[0, 2], [1, 3]])  # two images, two equal views each
    >>> none = torch.zeros(2, 4, dtype=torch.bool)
    >>> eliminate(e.expand(2, 2, 2), both, own=own, false=none, negatives=[], temperature=1.0)[0, 0].exp() * torch.e
    tensor(4.7183)
    >>> other = torch.tensor([[False, True, False, False], [False] * 4])  # the other image's first view, for the first
    >>> eliminate(e.expand(2, 2, 2), both, own=own, false=other, negatives=[], temperature=1.0)[0, 0].exp() * torch.e
    tensor(3.7183)
    """
    anchored = _anchored(anchors, candidates, own=own, negatives=negatives, temperature=temperature)
    losses = [_log_sum(z.logits, z.itself | false, z.pushes) - _mean(z.logits, z.others) for z in anchored]
    return torch.stack(losses, dim=1)


def attract(
    anchors: Tensor,
    candidates: Tensor,
    *,
    own: Tensor,
    false: Tensor,
    negatives: Sequence[tuple[Tensor, float]],
    temperature: float,
) -> Tensor:
    """(N, V) losses of each view of each image where the false negatives are positives like the image's other views.

    Arguments as of `eliminate`. Of a view z: the mean of -z.p / T over the image's other views and the false negatives
    p, V - 1 + |F_i| in all, + log of the sum of exp(z.c / T) over all candidates c but z's own place, those p included,
    + exp(alpha z.ns / T).

    Source: Huynh et al. 2022, attraction; fnc objective.py.
    Differs: non-semantic negatives are ours.

    >>> e = torch.eye(2)
    >>> both, own = torch.cat([e, e]), torch.tensor([[0, 2], [1, 3]])
    >>> other = torch.tensor([[False, True, False, False], [False] * 4])  # pulled by half of exp(1), half of exp(0)
    >>> attract(e.expand(2, 2, 2), both, own=own, false=other, negatives=[], temperature=1.0)[0, 0].exp() * torch.e**0.5
    tensor(4.7183)
    """
    anchored = _anchored(anchors, candidates, own=own, negatives=negatives, temperature=temperature)
    losses = [_log_sum(z.logits, z.itself, z.pushes) - _mean(z.logits, z.others | false) for z in anchored]
    return torch.stack(losses, dim=1)


STRATEGIES = {"eliminate": eliminate, "attract": attract}


def check(*, support_size: int, topk: int) -> None:
    """Raises `JobFailed` where these are no number of further views and no number of candidates."""
    if support_size < 0:
        raise JobFailed(f"method.support_size: expected 0 or more views beyond the two, found {support_size}")
    if topk < 1:
        raise JobFailed(f"method.topk: expected at least 1, found {topk}; with method.threshold above 1 none are found")


class _Anchored(NamedTuple):
    """One view of each image as the anchor."""

    logits: Tensor  # N x C, with the candidates
    pushes: list[Tensor]  # N x 1, with each of the non-semantic negatives
    itself: Tensor  # bool N x C, the anchor's own place
    others: Tensor  # bool N x C, the places of the image's other views


def _anchored(
    anchors: Tensor,
    candidates: Tensor,
    *,
    own: Tensor,
    negatives: Sequence[tuple[Tensor, float]],
    temperature: float,
) -> Iterator[_Anchored]:
    for view, anchor in enumerate(anchors):
        logits = anchor @ candidates.T / temperature
        pushes = [part / temperature for part in nce.scaled(anchor, negatives)]
        nowhere = torch.zeros_like(logits, dtype=torch.bool)
        itself = nowhere.scatter(1, own[:, view : view + 1], True)
        yield _Anchored(logits, pushes, itself, nowhere.scatter(1, own, True) & ~itself)


def _log_sum(logits: Tensor, left_out: Tensor, more: Sequence[Tensor]) -> Tensor:
    """(N,) log of the sum of exp of a row's logits but those left out, and of `more`, (N, 1) each."""
    return torch.cat([logits.masked_fill(left_out, -torch.inf), *more], dim=1).logsumexp(1)


def _mean(logits: Tensor, chosen: Tensor) -> Tensor:
    """(N,) mean of a row's chosen logits, of which there is one at least."""
    return (logits * chosen).sum(1) / chosen.sum(1)
