"""Logistic regression on features computed once: a convex problem solved to its end in about a second.

Differs: the paper's probe is `sgd` with augmented images; this one has no seed, no schedule and no augmentation, and
stands in for it where seconds count.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from repro.lab import encoder
from repro.lab.jobs import Context
from repro.lab.probing import Classifier, Fit, Material, accuracy

_HISTORY = 20  # of L-BFGS; it changes the way there, not where it ends


@dataclass(frozen=True)
class Recipe:
    """How strongly the weights are held, and for how long to look."""

    weight_decay: float  # times half the squared norm of the weights, beside the mean cross-entropy
    iterations: int
    standardise: bool  # features to mean 0 and standard deviation 1 first


def fit(material: Material, recipe: Recipe, *, context: Context) -> Fit:
    """Minimise the mean cross-entropy plus the penalty; float64, all images at once."""
    features = encoder.features(material.encoder, material.train.images, show=material.plain, context=context).double()
    mean, scale = torch.zeros(features.shape[1]).double(), torch.ones(features.shape[1]).double()
    if recipe.standardise:
        mean, scale = features.mean(0), features.std(0, unbiased=False).clamp_min(1e-6)
    inputs = (features - mean) / scale
    weight, bias = _minimise(inputs, material.train.labels, classes=material.classes, recipe=recipe)
    train = accuracy(inputs @ weight.T + bias, material.train.labels)
    folded = Classifier((weight / scale).float(), (bias - (weight / scale) @ mean).float())
    return Fit(folded, {"train_top1": train})


def _minimise(inputs: Tensor, labels: Tensor, *, classes: int, recipe: Recipe) -> tuple[Tensor, Tensor]:
    weight = torch.zeros(classes, inputs.shape[1], dtype=inputs.dtype, requires_grad=True)
    bias = torch.zeros(classes, dtype=inputs.dtype, requires_grad=True)
    search = torch.optim.LBFGS(
        [weight, bias], max_iter=recipe.iterations, history_size=_HISTORY, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        search.zero_grad()
        loss = F.cross_entropy(torch.addmm(bias, inputs, weight.T), labels)
        loss = loss + 0.5 * recipe.weight_decay * weight.square().sum()
        loss.backward()
        return loss

    search.step(closure)
    return weight.detach(), bias.detach()
