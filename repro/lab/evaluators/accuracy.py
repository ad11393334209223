"""Top-1 accuracy."""

from __future__ import annotations

from repro import metrics
from repro.lab.evaluation import Answers, Result


def evaluate(answers: Answers) -> Result:
    """`top1` among the classes of the set of images, `top1_unmasked` among all of the classifier's."""
    values = {
        "top1": metrics.top1(answers.predictions, answers.labels),
        "top1_unmasked": metrics.top1(answers.unmasked, answers.labels),
        "n": len(answers.labels),
    }
    arrays = {"predictions": answers.predictions, "unmasked": answers.unmasked, "labels": answers.labels}
    return Result(values, arrays)
