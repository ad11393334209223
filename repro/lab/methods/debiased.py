"""Debiased contrastive learning: SimCLR whose negatives are cleared of the images that are like the positive.

Source: Chuang et al. 2020, "Debiased contrastive learning"; chingyaoc/DCL@30189fb main.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from torch import nn

from repro.lab.batch import Setting
from repro.lab.losses import reweighted
from repro.lab.methods.simclr import SimCLR


@dataclass(frozen=True)
class Recipe:
    """What is added to SimCLR."""

    temperature: float
    tau_plus: float  # the share of the other images that are of the same class


def build(recipe: Recipe, encoder: nn.Module, *, setting: Setting) -> SimCLR:
    """SimCLR with the debiased loss; raises `JobFailed` where tau_plus is no share below 1."""
    reweighted.check_share(recipe.tau_plus)
    dials = {"temperature": recipe.temperature, "tau_plus": recipe.tau_plus}
    return SimCLR(encoder, loss=partial(reweighted.debiased, **dials))
