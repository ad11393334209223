"""Every metric of an evaluation once more, from what it kept of each image; no code of the lab has a part in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro import metrics
from repro.judge.certificate import shape_bias
from repro.judge.certificate.cosines import similarity
from repro.judge.certificate.predictions import Predictions
from repro.metrics import MetricError
from repro.reference import alexnet_errors, geirhos16, wnids

Errors = Mapping[str, Sequence[float]]  # corruption -> error in percent at severities 1 to 5
_SEVERITIES = ("1", "2", "3", "4", "5")
_BEST = 10


def values(evaluator: str, kept: Predictions, *, reference: Errors | None) -> dict[str, Any]:
    """What the record of an evaluation says, by name; `reference` are the errors that normalise mCE, if any do.

    `evaluator` is one of `EVALUATORS`. Raises `MetricError` where the columns are not its.
    """
    if evaluator == "corruption":
        return {**corruption(kept, reference), "images": kept.images}
    found = EVALUATORS[evaluator](kept)
    return found if evaluator == "similarity" else {**found, "images": kept.images}


def accuracy(kept: Predictions) -> dict[str, Any]:
    """Top-1 and top-5 among the classes of the images, top-1 among all of the classifier's.

    An image that is right has the right class first among all: raises `MetricError` where ranks say otherwise.
    """
    labels, predictions, ranks = _labels(kept), _predictions(kept), kept.indices("ranks")
    if not np.array_equal(predictions == labels, ranks == 0):
        odd = int(((predictions == labels) != (ranks == 0)).sum())
        raise MetricError(
            f"expected the right class first of all where it was predicted and nowhere else, found {odd} "
            f"of {len(ranks)} images otherwise"
        )
    return {
        "top1": metrics.top1(predictions, labels),
        "top5": metrics.top5(ranks),
        "top1_unmasked": metrics.top1(_predictions(kept, "unmasked"), labels),
        "n": len(labels),
    }


def class_accuracy(kept: Predictions) -> dict[str, Any]:
    """Accuracy class by class, the ten best classes, and how many of them belong to Geirhos' 16 categories."""
    each = metrics.class_accuracies(_predictions(kept), _labels(kept))
    names = kept.said.classifier
    best = sorted(each, key=lambda index: (-each[index], index))[:_BEST]
    places = {wnid: index for index, wnid in enumerate(wnids("imagenet-1k"))}
    strange = next((name for name in names if name not in places), None)
    told: dict[str, Any]
    if strange is not None:
        why = f"the 16 categories are made of ImageNet's classes, and {strange!r} is none of them"
        told = {"best-ten-in-16": None, "best-ten-in-16-why": why}
    elif len(best) < _BEST:
        why = f"the images are of {len(best)} classes, so there are no ten best"
        told = {"best-ten-in-16": None, "best-ten-in-16-why": why}
    else:
        inside = {index for indices in geirhos16().values() for index in indices}
        told = {"best-ten-in-16": sum(places[names[index]] in inside for index in best)}
    return {
        "best-class": each[best[0]],
        "best-ten": {names[index]: each[index] for index in best},
        "classes": {names[index]: percent for index, percent in each.items()},
        "n": kept.images,
        **told,
    }


def fine_coarse(kept: Predictions) -> dict[str, Any]:
    """Accuracy inside the one superclass of the images."""
    parents = np.array(kept.said.parents or [], dtype=np.int64)
    owners = np.unique(parents[parents >= 0])
    if len(owners) != 1:
        raise MetricError(f"expected images of one superclass, found {len(owners)}")
    members = kept.said.places()[parents == owners[0]]
    found = metrics.fine_coarse(_predictions(kept), _labels(kept), members=members)
    return {"fine": found.fine, "coarse": found.coarse, "n": found.n}


def corruption(kept: Predictions, reference: Errors | None) -> dict[str, Any]:
    """Mean accuracy over corruptions and severities, that of each severity, the errors, and mCE by a reference."""
    found = errors(kept)
    told: dict[str, Any] = {"mean_accuracy": metrics.corruption_accuracy(found, unit="percent")}
    for place, severity in enumerate(_SEVERITIES):
        told[f"severity-{severity}"] = 100.0 - float(np.mean([series[place] for series in found.values()]))
    if reference is not None:
        told["mce"] = metrics.mce(found, reference)
    return {**told, "errors": found, "n": kept.images}


def errors(kept: Predictions) -> dict[str, list[float]]:
    """Corruption to its top-1 error in percent at severities 1 to 5, of those that have images."""
    names = kept.said.conditions
    condition = kept.indices("condition", below=len(names))
    predictions, labels = _predictions(kept), _labels(kept)
    found: dict[str, dict[str, float]] = {}
    for index in np.unique(condition):
        corruption, _, severity = names[int(index)].rpartition("/")
        here = condition == index
        found.setdefault(corruption, {})[severity] = 100.0 - metrics.top1(predictions[here], labels[here])
    for corruption, series in found.items():
        if sorted(series) != list(_SEVERITIES):
            raise MetricError(f"{corruption}: expected images of severities 1 to 5, found those of {sorted(series)}")
    return {corruption: [series[severity] for severity in _SEVERITIES] for corruption, series in found.items()}


def alexnet() -> Errors:
    """AlexNet's errors, in percent."""
    return {name: [100.0 * error for error in five] for name, five in alexnet_errors().corruptions.items()}


def _labels(kept: Predictions) -> NDArray[np.int64]:
    return kept.indices("labels", below=len(kept.said.classifier))


def _predictions(kept: Predictions, name: str = "predictions") -> NDArray[np.int64]:
    return kept.indices(name, below=len(kept.said.classifier))


EVALUATORS: Mapping[str, Callable[[Predictions], dict[str, Any]]] = {
    "accuracy": accuracy,
    "class_accuracy": class_accuracy,
    "fine_coarse": fine_coarse,
    "shape_bias": shape_bias.values,
    "similarity": similarity,
    "corruption": lambda kept: corruption(kept, None),
}
