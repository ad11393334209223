"""Similarities once more: mean, deviation, upper tail and histogram of the cosines that were stored."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.judge.certificate.predictions import Predictions
from repro.metrics import MetricError

_BARS = 100  # of a histogram that is shown
_TAIL = 0.95
_PAIRED = ("positive", "texture", "patch")


def similarity(kept: Predictions) -> dict[str, Any]:
    """Of each kind of partner its mean, `-sd`, `-q95` and `-n`; the histograms; `queries`, how many images.

    Of standard negatives the mean and mean square of each query are known, and how many lie in each of 2,000 bins.
    """
    found: dict[str, Any] = {"queries": len(_cosines(kept, "positive"))}
    bars: dict[str, list[int]] = {}
    for kind in _PAIRED:
        if kind in kept.columns or kind != "texture":
            each = _cosines(kept, kind)
            tail = float(np.quantile(each, _TAIL))
            found |= _told(kind, float(each.mean()), float(each.std()), tail, len(each))
            bars[kind] = np.histogram(each, bins=_BARS, range=(-1, 1))[0].tolist()
    found |= _standard(kept)
    counts = _counts(kept)
    bars["standard"] = counts.reshape(_BARS, -1).sum(1).tolist()
    edges = [round(edge, 6) for edge in np.linspace(-1, 1, _BARS + 1).tolist()]
    return {**found, "histograms": {"edges": edges, **bars}}


def _standard(kept: Predictions) -> dict[str, Any]:
    """The same of standard negatives, which are known query by query and as counts."""
    means, squares = _cosines(kept, "standard"), _cosines(kept, "standard_squares")
    sizes, counts = kept.indices("standard_n").astype(np.float64), _counts(kept)
    n = int(sizes.sum())
    if not len(means) == len(squares) == len(sizes) or n == 0 or n != int(counts.sum()):
        raise MetricError(f"expected counts of the {n} standard negatives, found {int(counts.sum())}")
    mean = float(means @ sizes) / n
    variance = float(squares @ sizes) / n - mean**2
    before = np.cumsum(counts) - counts
    bin_ = int(np.flatnonzero(before < _TAIL * n)[-1])
    width = 2 / len(counts)
    tail = -1 + width * (bin_ + (_TAIL * n - before[bin_]) / counts[bin_])
    return _told("standard", mean, max(variance, 0.0) ** 0.5, float(tail), n)


def _told(kind: str, mean: float, sd: float, tail: float, n: int) -> dict[str, Any]:
    return {kind: mean, f"{kind}-sd": sd, f"{kind}-q95": tail, f"{kind}-n": n}


def _cosines(kept: Predictions, name: str) -> NDArray[np.float64]:
    column = kept.columns.get(name)
    if column is None or column.ndim != 1 or not np.issubdtype(column.dtype, np.floating) or not len(column):
        raise MetricError(f'expected cosines under "{name}", found none')
    wide = column.astype(np.float64)
    if not bool((np.abs(wide) <= 1).all()):
        raise MetricError(f'"{name}": expected cosines from -1 to 1, found other values')
    return wide


def _counts(kept: Predictions) -> NDArray[np.int64]:
    column = kept.columns.get("standard_counts")
    if column is None or column.ndim != 1 or len(column) % _BARS or not np.issubdtype(column.dtype, np.integer):
        raise MetricError(f"expected counts of standard negatives in a multiple of {_BARS} bins, found none")
    if not len(column) or bool((column < 0).any()):
        raise MetricError("expected counts of standard negatives of 0 or more, found others")
    return column.astype(np.int64)
