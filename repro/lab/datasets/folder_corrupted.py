"""Photographs in an ImageFolder tree under the 15 corruptions of ImageNet-C at five severities."""

from __future__ import annotations

from dataclasses import dataclass, fields

from repro.lab.corruptions.sweep import every_corruption
from repro.lab.data import Images
from repro.lab.datasets import folder


@dataclass(frozen=True)
class Recipe:
    """A split as `folder` reads it, at most `count` pictures of each class (0: all), corrupted from a seed."""

    root: str
    split: str
    pixels: int
    count: int
    superclass: str  # as `folder`
    seed: int


def build(recipe: Recipe) -> Images:
    """Decode a split and corrupt it in every way: 75 times as many images. Raises `DataMissing` as `folder` does."""
    clean = folder.Recipe(**{field.name: getattr(recipe, field.name) for field in fields(folder.Recipe)})
    return every_corruption(folder.build(clean), seed=recipe.seed)
