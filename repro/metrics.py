"""Predictions to numbers: every metric of the paper, in percent, with numpy alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from repro.errors import ReproError
from repro.reference import geirhos16

Errors = Mapping[str, float | Sequence[float]]  # corruption -> top-1 error at the five severities, or their mean
_SEVERITIES = 5
_CLASSES = 1000
_FIVE = 5
_TIE = 1e-12  # relative; mean probabilities closer than this differ by rounding alone


class MetricError(ReproError, ValueError):
    """What was given is not what the metric is defined on."""


@dataclass(frozen=True)
class ShapeBias:
    """How often a network goes by shape where shape and texture disagree; percent.

    `bias` is `None` where no image was decided for its shape or its texture: 0 / 0 is no number.
    `n` counts the images with conflict, `decided` those of them given their shape or their texture.
    """

    bias: float | None
    shape_accuracy: float
    texture_accuracy: float
    n: int
    decided: int


@dataclass(frozen=True)
class FineCoarse:
    """Accuracy on the images of one superclass, percent: the very class (`fine`), any of its classes (`coarse`)."""

    fine: float
    coarse: float
    n: int


def top1(predictions: ArrayLike, labels: ArrayLike) -> float:
    """Share of images whose predicted class is the right one; two `(N,)` arrays of class indices.

    >>> top1([3, 1, 2, 2], [3, 1, 0, 2])
    75.0
    """
    predicted, right = _pair(predictions, labels)
    return _percent(np.count_nonzero(predicted == right), len(right))


def top5(ranks: ArrayLike) -> float:
    """Share of images whose right class is among the five most probable; `(N,)` ranks of the right class, 0 the first.

    >>> top5([0, 4, 5, 17])
    50.0
    """
    places = np.asarray(ranks)
    if places.ndim != 1 or len(places) == 0 or not np.issubdtype(places.dtype, np.integer):
        raise MetricError(f"expected at least one rank, (N,) integers, found {places.dtype} {places.shape}")
    return _percent(np.count_nonzero(places < _FIVE), len(places))


def corruption_accuracy(errors: Errors, *, unit: Literal["fraction", "percent"] | None = None) -> float:
    """Mean accuracy over corruptions and severities: 100 minus the mean error, every corruption with equal weight.

    Without `unit` the errors are percent as soon as one of them is above 1. Severities of one corruption are averaged
    first, so all cells weigh the same.

    Source: the paper, section 3.1, "the average accuracy across 5 levels of corruption severity".

    >>> corruption_accuracy({"fog": [0.1, 0.2, 0.3, 0.4, 0.5], "snow": 0.5})
    60.0
    >>> corruption_accuracy({"fog": [10, 20, 30, 40, 50], "snow": 50})
    60.0
    """
    means = _means(errors)
    most = max(float(np.max(value)) for value in errors.values())
    full = 100.0 if unit == "percent" or (unit is None and most > 1) else 1.0
    if most > full:
        raise MetricError(f"errors as {unit or 'percent'}: expected at most {full:g}, found {most:g}")
    return 100.0 * (1.0 - float(np.mean(list(means.values()))) / full)


def ce(errors: Errors, reference: Errors) -> dict[str, float]:
    """Corruption error: for each corruption, the error summed over severities in percent of the reference's.

    Errors may be fractions or percent, the same in both.

    Source: Hendrycks and Dietterich 2019, "Benchmarking Neural Network Robustness", section 4.2 (CE).

    >>> ce({"fog": 0.3, "snow": 0.2}, {"fog": 0.6, "snow": 0.8})
    {'fog': 50.0, 'snow': 25.0}
    """
    ours, theirs = _means(errors), _means(reference)
    _same_corruptions(ours, theirs)
    for name, value in theirs.items():
        if value == 0:
            raise MetricError(f'corruption "{name}": the reference error is 0, so there is nothing to divide by')
    return {name: 100.0 * ours[name] / theirs[name] for name in theirs}


def mce(errors: Errors, reference: Errors) -> float:
    """Mean corruption error: the mean of `ce` over the corruptions; 100 is the reference itself, lower is better.

    Source: Hendrycks and Dietterich 2019, section 4.2 (mCE).

    >>> mce({"fog": 0.3, "snow": 0.2}, {"fog": 0.6, "snow": 0.8})
    37.5
    """
    return float(np.mean(list(ce(errors, reference).values())))


def relative_mce(errors: Errors, reference: Errors, *, clean: float, reference_clean: float) -> float:
    """Mean over corruptions of the error added by the corruption, in percent of what it adds to the reference.

    `clean` and `reference_clean` are the errors on uncorrupted images, in the unit of the others.

    Source: Hendrycks and Dietterich 2019, section 4.2 (relative mCE).

    >>> relative_mce({"fog": 50.0, "snow": 40.0}, {"fog": 80.0, "snow": 90.0}, clean=30.0, reference_clean=40.0)
    35.0
    """
    ours, theirs = _means(errors), _means(reference)
    _same_corruptions(ours, theirs)
    for name, value in theirs.items():
        if value == reference_clean:
            raise MetricError(f'corruption "{name}": it adds nothing to the reference error, so nothing divides by it')
    return float(np.mean([100.0 * (ours[name] - clean) / (theirs[name] - reference_clean) for name in theirs]))


def category_decision(probabilities: ArrayLike) -> NDArray[np.str_]:
    """The one of Geirhos' 16 categories with the largest mean probability; `(..., 1000)` softmax to `(...)` names.

    The softmax is over all 1,000 classes of ImageNet in the order of their indices; otherwise as `category_by_mean`.

    >>> certain = np.zeros(1000)
    >>> certain[281] = 1.0
    >>> str(category_decision(certain)), str(category_decision(np.full(1000, 0.001)))
    ('cat', 'airplane')
    """
    if np.shape(probabilities)[-1:] != (_CLASSES,):
        raise MetricError(f"expected probabilities (..., {_CLASSES}), found shape {np.shape(probabilities)}")
    return category_by_mean(probabilities, geirhos16())


def category_by_mean(probabilities: ArrayLike, members: Mapping[str, Sequence[int]]) -> NDArray[np.str_]:
    """The category with the largest mean probability; `(..., C)` softmax over all classes to `(...)` names.

    `members` has each category's class indices; of equal categories the first in its order wins. Raises `MetricError`
    for values outside 0 to 1, which are logits and not probabilities.

    Source: rgeirhos/texture-vs-shape code/helper/human_categories.py and probabilities_to_decision.py.
    Differs: means within one part in 10^12 are equal here, so that rounding does not break a tie.

    >>> category_by_mean([[0.4, 0.3, 0.3], [0.2, 0.1, 0.7]], {"cat": [0], "dog": [1, 2]}).tolist()
    ['cat', 'dog']
    """
    values = np.asarray(probabilities, dtype=np.float64)
    if values.size == 0:
        raise MetricError("expected probabilities of at least one image, found none")
    if not np.all((values >= 0) & (values <= 1)):
        raise MetricError("expected probabilities from 0 to 1, found other values: apply the softmax first")
    scores = np.stack([values[..., list(indices)].mean(axis=-1) for indices in members.values()], axis=-1)
    first = np.argmax(scores >= scores.max(axis=-1, keepdims=True) * (1 - _TIE), axis=-1)
    return np.asarray(np.array(list(members))[first])


def shape_bias(shape: Sequence[str], texture: Sequence[str], decision: Sequence[str | None]) -> ShapeBias:
    """Shape bias, shape accuracy and texture accuracy of `(N,)` decisions on cue-conflict images.

    Images whose shape and texture are the same category are left out of every count; a decision may be any name or
    `None`. bias = S / (S + T), shape accuracy = S / n, texture accuracy = T / n.

    Source: Geirhos et al. 2019, "ImageNet-trained CNNs are biased towards texture", section 2; texture-vs-shape
    data-analysis/data-analysis-helper.R (n = images with conflict).
    Differs: bethgelab/model-vs-human divides both accuracies by all images; the bias is the same.

    >>> shape_bias(["cat", "cat", "dog", "cat"], ["dog", "dog", "cat", "cat"], ["cat", "dog", "dog", "cat"])
    ShapeBias(bias=66.66666666666667, shape_accuracy=66.66666666666667, texture_accuracy=33.333333333333336, n=3, \
decided=3)
    """
    if not len(shape) == len(texture) == len(decision):
        found = f"{len(shape)} shapes, {len(texture)} textures and {len(decision)} decisions"
        raise MetricError(f"expected one shape, one texture and one decision for each image, found {found}")
    conflicts = [(s, t, d) for s, t, d in zip(shape, texture, decision, strict=True) if s != t]
    if not conflicts:
        raise MetricError(f"expected images whose shape and texture differ, found none among {len(shape)}")
    shapes = sum(bool(d == s) for s, _, d in conflicts)
    textures = sum(bool(d == t) for _, t, d in conflicts)
    n, decided = len(conflicts), shapes + textures
    bias = _percent(shapes, decided) if decided else None
    return ShapeBias(bias, _percent(shapes, n), _percent(textures, n), n, decided)


def fine_coarse(predictions: ArrayLike, labels: ArrayLike, members: Collection[int]) -> FineCoarse:
    """Accuracy on the images whose label is one of `members`, the class indices of one superclass (the paper's dogs).

    Source: the paper, section 4.2: fine is the very class, coarse any class of the superclass.

    >>> fine_coarse([7, 8, 1, 7], [7, 7, 7, 1], members={7, 8})
    FineCoarse(fine=33.333333333333336, coarse=66.66666666666667, n=3)
    """
    predicted, right = _pair(predictions, labels)
    if not len(members):
        raise MetricError("expected at least one class in the superclass, found none")
    indices = np.fromiter(members, dtype=np.int64)
    inside = np.isin(right, indices)
    n = int(np.count_nonzero(inside))
    if n == 0:
        raise MetricError(f"expected images of the superclass's {len(indices)} classes, found none among {len(right)}")
    fine = np.count_nonzero(predicted[inside] == right[inside])
    coarse = np.count_nonzero(np.isin(predicted[inside], indices))
    return FineCoarse(_percent(fine, n), _percent(coarse, n), n)


def similarity(queries: ArrayLike, others: ArrayLike) -> NDArray[np.float64]:
    """Cosine of the angle between embeddings, -1 to 1; `(..., D)` and `(..., D)`, broadcast, to `(...)`.

    >>> similarity([[3.0, 4.0], [1.0, 0.0]], [[6.0, 8.0], [0.0, 2.0]]).tolist()
    [1.0, 0.0]
    """
    left, right = np.asarray(queries, dtype=np.float64), np.asarray(others, dtype=np.float64)
    if left.size == 0 or right.size == 0:
        raise MetricError("expected at least one embedding on each side, found none")
    if left.shape[-1:] != right.shape[-1:]:
        raise MetricError(f"expected embeddings of equal length, found {left.shape} and {right.shape}")
    lengths = np.linalg.norm(left, axis=-1) * np.linalg.norm(right, axis=-1)
    if not np.all(lengths > 0):
        raise MetricError("expected embeddings with a direction, found one of length 0")
    cosines: NDArray[np.float64] = np.sum(left * right, axis=-1) / lengths
    return cosines


def class_accuracies(predictions: ArrayLike, labels: ArrayLike) -> dict[int, float]:
    """Accuracy on the images of each class that has any, in the order of the classes' indices.

    >>> class_accuracies([3, 1, 2, 2], [3, 1, 0, 1])
    {0: 0.0, 1: 50.0, 3: 100.0}
    """
    predicted, right = _pair(predictions, labels)
    if right.min() < 0:
        raise MetricError(f"expected class indices of 0 or more, found {right.min()}")
    images, hits = np.bincount(right), np.bincount(right[predicted == right], minlength=right.max() + 1)
    return {int(index): _percent(hits[index], int(images[index])) for index in np.flatnonzero(images)}


def _percent(part: int | np.integer, whole: int) -> float:
    return 100.0 * int(part) / whole


def _pair(predictions: ArrayLike, labels: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Two equally long arrays of class indices, or the reason why they are not."""
    predicted, right = np.asarray(predictions), np.asarray(labels)
    if predicted.ndim != 1 or predicted.shape != right.shape:
        found = f"{predicted.shape} and {right.shape}"
        raise MetricError(f"expected predictions and labels of one shape (N,), found {found}")
    if len(right) == 0:
        raise MetricError("expected at least one prediction, found none")
    if not (np.issubdtype(predicted.dtype, np.integer) and np.issubdtype(right.dtype, np.integer)):
        raise MetricError(f"expected class indices, found {predicted.dtype} predictions and {right.dtype} labels")
    return predicted, right


def _means(errors: Errors) -> dict[str, float]:
    """Mean error of each corruption over its severities."""
    if not errors:
        raise MetricError("expected errors of at least one corruption, found none")
    means = {}
    for name, value in errors.items():
        values = np.asarray(value, dtype=np.float64)
        if values.shape not in ((), (_SEVERITIES,)):
            expected = f"{_SEVERITIES} severities or their mean"
            raise MetricError(f'corruption "{name}": expected {expected}, found shape {values.shape}')
        if not np.all(np.isfinite(values)) or np.any(values < 0):
            raise MetricError(f'corruption "{name}": expected errors of 0 or more, found {value}')
        means[name] = float(values.mean())
    return means


def _same_corruptions(ours: Mapping[str, float], theirs: Mapping[str, float]) -> None:
    """Refuse two mappings that do not speak of the same corruptions."""
    missing, extra = sorted(theirs.keys() - ours.keys()), sorted(ours.keys() - theirs.keys())
    if missing or extra:
        sides = (("missing", missing), ("not in the reference", extra))
        found = "; ".join(f"{side}: {', '.join(names)}" for side, names in sides if names)
        raise MetricError(f"expected the reference's {len(theirs)} corruptions, found {len(ours)} ({found})")
