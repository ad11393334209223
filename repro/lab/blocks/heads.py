"""Projection heads: from features to what the contrastive loss sees."""

from __future__ import annotations

from torch import nn


def linear(features: int, *, outputs: int) -> nn.Module:
    """One linear layer (MoCo v1)."""
    return nn.Linear(features, outputs)


def mlp(features: int, *, hidden: int, outputs: int, norm: bool) -> nn.Module:
    """Two linear layers with a ReLU between them (MoCo-v2 `--mlp`), and batch normalisation before it where `norm`.

    Source: facebookresearch/moco@78b69ca moco/builder.py:24-27, where the hidden layer is as wide as the features.
    Differs: `norm`; MoCo-v2 has none. Small networks with heavy negatives stay on a plateau without it.
    """
    first = nn.Linear(features, hidden, bias=not norm)
    between = [nn.BatchNorm1d(hidden)] if norm else []
    return nn.Sequential(first, *between, nn.ReLU(inplace=True), nn.Linear(hidden, outputs))


def mlp3(features: int, *, hidden: int, outputs: int, norm: bool) -> nn.Module:
    """Three linear layers, a ReLU after the first two (SimCLRv2, FNC), batch normalisation after each where `norm`.

    The normalisation of the outputs scales but does not shift.

    Source: google-research/fnc@adf5da5 model_util.py projection_head; its hidden layers are as wide as the features.
    """
    layers: list[nn.Module] = []
    for inputs in (features, hidden):
        between = [nn.BatchNorm1d(hidden)] if norm else []
        layers += [nn.Linear(inputs, hidden, bias=not norm), *between, nn.ReLU(inplace=True)]
    layers.append(nn.Linear(hidden, outputs, bias=not norm))
    if norm:
        last = nn.BatchNorm1d(outputs)
        last.bias.requires_grad_(False)
        layers.append(last)
    return nn.Sequential(*layers)
