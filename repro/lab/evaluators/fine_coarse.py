"""Accuracy inside one superclass: the very class (fine), any class of the superclass (coarse); the paper's dogs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro import metrics
from repro.errors import JobFailed
from repro.lab.evaluation import About, Answers, Columns


def observe(answers: Answers) -> dict[str, NDArray[Any]]:
    """Of each image the class it is taken for and the right one."""
    _members(answers.about)
    return {"predictions": answers.predictions, "labels": answers.labels}


def conclude(columns: Columns, about: About) -> dict[str, Any]:
    """`fine`, `coarse` and `n`, the images of the superclass."""
    found = metrics.fine_coarse(columns["predictions"], columns["labels"], members=_members(about))
    return {"fine": found.fine, "coarse": found.coarse, "n": found.n}


def _members(about: About) -> NDArray[np.int64]:
    """The classes of the one superclass, as indices in the classifier."""
    parents = np.array(about.parents if about.parents is not None else [], dtype=np.int64)
    superclasses = np.unique(parents[parents >= 0])
    if len(superclasses) != 1:
        raise JobFailed(f"fine and coarse accuracy need one superclass, and the images have {len(superclasses)}")
    return about.columns[np.flatnonzero(parents == superclasses[0])]
