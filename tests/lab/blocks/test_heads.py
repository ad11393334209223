"""Projection heads: their layers, and that batch normalisation is where the papers have it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from repro.lab.blocks import heads
from repro.lab.nets import resnet50


def kinds(head: nn.Module) -> list[str]:
    return [type(layer).__name__ for layer in head]  # type: ignore[attr-defined]


def test_three_layers_are_those_of_simclr_v2() -> None:
    """fnc model_util.py projection_head: dense without bias, batch normalisation, ReLU but at the end."""
    head = heads.mlp3(6, hidden=5, outputs=4, norm=True)
    assert kinds(head) == ["Linear", "BatchNorm1d", "ReLU"] * 2 + ["Linear", "BatchNorm1d"]
    assert [layer.bias is None for layer in head if isinstance(layer, nn.Linear)] == [True] * 3
    norms = [layer for layer in head if isinstance(layer, nn.BatchNorm1d)]
    assert [norm.bias.requires_grad for norm in norms] == [True, True, False]
    outputs = head(torch.randn(32, 6, generator=torch.Generator().manual_seed(0)))
    assert outputs.shape == (32, 4)
    torch.testing.assert_close(outputs.mean(0), torch.zeros(4), atol=1e-5, rtol=0)


def test_without_normalisation_the_three_layers_have_biases() -> None:
    head = heads.mlp3(6, hidden=5, outputs=4, norm=False)
    assert kinds(head) == ["Linear", "ReLU", "Linear", "ReLU", "Linear"]
    assert all(layer.bias is not None for layer in head if isinstance(layer, nn.Linear))


@pytest.mark.parametrize(("head", "layers"), [("linear", 1), ("mlp", 2), ("mlp3", 3)])
def test_a_resnet_has_the_head_its_recipe_says(head: str, layers: int) -> None:
    recipe = resnet50.Recipe(outputs=8, hidden=16, head=head, head_norm=True, stem="small")  # type: ignore[arg-type]
    net = resnet50.build(recipe, seed=0)
    found = [part for part in net.head.modules() if isinstance(part, nn.Linear)]
    assert len(found) == layers
    assert (found[0].in_features, found[-1].out_features) == (2048, 8)
