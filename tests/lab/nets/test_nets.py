"""Both networks: shapes, the seed, the layout, and ResNet-50 against torchvision's own."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torchvision
from torch import nn

from repro.errors import JobFailed
from repro.lab.nets import resnet50, small


def small_recipe(**changes: Any) -> small.Recipe:
    values: dict[str, Any] = {
        "widths": (8, 16, 24),
        "strides": (1, 2, 2),
        "stem_kernel": 5,
        "stem_stride": 2,
        "outputs": 6,
        "hidden": 10,
        "head_norm": True,
    }
    return small.Recipe(**{**values, **changes})


def large_recipe(**changes: Any) -> resnet50.Recipe:
    values: dict[str, Any] = {"outputs": 128, "hidden": 2048, "head": "mlp", "head_norm": False, "stem": "imagenet"}
    return resnet50.Recipe(**{**values, **changes})


@pytest.mark.parametrize(
    "build", [lambda s: small.build(small_recipe(), seed=s), lambda s: resnet50.build(large_recipe(), seed=s)]
)
def test_weights_depend_on_the_seed_alone(build: Any) -> None:
    before = torch.get_rng_state()
    nets = [build(seed) for seed in (0, 0, 1)]
    assert torch.equal(before, torch.get_rng_state())
    states = [net.state_dict() for net in nets]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert not all(torch.equal(states[0][name], states[2][name]) for name in states[0])


def test_small_net_has_the_shapes_its_recipe_says() -> None:
    net = small.build(small_recipe(), seed=0).eval()
    images = torch.randn(2, 3, 32, 32)
    assert net.stem(images).shape == (2, 8, 16, 16)
    assert net.blocks(net.stem(images)).shape == (2, 24, 4, 4)
    assert net.features(images).shape == (2, net.feature_size) == (2, 24)
    assert net(images).shape == (2, net.outputs) == (2, 6)
    torch.testing.assert_close(net(images), net.head(net.features(images)))


def test_small_block_is_a_residual_block() -> None:
    block = small.Block(4, 8, stride=2).eval()
    x = torch.randn(3, 4, 6, 6)
    inner = block.bn2(block.conv2(torch.relu(block.bn1(block.conv1(x)))))
    torch.testing.assert_close(block(x), torch.relu(inner + block.shortcut(x)))
    assert isinstance(small.Block(4, 4, stride=1).shortcut, nn.Identity)


def test_strides_must_fit_widths() -> None:
    with pytest.raises(JobFailed) as caught:
        small.build(small_recipe(strides=(1, 2)), seed=0)
    assert str(caught.value) == "net.strides: expected one for each of net.widths, found 3 widths and 2 strides"


def test_resnet50_is_torchvisions_with_the_head_of_moco_v2() -> None:
    net = resnet50.build(large_recipe(), seed=0).eval()
    theirs = torchvision.models.resnet50(num_classes=128).eval()
    dim_mlp = theirs.fc.weight.shape[1]  # what --mlp does to it
    theirs.fc = nn.Sequential(nn.Linear(dim_mlp, dim_mlp), nn.ReLU(), theirs.fc)
    state = {f"backbone.{name}": part for name, part in theirs.state_dict().items() if not name.startswith("fc.")}
    state |= {f"head.{name[3:]}": part for name, part in theirs.state_dict().items() if name.startswith("fc.")}
    net.load_state_dict(state)  # strict: the same names and sizes
    images = torch.randn(2, 3, 64, 64)
    torch.testing.assert_close(net(images), theirs(images), rtol=1e-4, atol=1e-5)
    assert net.features(images).shape == (2, 2048)


def test_resnet50_variants() -> None:
    linear = resnet50.build(large_recipe(head="linear", outputs=5), seed=0)
    assert [tuple(part.shape) for part in linear.head.parameters()] == [(5, 2048), (5,)]
    normed = resnet50.build(large_recipe(head_norm=True, hidden=32), seed=0)
    assert [type(part) for part in normed.head] == [nn.Linear, nn.BatchNorm1d, nn.ReLU, nn.Linear]
    little = resnet50.build(large_recipe(stem="small"), seed=0)
    inner = little.backbone.maxpool(little.backbone.conv1(torch.randn(1, 3, 32, 32)))
    assert inner.shape == (1, 64, 32, 32)
