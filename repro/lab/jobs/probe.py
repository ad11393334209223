"""Train a linear classifier on the frozen features of a pretrained encoder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from repro.errors import JobFailed
from repro.lab import data, encoder, probing, snapshot
from repro.lab.jobs import Context, Outcome
from repro.lab.recipes import build, member


def run(spec: Mapping[str, Any], *, seed: int, inputs: Mapping[str, Path], folder: Path, context: Context) -> Outcome:
    """Fit the probe of `spec["recipe"]` to `inputs["data"]` through the encoder of `inputs["pretrain"]`.

    `inputs["held_out"]`, where given, is watched by a probe that looks after each epoch, at the size its images have.
    Unlabelled images are left out. A classifier of these very classes that came with the weights of others is the
    probe, whatever the recipe says. Raises `JobFailed` where there is no labelled image or nothing was learned.
    """
    given = _given(inputs["pretrain"], inputs["data"], folder, context=context)
    if given is not None:
        return given
    groups = spec["recipe"]
    views, probe = member("views", groups["views"]["name"]), member("probes", groups["probe"]["name"])
    shown = build(views.Recipe, groups["views"])
    train = data.read(inputs["data"])
    material = probing.Material(
        encoder=encoder.load(inputs["pretrain"], groups["net"], device=context.device),
        train=_labelled(train, train.classes),
        held_out=_labelled(data.read(inputs["held_out"]), train.classes) if "held_out" in inputs else None,
        classes=len(train.classes),
        plain=lambda images: views.plain(images, shown, pixels=images.shape[-1]),
        normalise=lambda images: views.normalise(images, shown),
        mode=groups["input"]["mode"],
        pixels=spec["pixels"],
        seed=seed,
        folder=folder,
        own=_own(inputs["pretrain"], train.classes),
    )
    fit = probe.fit(material, build(probe.Recipe, groups["probe"]), context=context)
    if not all(bool(part.isfinite().all()) for part in (fit.classifier.weight, fit.classifier.bias)):
        raise JobFailed("the probe's weights are no numbers, as the encoder's features of these images are none")
    fit.classifier.save(folder, classes=train.classes)
    return Outcome(values=fit.values, files=[probing.FILE])


def _given(pretrained: Path, labelled: Path, folder: Path, *, context: Context) -> Outcome | None:
    """The classifier that the job `weights` took from a file of others, where it is one of these classes."""
    try:
        about = snapshot.load(pretrained / probing.FILE)[1]
    except FileNotFoundError:
        return None
    classes = data.read(labelled).classes
    if "taken" not in about or tuple(about["classes"]) != classes:
        return None
    context.note("the classifier that came with the weights is the probe; none is trained")
    probing.load(pretrained)[0].save(folder, classes=classes)
    return Outcome(values={"taken": about["taken"]}, files=[probing.FILE])


def _own(pretrained: Path, classes: tuple[str, ...]) -> probing.Classifier | None:
    """The classifier of these very classes that a pretraining left, if it left one."""
    if not (pretrained / probing.FILE).is_file():
        return None
    classifier, names = probing.load(pretrained)
    return classifier if names == classes else None


def _labelled(images: data.Images, classes: tuple[str, ...]) -> probing.Labelled:
    """The images that have a label, as an index of `classes`, by name."""
    known = np.flatnonzero(images.labels >= 0)
    if not len(known):
        raise JobFailed(f"the probe needs labelled images, and none of {len(images)} has a label")
    strange = [name for name in images.classes if name not in classes]
    if strange:
        raise JobFailed(
            f"{len(strange)} of the {len(images.classes)} classes of the held-out images are none of those that the "
            f"probe learns, such as {strange[0]}; name a set of the same classes"
        )
    places = torch.tensor([classes.index(name) for name in images.classes])
    return probing.Labelled(images.images[known], places[torch.from_numpy(images.labels[known])])
