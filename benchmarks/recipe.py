"""The recipes that are measured: those of table 1 under our profiles, so that no hyper-parameter stands here."""

from __future__ import annotations

from typing import Any

import timing  # noqa: F401  it makes `repro` the checkout this file lies in

from repro.lab.recipes import build, member
from repro.plan.scale import scale
from repro.spec import load, recipes

PLAIN, PATCH = "moco-k16384", "moco-k16384-patch-a2"
"""MoCo-v2 without and with patch-based negatives at alpha = 2."""
PROFILES = {"mini": 32, "pilot": 64, "paper": 224}
"""Profile to the side of its images in pixels."""


def row(name: str, *, profile: str) -> recipes.Plain:
    """The whole recipe of a row of table 1 under a profile, as plain values."""
    specs = load.specs()
    table, found = specs.row(f"table1/{name}")
    return scale(recipes.plain(recipes.resolve(specs.tables, table, found)), load.profile(profile))


def typed(family: str, values: dict[str, Any]) -> Any:
    """Values of a group as the Recipe of the module in `repro/lab/<family>` that they name."""
    return build(member(family, values["name"]).Recipe, values)


def drawn(split: str, *, count: int) -> Any:
    """The recipe of a split of the drawn images of the profile mini."""
    return typed(
        "datasets", {**load.profile("mini").shared["shapes"], "name": "shapes", "split": split, "count": count}
    )
