"""Contrastive learning with hard negatives: debiased SimCLR that counts the negatives by how alike they are.

Source: Robinson et al. 2021, "Contrastive learning with hard negative samples"; joshr17/HCL@7b4647f image/main.py.
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
    beta: float  # how much more a hard negative counts; 0: all alike


def build(recipe: Recipe, encoder: nn.Module, *, setting: Setting) -> SimCLR:
    """SimCLR with the hard-negative loss; raises `JobFailed` where tau_plus is no share below 1."""
    reweighted.check_share(recipe.tau_plus)
    dials = {"temperature": recipe.temperature, "tau_plus": recipe.tau_plus, "beta": recipe.beta}
    return SimCLR(encoder, loss=partial(reweighted.hard, **dials))
