"""Train a linear classifier on the frozen features of a pretrained encoder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from repro.errors import JobFailed
from repro.lab import data, encoder, probing
from repro.lab.jobs import Context, Outcome
from repro.lab.recipes import build, member


def run(spec: Mapping[str, Any], *, seed: int, inputs: Mapping[str, Path], folder: Path, context: Context) -> Outcome:
    """Fit the probe of `spec["recipe"]` to `inputs["data"]` through the encoder of `inputs["pretrain"]`.

    `inputs["held_out"]`, where given, is watched by a probe that looks after each epoch. Unlabelled images are left
    out. Raises `JobFailed` where there is no labelled image.
    """
    groups = spec["recipe"]
    views, probe = member("views", groups["views"]["name"]), member("probes", groups["probe"]["name"])
    shown = build(views.Recipe, groups["views"])
    train = data.read(inputs["data"])
    material = probing.Material(
        encoder=encoder.load(inputs["pretrain"], groups["net"], device=context.device),
        train=_labelled(train),
        held_out=_labelled(data.read(inputs["held_out"])) if "held_out" in inputs else None,
        classes=len(train.classes),
        plain=lambda images: views.plain(images, shown, pixels=spec["pixels"]),
        normalise=lambda images: views.normalise(images, shown),
        pixels=spec["pixels"],
        seed=seed,
        folder=folder,
        own=_own(inputs["pretrain"], train.classes),
    )
    fit = probe.fit(material, build(probe.Recipe, groups["probe"]), context=context)
    fit.classifier.save(folder, classes=train.classes)
    return Outcome(values=fit.values, files=[probing.FILE])


def _own(pretrained: Path, classes: tuple[str, ...]) -> probing.Classifier | None:
    """The classifier of these very classes that a pretraining left, if it left one."""
    if not (pretrained / probing.FILE).is_file():
        return None
    classifier, names = probing.load(pretrained)
    return classifier if names == classes else None


def _labelled(images: data.Images) -> probing.Labelled:
    known = np.flatnonzero(images.labels >= 0)
    if not len(known):
        raise JobFailed(f"the probe needs labelled images, and none of {len(images)} has a label")
    return probing.Labelled(images.images[known], torch.from_numpy(images.labels[known]))
