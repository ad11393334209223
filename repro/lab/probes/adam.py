"""The linear probe of the hard-negatives code: a linear layer trained by Adam, at one rate, on augmented images.

Source: joshr17/HCL@7b4647f image/linear.py, image/utils.py.
Differs: there the frozen network's batch normalisation stays in training mode while the layer learns, so that batch
statistics make the features and its running statistics move to the labelled images; here the network is as pretraining
left it. There training images are augmented as in pretraining, colours and blur included, and tested at their native
size; here they are cropped and flipped, and tested at the size of training.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch

from repro.lab import descent
from repro.lab.jobs import Context
from repro.lab.optimizers import adam
from repro.lab.probing import Fit, Material
from repro.lab.seeds import generator


@dataclass(frozen=True)
class Recipe:
    """How the layer is trained."""

    lr: float
    momentum: float  # beta 1
    second_momentum: float  # beta 2
    weight_decay: float
    batch: int
    epochs: int
    crop_scale: tuple[float, float]
    selection: Literal["last", "best"]  # the epoch that is kept; best: on held-out images


def fit(material: Material, recipe: Recipe, *, context: Context) -> Fit:
    """Train the layer; the held-out images, where there are any, are looked at after each epoch."""
    course = descent.Course(
        recipe.batch, recipe.epochs, recipe.crop_scale, recipe.selection, rate=lambda epoch: recipe.lr
    )
    return descent.fit(material, course, state=start(material, recipe, device=context.device), context=context)


def start(material: Material, recipe: Recipe, *, device: str) -> descent.State:
    """Weights and bias uniform within 1 / sqrt(F) of 0, as torch's linear layer begins."""
    random, features = generator(material.seed, "probe"), material.encoder.feature_size
    layer = torch.rand(material.classes, features + 1, generator=random).mul_(2).sub_(1).div_(math.sqrt(features))
    layer = layer.to(device)
    rule = adam.Recipe(recipe.lr, recipe.momentum, recipe.second_momentum, recipe.weight_decay)
    return descent.start(layer[:, :-1], layer[:, -1], optimizer=lambda parts: adam.build(parts, rule))
