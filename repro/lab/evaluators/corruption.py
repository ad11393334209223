"""Accuracy under common corruptions (ImageNet-C)."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro import metrics
from repro.errors import JobFailed
from repro.lab.evaluation import About, Answers, Columns, small

_SEVERITIES = range(1, 6)


def observe(answers: Answers) -> dict[str, NDArray[Any]]:
    """Of each image the class it is taken for, the right one, and its condition."""
    images = answers.images
    if images.condition is None:
        raise JobFailed("the images carry no condition such as gaussian_noise/3, so they are no corrupted set")
    condition = small(images.condition, below=len(images.conditions))
    return {"predictions": answers.predictions, "labels": answers.labels, "condition": condition}


def conclude(columns: Columns, about: About) -> dict[str, Any]:
    """`mean_accuracy` over corruptions and severities, `severity-1` to `severity-5`, `errors` of each in percent.

    `mce` only where a reference network is named.
    """
    errors = severities(columns, about)
    values: dict[str, Any] = {"mean_accuracy": metrics.corruption_accuracy(errors, unit="percent")}
    for severity in _SEVERITIES:
        at = [series[severity - 1] for series in errors.values()]
        values[f"severity-{severity}"] = 100.0 - float(np.mean(at))
    if about.reference is not None:
        values["mce"] = metrics.mce(errors, about.reference)
    return {**values, "errors": errors, "n": len(columns["labels"])}


def severities(columns: Columns, about: About) -> dict[str, list[float]]:
    """Corruption to its top-1 error in percent at severities 1 to 5.

    Raises `JobFailed` where a corruption lacks one of the five.
    """
    found: dict[str, dict[int, float]] = defaultdict(dict)
    for index, name in enumerate(about.conditions):
        here = columns["condition"] == index
        corruption, _, severity = name.rpartition("/")
        if here.any():
            found[corruption][int(severity)] = 100.0 - metrics.top1(
                columns["predictions"][here], columns["labels"][here]
            )
    for corruption, series in found.items():
        if sorted(series) != list(_SEVERITIES):
            raise JobFailed(f"{corruption}: expected images of severities 1 to 5, found those of {sorted(series)}")
    return {corruption: [series[s] for s in _SEVERITIES] for corruption, series in found.items()}
