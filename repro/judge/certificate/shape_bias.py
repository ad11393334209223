"""Shape bias once more, in every reading that an evaluation stores, from its decisions (`docs/shape-bias.md`)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro import metrics
from repro.judge.certificate.predictions import Predictions, Said
from repro.metrics import MetricError
from repro.reference import geirhos16, wnids

_READINGS = (("", 2), ("-any-cue", 1), ("-all", 0))  # how many of the two cues are categories of the classifier
Names = NDArray[np.str_]


def values(kept: Predictions) -> dict[str, Any]:
    """Biases and accuracies of all readings, with the images that each is of."""
    said = kept.said
    owners = np.array([_category(said, index) for index in range(len(said.classes))])
    names = np.unique(owners)
    known = _known(said, set(names.tolist()))
    shape = owners[kept.indices("shape", below=len(owners))]
    texture = owners[kept.indices("texture", below=len(owners))]
    decision = names[kept.indices("decision", below=len(names))]
    cues = np.isin(shape, known).astype(int) + np.isin(texture, known)
    found: dict[str, Any] = {}
    for reading, least in _READINGS:
        bias = _bias(shape, texture, decision, cues >= least)
        found |= {
            f"bias{reading}": bias.bias,
            f"shape_accuracy{reading}": bias.shape_accuracy,
            f"texture_accuracy{reading}": bias.texture_accuracy,
            f"n{reading}": bias.n,
            f"decided{reading}": bias.decided,
        }
    whole = int((cues == 2).sum())
    for kind in ("shape", "texture"):
        found[f"{kind}_accuracy-model-vs-human"] = found[f"{kind}_accuracy"] * found["n"] / whole
    conflict = (cues == 2) & (shape != texture)
    each = [_bias(shape, texture, decision, conflict & (shape == name)).bias for name in np.unique(shape[conflict])]
    biases = [bias for bias in each if bias is not None]
    return {
        **found,
        "n-model-vs-human": whole,
        "categories": len(known),
        "categories_of": len(names),
        "bias-mean-over-shapes": float(np.mean(biases)) if biases else None,
    }


def _bias(shape: Names, texture: Names, decision: Names, kept: NDArray[np.bool_]) -> metrics.ShapeBias:
    return metrics.shape_bias(shape[kept].tolist(), texture[kept].tolist(), decision[kept].tolist())


def _category(said: Said, index: int) -> str:
    """The superclass of a class of the images, or the class itself where it has none."""
    parent = -1 if said.parents is None else said.parents[index]
    return said.classes[index] if parent < 0 else said.parent_names[parent]


def _known(said: Said, names: set[str]) -> list[str]:
    """The categories that the classifier has a class for, by the class's name or its WordNet id."""
    imagenet, categories = wnids("imagenet-1k"), geirhos16()
    owner = {name: _category(said, index) for index, name in enumerate(said.classes)}
    if names <= set(categories):
        owner |= {imagenet[index]: name for name in names for index in categories[name]}
    found = {owner[name] for name in said.classifier if name in owner}
    nameless = len(said.classifier) == len(imagenet) and not set(said.classifier) & set(imagenet)
    if not found and nameless and names <= set(categories):
        found = names
    if not found:
        raise MetricError(f"expected a class of one of the images' {len(names)} categories, found none")
    return sorted(found)
