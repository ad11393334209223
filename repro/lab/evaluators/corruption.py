"""Accuracy under common corruptions (ImageNet-C)."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro import metrics
from repro.errors import JobFailed
from repro.lab.evaluation import Answers, Result
from repro.reference import alexnet_errors

_SEVERITIES = range(1, 6)


def evaluate(answers: Answers) -> Result:
    """`mean_accuracy` over corruptions and severities, `severity-1` to `severity-5`, `errors` of each in percent.

    `mce` only where a reference network is named.
    """
    images = answers.images
    if images.condition is None:
        raise JobFailed("the images carry no condition such as gaussian_noise/3, so they are no corrupted set")
    errors = _errors(answers, images.condition)
    values: dict[str, Any] = {"mean_accuracy": metrics.corruption_accuracy(errors, unit="percent")}
    for severity in _SEVERITIES:
        at = [series[severity - 1] for series in errors.values()]
        values[f"severity-{severity}"] = 100.0 - float(np.mean(at))
    if answers.reference is not None:
        if answers.reference != "alexnet":
            raise JobFailed(f'reference: expected "alexnet", found "{answers.reference}"')
        reference = {name: [100.0 * e for e in series] for name, series in alexnet_errors().corruptions.items()}
        values["mce"] = metrics.mce(errors, reference)
    values |= {"errors": errors, "n": len(answers.labels)}
    arrays = {
        "predictions": answers.predictions,
        "labels": answers.labels,
        "condition": images.condition.astype(np.int32),
        "conditions": np.array(images.conditions),
    }
    return Result(values, arrays)


def _errors(answers: Answers, condition: NDArray[np.int64]) -> dict[str, list[float]]:
    """Corruption to its top-1 error in percent at severities 1 to 5."""
    found: dict[str, dict[int, float]] = defaultdict(dict)
    for index, name in enumerate(answers.images.conditions):
        here = condition == index
        corruption, _, severity = name.rpartition("/")
        if here.any():
            found[corruption][int(severity)] = 100.0 - metrics.top1(answers.predictions[here], answers.labels[here])
    for corruption, series in found.items():
        if sorted(series) != list(_SEVERITIES):
            raise JobFailed(f"{corruption}: expected images of severities 1 to 5, found those of {sorted(series)}")
    return {corruption: [series[s] for s in _SEVERITIES] for corruption, series in found.items()}
