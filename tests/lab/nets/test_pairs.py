"""The pairs of networks: torchvision's ResNet-50 at full width, half of it at half, and what each half sees."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torchvision

from repro.errors import JobFailed
from repro.lab.nets import resnet50_pair, small, small_pair

HALF = resnet50_pair.Recipe(width=0.5, outputs=128)
SMALL = small_pair.Recipe(
    widths=(8, 16), strides=(1, 2), stem_kernel=5, stem_stride=2, outputs=6, hidden=10, head_norm=True
)


@pytest.mark.parametrize(
    "build", [lambda s: resnet50_pair.build(HALF, seed=s), lambda s: small_pair.build(SMALL, seed=s)]
)
def test_weights_depend_on_the_seed_alone(build: Any) -> None:
    before = torch.get_rng_state()
    states = [build(seed).state_dict() for seed in (0, 0, 1)]
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    for part in ("lightness.", "colour."):
        inner = [name for name in states[0] if name.startswith(part) and "weight" in name and states[0][name].ndim > 1]
        assert not any(torch.equal(states[0][name], states[2][name]) for name in inner)


def test_at_full_width_it_is_torchvisions_resnet50() -> None:
    ours = resnet50_pair.backbone(64, channels=3).eval()
    theirs = torchvision.models.resnet50(weights=None).eval()
    theirs.fc = torch.nn.Identity()
    ours.load_state_dict(theirs.state_dict())  # strict: the same names and sizes
    images = torch.randn(2, 3, 64, 64)
    torch.testing.assert_close(ours(images), theirs(images), rtol=1e-4, atol=1e-5)


def test_half_width_is_that_of_the_source() -> None:
    """models/resnet.py with width 0.5: a stem of 64, stages of 128 to 1024; 12 million parameters together."""
    net = resnet50_pair.build(HALF, seed=0).eval()
    for half, channels in ((net.lightness, 1), (net.colour, 2)):
        assert half.backbone.conv1.weight.shape == (64, channels, 7, 7)
        stages = [getattr(half.backbone, f"layer{number}") for number in range(1, 5)]
        assert [len(stage) for stage in stages] == [3, 4, 6, 3]
        assert [stage[-1].conv3.out_channels for stage in stages] == [128, 256, 512, 1024]
        assert [stage[0].conv2.stride for stage in stages] == [(1, 1), (2, 2), (2, 2), (2, 2)]
        assert [tuple(part.shape) for part in half.head.parameters()] == [(128, 1024), (128,)]
    millions = sum(part.numel() for part in net.parameters()) / 1e6
    assert round(millions) == 12
    assert (net.feature_size, net.outputs) == (2048, 256)


@pytest.mark.parametrize(
    ("build", "pixels"),
    [(lambda: resnet50_pair.build(HALF, seed=0), 64), (lambda: small_pair.build(SMALL, seed=0), 32)],
)
def test_one_half_sees_lightness_the_other_colour(build: Any, pixels: int) -> None:
    net = build().eval()
    images = torch.randn(2, 3, pixels, pixels)
    features, outputs = net.features(images), net(images)
    assert features.shape == (2, net.feature_size)
    assert outputs.shape == (2, net.outputs)
    for changed, of_lightness in ((slice(0, 1), True), (slice(1, 3), False)):
        other = images.clone()
        other[:, changed] += 1
        for before, after in ((features, net.features(other)), (outputs, net(other))):
            halves = [torch.equal(a, b) for a, b in zip(before.chunk(2, dim=1), after.chunk(2, dim=1), strict=True)]
            assert halves == [not of_lightness, of_lightness]
    torch.testing.assert_close(
        outputs[:, : net.outputs // 2], net.lightness.head(net.lightness.features(images[:, :1]))
    )


def test_a_small_half_is_the_small_network_with_another_stem() -> None:
    net, whole = small_pair.build(SMALL, seed=0), small.build(small.Recipe(*vars(SMALL).values()), seed=0)
    for half, channels in ((net.lightness, 1), (net.colour, 2)):
        sizes = {name: part.shape for name, part in half.state_dict().items()}
        expected = {name: part.shape for name, part in whole.state_dict().items()}
        assert sizes == {**expected, "stem.0.weight": (8, channels, 5, 5)}
        deviation = float(half.stem[0].weight.detach().std())
        assert deviation == pytest.approx((2 / (25 * 8)) ** 0.5, rel=0.15)  # He's, of what leaves the layer
    assert net.feature_size == 32


def test_strides_must_fit_widths() -> None:
    with pytest.raises(JobFailed) as caught:
        small_pair.build(small_pair.Recipe(**{**vars(SMALL), "strides": (1,)}), seed=0)
    assert str(caught.value) == "net.strides: expected one for each of net.widths, found 2 widths and 1 strides"
