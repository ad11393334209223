"""Accuracy inside one superclass: the very class (fine), any class of the superclass (coarse); the paper's dogs."""

from __future__ import annotations

import numpy as np

from repro import metrics
from repro.errors import JobFailed
from repro.lab.evaluation import Answers, Result


def evaluate(answers: Answers) -> Result:
    """`fine`, `coarse` and `n`, the images of the superclass."""
    images = answers.images
    parents = np.array(images.parents if images.parents is not None else [], dtype=np.int64)
    superclasses = np.unique(parents[parents >= 0])
    if len(superclasses) != 1:
        raise JobFailed(f"fine and coarse accuracy need one superclass, and the images have {len(superclasses)}")
    members = answers.columns[np.flatnonzero(parents == superclasses[0])]
    found = metrics.fine_coarse(answers.predictions, answers.labels, members=members)
    arrays = {"predictions": answers.predictions, "labels": answers.labels, "members": members.astype(np.int32)}
    return Result({"fine": found.fine, "coarse": found.coarse, "n": found.n}, arrays)
