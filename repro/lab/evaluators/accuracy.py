"""Top-1 and top-5 accuracy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro import metrics
from repro.lab.evaluation import About, Answers, Columns, small


def observe(answers: Answers) -> dict[str, NDArray[Any]]:
    """Of each image the class it is taken for, among the set's classes and among all, the right one, and its rank."""
    columns = {"predictions": answers.predictions, "unmasked": answers.unmasked, "labels": answers.labels}
    return {**columns, "ranks": ranks(answers)}


def conclude(columns: Columns, about: About) -> dict[str, Any]:
    """`top1` and `top5` among the classes of the set of images, `top1_unmasked` among all of the classifier's."""
    return {
        "top1": metrics.top1(columns["predictions"], columns["labels"]),
        "top5": metrics.top5(columns["ranks"]),
        "top1_unmasked": metrics.top1(columns["unmasked"], columns["labels"]),
        "n": len(columns["labels"]),
    }


def ranks(answers: Answers) -> NDArray[np.signedinteger[Any]]:
    """(n,) how many of the images' classes come before the right one: 0 where `predictions` has it.

    More probable classes come before, and of equally probable ones those of a lower index, as in `predictions`.
    """
    allowed, right = np.sort(answers.about.columns), answers.labels[:, None]
    found = answers.probabilities[:, allowed]
    own = np.take_along_axis(answers.probabilities, right.astype(np.int64), axis=1)
    before = (found > own) | ((found == own) & (allowed < right))
    return small(before.sum(axis=1), below=len(answers.about.classifier))
