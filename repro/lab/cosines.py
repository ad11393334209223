"""Cosines to numbers: mean, spread, upper tail and histogram; numpy alone, so that they need no network again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from repro.metrics import MetricError

_QUANTILE = 0.95


@dataclass(frozen=True)
class Spread:
    """How cosines are distributed: mean, standard deviation (of all, not of a sample), 95 % quantile, how many."""

    mean: float
    sd: float
    q95: float
    n: int


def spread(cosines: ArrayLike) -> Spread:
    """Mean, standard deviation and 95 % quantile of `(N,)` cosines; the quantile lies between neighbours in rank.

    >>> spread([0.0, 0.5, 1.0])
    Spread(mean=0.5, sd=0.408248290463863, q95=0.95, n=3)
    """
    values = _cosines(cosines)
    q95 = float(np.quantile(values, _QUANTILE))
    return Spread(float(values.mean()), float(values.std()), q95, len(values))


def grouped_spread(means: ArrayLike, squares: ArrayLike, sizes: ArrayLike, counts: ArrayLike) -> Spread:
    """The same of cosines that are known by group alone: `(G,)` means, mean squares and sizes, and counts of them all.

    `counts` are those of `counts_of`, and the quantile lies within one bin of the true one.

    >>> grouped_spread([0.0, 0.5], [1.0, 0.25], [2, 1], counts_of([-1.0, 1.0, 0.5], bins=4))
    Spread(mean=0.16666666666666666, sd=0.8498365855987975, q95=0.9624999999999999, n=3)
    """
    middle, square = (np.asarray(part, dtype=np.float64) for part in (means, squares))
    many, bars = np.asarray(sizes, dtype=np.int64), np.asarray(counts, dtype=np.int64)
    n = int(many.sum())
    if not middle.shape == square.shape == many.shape or n == 0 or n != int(bars.sum()):
        found = f"{middle.shape}, {square.shape} and {many.shape} of {n} cosines, and counts of {int(bars.sum())}"
        raise MetricError(
            f"expected means, mean squares and sizes of the same groups, and counts of all, found {found}"
        )
    mean = float((middle * many).sum() / n)
    variance = float((square * many).sum() / n) - mean**2
    edges = np.linspace(-1, 1, len(bars) + 1)
    below = np.concatenate([[0], np.cumsum(bars)])
    place = int(np.searchsorted(below, _QUANTILE * n)) - 1
    inside = (_QUANTILE * n - below[place]) / bars[place]
    return Spread(mean, max(variance, 0.0) ** 0.5, float(edges[place] + inside * (edges[1] - edges[0])), n)


def counts_of(cosines: ArrayLike, *, bins: int) -> NDArray[np.int64]:
    """How many cosines lie in each of `bins` equal parts of -1 to 1, lower ends included and 1 too; `(bins,)`.

    >>> counts_of([-1.0, -0.1, 0.0, 0.2, 1.0], bins=2).tolist()
    [2, 3]
    """
    counts: NDArray[np.int64] = np.histogram(_cosines(cosines), bins=bins, range=(-1, 1))[0].astype(np.int64)
    return counts


def _cosines(values: ArrayLike) -> NDArray[np.float64]:
    found = np.asarray(values, dtype=np.float64).ravel()
    if found.size == 0:
        raise MetricError("expected at least one cosine, found none")
    if not np.all(np.abs(found) <= 1):
        raise MetricError("expected cosines from -1 to 1, found other values")
    return found
