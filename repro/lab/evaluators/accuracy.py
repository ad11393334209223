"""Top-1 and top-5 accuracy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from repro import metrics
from repro.lab.evaluation import Answers, Result


def evaluate(answers: Answers) -> Result:
    """`top1` and `top5` among the classes of the set of images, `top1_unmasked` among all of the classifier's."""
    places = ranks(answers)
    values = {
        "top1": metrics.top1(answers.predictions, answers.labels),
        "top5": metrics.top5(places),
        "top1_unmasked": metrics.top1(answers.unmasked, answers.labels),
        "n": len(answers.labels),
    }
    arrays = {"predictions": answers.predictions, "unmasked": answers.unmasked, "labels": answers.labels}
    return Result(values, {**arrays, "ranks": places})


def ranks(answers: Answers) -> NDArray[np.int32]:
    """(N,) how many of the images' classes come before the right one: 0 where `predictions` has it.

    More probable classes come before, and of equally probable ones those of a lower index, as in `predictions`.
    """
    allowed, right = np.sort(answers.columns), answers.labels[:, None]
    found = answers.probabilities[:, allowed]
    own = np.take_along_axis(answers.probabilities, right.astype(np.int64), axis=1)
    before = (found > own) | ((found == own) & (allowed < right))
    return before.sum(axis=1).astype(np.int32)
