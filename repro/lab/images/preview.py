"""A few images of each data set of a profile, to be looked at before anything is trained on them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np

from repro.lab.data import Files, Images
from repro.lab.images.decoding import centred, opened
from repro.lab.jobs import Context
from repro.lab.recipes import build, member

COUNT = 64  # enough for every class to be met
CLASSES = 16  # of a set of files, those shown: as many as a sheet of full-size pictures has room for


def preview(spec: Mapping[str, Any], *, of: Mapping[str, Any] | None) -> Images | None:
    """Build a small part of the set that `spec` describes; None where its images have no class to be shown under.

    `of` describes the set that it is made of, if it is made of one. Of a corrupted set, one image a class at severity
    3 of a corruption of its own each.
    """
    module = member("datasets", spec["name"])
    if of is not None:
        images = module.derive(_recipe(module, spec), _few(of), context=Context(device="cpu"))
    else:
        images = _few(spec)
    if (images.labels < 0).all():
        return None
    return images if images.condition is None else _one_of_each(images)


def _few(spec: Mapping[str, Any]) -> Images:
    module = member("datasets", spec["name"])
    count = min(spec["count"], COUNT) if spec["name"] == "shapes" else 2
    recipe = _recipe(module, {**spec, "count": count})
    found = module.find(recipe, context=Context(device="cpu")) if hasattr(module, "find") else module.build(recipe)
    return _decoded(found) if isinstance(found.images, Files) else found


def _decoded(images: Images) -> Images:
    """The first image of each of the first classes, in each condition, out of its file."""
    place = images.labels if images.condition is None else images.condition * len(images.classes) + images.labels
    _, first = np.unique(place, return_index=True)
    few = images[first[images.labels[first] < CLASSES]]
    files = few.images
    assert isinstance(files, Files)
    pictures = [opened(os.path.join(files.root, path)) for path in files.paths]
    whole = np.stack([centred(each, resize=files.resize, pixels=files.pixels) for each in pictures])
    parents = None if few.parents is None else few.parents[:CLASSES]
    return replace(few, images=whole, classes=few.classes[:CLASSES], parents=parents)


def _recipe(module: Any, spec: Mapping[str, Any]) -> Any:
    return build(module.Recipe, {field.name: spec[field.name] for field in fields(module.Recipe)})


def _one_of_each(images: Images) -> Images:
    severe = [index for index, name in enumerate(images.conditions) if name.endswith("/3")]
    picked = [
        int(np.flatnonzero((images.labels == label) & (images.condition == severe[label % len(severe)]))[0])
        for label in range(len(images.classes))
    ]
    return Images(images=images.images[picked], labels=images.labels[picked], classes=images.classes)
