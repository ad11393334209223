"""Put one set of images through an encoder and its probe, and hand the predictions to an evaluator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from repro.errors import JobFailed
from repro.lab import data, encoder, probing
from repro.lab.evaluation import Answers
from repro.lab.evaluators import corruption
from repro.lab.jobs import Context, Outcome
from repro.lab.recipes import build, member
from repro.reference import alexnet_errors

PREDICTIONS = "predictions.npz"


def run(
    spec: Mapping[str, Any], *, seed: int | None, inputs: Mapping[str, Path], folder: Path, context: Context
) -> Outcome:
    """Evaluate as `spec["evaluator"]` does, on at most about `spec["limit"]` images of the set.

    The arrays that the metrics can be computed from again go to `predictions.npz`, the same for the same work.
    """
    groups = spec["recipe"]
    views = member("views", groups["views"]["name"])
    shown = build(views.Recipe, groups["views"])
    images = _limited(data.read(inputs["data"]), spec["limit"])
    network = encoder.load(inputs["pretrain"], groups["net"], device=context.device)
    classifier, classes = probing.load(inputs["probe"])
    features = encoder.features(
        network,
        images.images,
        show=lambda batch: views.plain(batch, shown, pixels=batch.shape[-1]),
        context=context,
    )
    if not bool(features.isfinite().all()):
        raise JobFailed("the encoder's features are no numbers on these images, so there is nothing to evaluate")
    answers = Answers(classifier.probabilities(features), classes, images, _reference(spec, inputs))
    result = member("evaluators", spec["evaluator"]).evaluate(answers)
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / PREDICTIONS, **result.arrays)
    return Outcome(values=result.values, files=[PREDICTIONS])


def _reference(spec: Mapping[str, Any], inputs: Mapping[str, Path]) -> Mapping[str, Sequence[float]] | None:
    """The errors that normalise mCE: AlexNet's, or those of the network whose evaluation is `inputs["reference"]`."""
    if "reference" in inputs:
        with np.load(inputs["reference"] / PREDICTIONS) as held:
            said = (held["predictions"], held["labels"], held["condition"])
            return corruption.severities(*said, conditions=[str(name) for name in held["conditions"]])
    if "reference" in spec:
        return {name: [100.0 * error for error in five] for name, five in alexnet_errors().corruptions.items()}
    return None


def _limited(images: data.Images, limit: int | None) -> data.Images:
    """About `limit` images drawn at random, the same ones each time, and equally many of each condition."""
    if limit is None or limit >= len(images):
        return images
    groups = images.condition if images.condition is not None else np.zeros(len(images), dtype=np.int64)
    names = np.unique(groups)
    share = max(1, limit // len(names))
    random = np.random.default_rng(0)
    kept = np.sort(np.concatenate([random.permutation(np.flatnonzero(groups == name))[:share] for name in names]))
    textures = None if images.textures is None else images.textures[kept]
    condition = None if images.condition is None else images.condition[kept]
    names = None if images.names is None else images.names[kept]
    few = {"images": images.images[kept], "labels": images.labels[kept], "names": names}
    return replace(images, textures=textures, condition=condition, **few)
