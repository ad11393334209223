"""Shape bias on cue-conflict images: does a network go by the shape of one class or the texture of another?

A classifier decides among the categories that it has a class for. One that has a class for all of them, as the 1,000
classes of ImageNet have for Geirhos' 16, is measured as everybody does. One that has not can be read in several ways,
all of them from the same decisions; `docs/shape-bias.md` says what each counts.

Source: Geirhos et al. 2019, "ImageNet-trained CNNs are biased towards texture", section 2; rgeirhos/texture-vs-shape
code/helper/probabilities_to_decision.py: softmax, then mean probability over a category's classes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro import metrics
from repro.errors import JobFailed
from repro.lab.evaluation import About, Answers, Columns, small
from repro.reference import geirhos16, wnids

Names = NDArray[np.str_]


def observe(answers: Answers) -> dict[str, NDArray[Any]]:
    """Of each image its shape and texture, classes of the set, and `decision`, an index of the `categories`.

    The decision is the category with the largest mean probability over its classes; where the images' classes have a
    superclass in common, it is that of the most probable class, or the superclass this belongs to.
    """
    images, about = answers.images, answers.about
    if images.textures is None:
        raise JobFailed("the images carry no texture of their own, so they are no cue-conflict set")
    names, found = categories(about), members(about)
    if about.parents is None:
        decision = np.searchsorted(names, metrics.category_by_mean(answers.probabilities, found))
    else:
        owners = {index: place for place, name in enumerate(names) for index in found.get(name, ())}
        allowed = np.array(sorted(owners))
        best = allowed[answers.probabilities[:, allowed].argmax(1)]
        decision = np.array([owners[int(index)] for index in best])
    classes = len(about.classes)
    return {
        "predictions": answers.unmasked,
        "shape": small(images.labels, below=classes),
        "texture": small(images.textures, below=classes),
        "decision": small(decision, below=len(names)),
    }


def conclude(columns: Columns, about: About) -> dict[str, Any]:
    """`bias`, `shape_accuracy`, `texture_accuracy` in percent, `n` images with conflict, `decided` of them.

    These are of the images whose two cues are both among the categories with a class. With `-any-cue` they are of the
    images with at least one cue among them, with `-all` of all with conflict, with `-model-vs-human` the first
    reading's counts over its images with conflict or without. `bias-mean-over-shapes` weighs each shape category alike.
    """
    of_class = np.array([_category(about, index) for index in range(len(about.classes))])
    names, known = categories(about), list(members(about))
    shape, texture, decision = of_class[columns["shape"]], of_class[columns["texture"]], names[columns["decision"]]
    inside = np.isin(shape, known).astype(int) + np.isin(texture, known)
    if not (shape != texture)[inside == 2].any():
        raise JobFailed(
            f"no image has its shape and another texture among the {len(known)} of {len(names)} categories that the "
            f"classifier has a class for ({', '.join(known)}), so there is no shape bias"
        )
    values: dict[str, Any] = {}
    for reading, cues in (("", 2), ("-any-cue", 1), ("-all", 0)):
        kept = inside >= cues
        found = metrics.shape_bias(shape[kept].tolist(), texture[kept].tolist(), decision[kept].tolist())
        values |= {
            f"bias{reading}": found.bias,
            f"shape_accuracy{reading}": found.shape_accuracy,
            f"texture_accuracy{reading}": found.texture_accuracy,
            f"n{reading}": found.n,
            f"decided{reading}": found.decided,
        }
    whole = int((inside == 2).sum())
    for kind in ("shape", "texture"):
        values[f"{kind}_accuracy-model-vs-human"] = values[f"{kind}_accuracy"] * values["n"] / whole
    values |= {"n-model-vs-human": whole, "categories": len(known), "categories_of": len(names)}
    return values | {"bias-mean-over-shapes": _mean_over_shapes(shape, texture, decision, inside == 2)}


def categories(about: About) -> Names:
    """What a decision can be, in alphabetical order: the classes of the images, superclasses in place of theirs."""
    return np.array(sorted({_category(about, index) for index in range(len(about.classes))}))


def members(about: About) -> dict[str, list[int]]:
    """Category, in alphabetical order, to the classifier's classes that belong to it; none without a class.

    A class belongs by its name, or by its wnid to Geirhos' categories; of a thousand classes without such a name, by
    its index in ImageNet. Raises `JobFailed` where no class belongs to any.
    """
    names, imagenet = set(categories(about).tolist()), wnids("imagenet-1k")
    own = {name: _category(about, index) for index, name in enumerate(about.classes)}
    if names <= set(geirhos16()):
        own |= {imagenet[index]: name for name, indices in geirhos16().items() for index in indices if name in names}
    found: dict[str, list[int]] = {}
    for index, name in enumerate(about.classifier):
        if name in own:
            found.setdefault(own[name], []).append(index)
    nameless = len(about.classifier) == len(imagenet) and not set(about.classifier) & set(imagenet)
    if not found and nameless and names <= set(geirhos16()):
        found = {name: list(indices) for name, indices in geirhos16().items() if name in names}
    if not found:
        raise JobFailed(
            f"none of the classifier's {len(about.classifier)} classes, such as {about.classifier[0]!r}, is one of the "
            f"images' {len(names)} categories ({', '.join(sorted(names))}) by name or wnid, so there is no shape bias"
        )
    return dict(sorted(found.items()))


def _category(about: About, index: int) -> str:
    """The superclass of a class of the images, or the class itself where it has none."""
    parent = -1 if about.parents is None else about.parents[index]
    return about.classes[index] if parent < 0 else about.parent_names[parent]


def _mean_over_shapes(shape: Names, texture: Names, decision: Names, kept: NDArray[np.bool_]) -> float | None:
    """Mean of the biases of each shape category's images, of those with a decision for shape or texture."""
    biases = []
    for name in np.unique(shape[kept & (shape != texture)]):
        here = kept & (shape == name)
        bias = metrics.shape_bias(shape[here].tolist(), texture[here].tolist(), decision[here].tolist()).bias
        biases += [] if bias is None else [bias]
    return float(np.mean(biases)) if biases else None
