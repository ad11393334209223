"""The official linear probe: a linear layer trained by SGD on augmented images through the frozen encoder.

Source: facebookresearch/moco@78b69ca main_lincls.py; settings of
SongweiGe/Contrastive-Learning-with-Non-Semantic-Negatives@5fbdc4d README.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from repro.lab import descent
from repro.lab.jobs import Context
from repro.lab.optimizers import sgd
from repro.lab.probing import Fit, Material
from repro.lab.seeds import generator


@dataclass(frozen=True)
class Recipe:
    """How the layer is trained."""

    lr: float
    momentum: float
    weight_decay: float
    batch: int
    epochs: int
    drops: tuple[int, ...]  # epochs after which the learning rate falls
    drop_factor: float
    crop_scale: tuple[float, float]
    init_std: float
    selection: Literal["last", "best"]  # the epoch that is kept; best: on held-out images, as the official script saves


def fit(material: Material, recipe: Recipe, *, context: Context) -> Fit:
    """Train the layer; the held-out images, where there are any, are looked at after each epoch."""

    def rate(epoch: int) -> float:
        return recipe.lr * recipe.drop_factor ** sum(epoch >= drop for drop in recipe.drops)

    course = descent.Course(recipe.batch, recipe.epochs, recipe.crop_scale, recipe.selection, rate)
    return descent.fit(material, course, state=start(material, recipe, device=context.device), context=context)


def start(material: Material, recipe: Recipe, *, device: str) -> descent.State:
    """Normal weights, no bias."""
    size = (material.classes, material.encoder.feature_size)
    weight = torch.randn(size, generator=generator(material.seed, "probe")) * recipe.init_std
    rule = sgd.Recipe(recipe.lr, recipe.momentum, recipe.weight_decay)
    return descent.start(
        weight.to(device), torch.zeros(material.classes, device=device), optimizer=lambda layer: sgd.build(layer, rule)
    )
