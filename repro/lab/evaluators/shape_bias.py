"""Shape bias on cue-conflict images: does a network go by the shape of one class or the texture of another?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from repro import metrics
from repro.errors import JobFailed
from repro.lab.evaluation import Answers, Result
from repro.reference import geirhos16


def evaluate(answers: Answers) -> Result:
    """`bias`, `shape_accuracy`, `texture_accuracy` and `n`, the images whose shape and texture differ.

    The decision is the category with the largest mean probability where the classifier has the 1,000 classes of
    ImageNet and the images the 16 categories; else the most probable class, or the superclass it belongs to.
    """
    images = answers.images
    if images.textures is None:
        raise JobFailed("the images carry no texture of their own, so they are no cue-conflict set")
    names = np.array([_category(answers, index) for index in range(len(images.classes))])
    shape, texture = names[images.labels], names[images.textures]
    decision = _decisions(answers)
    found = metrics.shape_bias(shape.tolist(), texture.tolist(), decision.tolist())
    values = {
        "bias": found.bias,
        "shape_accuracy": found.shape_accuracy,
        "texture_accuracy": found.texture_accuracy,
        "n": found.n,
        "decided": found.decided,
    }
    arrays = {"predictions": answers.unmasked, "shape": shape, "texture": texture, "decision": decision}
    return Result(values, arrays)


def _category(answers: Answers, index: int) -> str:
    """The superclass of a class of the images, or the class itself where it has none."""
    images = answers.images
    parent = -1 if images.parents is None else images.parents[index]
    return images.classes[index] if parent < 0 else images.parent_names[parent]


def _decisions(answers: Answers) -> NDArray[np.str_]:
    if answers.probabilities.shape[1] == 1000 and set(answers.images.classes) <= set(geirhos16()):
        return np.asarray(metrics.category_decision(answers.probabilities))
    places = {name: index for index, name in enumerate(answers.images.classes)}
    named = [_category(answers, places[name]) if name in places else name for name in answers.classes]
    return np.array(named)[answers.unmasked]
