"""Accuracy under common corruptions (ImageNet-C)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro import metrics
from repro.errors import JobFailed
from repro.lab.evaluation import Answers, Result

_SEVERITIES = range(1, 6)


def evaluate(answers: Answers) -> Result:
    """`mean_accuracy` over corruptions and severities, `severity-1` to `severity-5`, `errors` of each in percent.

    `mce` only where a reference network is named.
    """
    images = answers.images
    if images.condition is None:
        raise JobFailed("the images carry no condition such as gaussian_noise/3, so they are no corrupted set")
    errors = severities(answers.predictions, answers.labels, images.condition, conditions=images.conditions)
    values: dict[str, Any] = {"mean_accuracy": metrics.corruption_accuracy(errors, unit="percent")}
    for severity in _SEVERITIES:
        at = [series[severity - 1] for series in errors.values()]
        values[f"severity-{severity}"] = 100.0 - float(np.mean(at))
    if answers.reference is not None:
        values["mce"] = metrics.mce(errors, answers.reference)
    values |= {"errors": errors, "n": len(answers.labels)}
    arrays = {
        "predictions": answers.predictions,
        "labels": answers.labels,
        "condition": images.condition.astype(np.int32),
        "conditions": np.array(images.conditions),
    }
    return Result(values, arrays)


def severities(
    predictions: NDArray[np.integer[Any]],
    labels: NDArray[np.integer[Any]],
    condition: NDArray[np.integer[Any]],
    *,
    conditions: Sequence[str],
) -> dict[str, list[float]]:
    """Corruption to its top-1 error in percent at severities 1 to 5; `condition` (N,) indexes `conditions`.

    Raises `JobFailed` where a corruption lacks one of the five.
    """
    found: dict[str, dict[int, float]] = defaultdict(dict)
    for index, name in enumerate(conditions):
        here = condition == index
        corruption, _, severity = name.rpartition("/")
        if here.any():
            found[corruption][int(severity)] = 100.0 - metrics.top1(predictions[here], labels[here])
    for corruption, series in found.items():
        if sorted(series) != list(_SEVERITIES):
            raise JobFailed(f"{corruption}: expected images of severities 1 to 5, found those of {sorted(series)}")
    return {corruption: [series[s] for s in _SEVERITIES] for corruption, series in found.items()}
