"""Accuracy class by class: which classes a network knows, as from their texture alone in ImageNet-Texture."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from repro import metrics
from repro.lab.evaluation import About, Answers, Columns
from repro.reference import geirhos16, wnids

_BEST = 10


def observe(answers: Answers) -> dict[str, NDArray[Any]]:
    """Of each image the class it is taken for and the right one."""
    return {"predictions": answers.predictions, "labels": answers.labels}


def conclude(columns: Columns, about: About) -> dict[str, Any]:
    """`best-class`, the accuracy of the best one; `best-ten` by name; `classes`, the accuracy of each that has images.

    `best-ten-in-16` counts those of the ten best that belong to one of Geirhos' 16 categories. Of equally good classes
    the first in the classifier's order is the better. Where it cannot be told it is null and `best-ten-in-16-why` says
    why.
    """
    each = metrics.class_accuracies(columns["predictions"], columns["labels"])
    best = sorted(each, key=lambda index: (-each[index], index))[:_BEST]
    names = about.classifier
    return {
        "best-class": each[best[0]],
        "best-ten": {names[index]: each[index] for index in best},
        **_in_categories(best, names),
        "classes": {names[index]: accuracy for index, accuracy in each.items()},
        "n": len(columns["labels"]),
    }


def _in_categories(best: list[int], names: tuple[str, ...]) -> dict[str, Any]:
    """How many of the best classes are in Geirhos' categories, or why that cannot be told."""
    places = {wnid: index for index, wnid in enumerate(wnids("imagenet-1k"))}
    strange = [name for name in names if name not in places]
    if strange:
        why = f"the 16 categories are made of ImageNet's classes, and {strange[0]!r} is none of them"
    elif len(best) < _BEST:
        why = f"the images are of {len(best)} classes, so there are no ten best"
    else:
        inside = {index for indices in geirhos16().values() for index in indices}
        return {"best-ten-in-16": sum(places[names[index]] in inside for index in best)}
    return {"best-ten-in-16": None, "best-ten-in-16-why": why}
