"""The classifier that the network learned together with its encoder; there is nothing to fit."""

from __future__ import annotations

from dataclasses import dataclass

from repro.errors import JobFailed
from repro.lab.jobs import Context
from repro.lab.probing import Fit, Material


@dataclass(frozen=True)
class Recipe:
    """Nothing to choose."""


def fit(material: Material, recipe: Recipe, *, context: Context) -> Fit:
    """The network's own classifier; raises `JobFailed` where the pretraining left none of these classes."""
    if material.own is None:
        raise JobFailed(
            f'probe.name: "own" takes the classifier that the pretraining learned, and it left none of these '
            f"{material.classes} classes; a method that learns from labels leaves one (supervised)"
        )
    return Fit(material.own, {})
