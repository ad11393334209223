"""Silhouettes, patterns, colours and layers: the parts the embedded images are made of."""

from __future__ import annotations

import numpy as np
import pytest

from repro.lab.drawing import colours, patterns, renderings, scene, silhouettes
from repro.lab.drawing.patterns import PATTERNS
from repro.lab.drawing.silhouettes import EXTENT, SILHOUETTES
from repro.lab.drawing.styles import STYLES

LUMA = np.array([0.299, 0.587, 0.114])


def test_distance_maps_are_distances() -> None:
    """Negative inside, positive outside, and never steeper than one."""
    maps = silhouettes.distance_maps()
    step = 2 * EXTENT / silhouettes.SIDE
    assert maps.shape == (len(SILHOUETTES), silhouettes.VARIANTS, silhouettes.SIDE, silhouettes.SIDE)
    area = (maps < 0).mean((2, 3)) * (2 * EXTENT) ** 2
    assert area.min() > 0.7, "large enough to hold a pattern"
    assert area.max() < 3.2
    for axis in (2, 3):
        assert np.abs(np.diff(maps, axis=axis)).max() < 2.01 * step
    border = np.concatenate([maps[..., 0, :], maps[..., -1, :], maps[..., :, 0], maps[..., :, -1]], -1)
    assert border.min() > 0, "no silhouette reaches the border of its map"


def test_distance_to_a_ring_is_known_in_closed_form() -> None:
    """Variant 0 of the ring: radii 1 and 0.6 by 0.6 up to the width of a cell."""
    ring = silhouettes.distance_maps()[list(SILHOUETTES).index("ring"), 0]
    centres = -EXTENT + (np.arange(silhouettes.SIDE) + 0.5) * 2 * EXTENT / silhouettes.SIDE
    radius = np.hypot(centres[:, None], centres)
    np.testing.assert_allclose(ring, np.maximum(radius - 1, 0.6 - radius), atol=0.03)


def test_silhouettes_differ_from_each_other_more_than_within_a_family() -> None:
    inside = (silhouettes.distance_maps() < 0).reshape(len(SILHOUETTES), silhouettes.VARIANTS, -1)

    def overlap(a: np.ndarray, b: np.ndarray) -> float:
        return float((a & b).sum() / (a | b).sum())

    within = [overlap(family[0], other) for family in inside for other in family[1:]]
    between = [overlap(inside[i, 0], inside[j, 0]) for i in range(len(inside)) for j in range(i)]
    assert min(within) > max(between)


@pytest.mark.parametrize("bank", [renderings.class_bank, renderings.style_bank, renderings.clutter_bank])
def test_tiles_wrap_and_repeat(bank: object) -> None:
    assert callable(bank)
    tiles = bank().astype(float)
    assert tiles.shape[1:] == (patterns.VARIANTS, patterns.SIDE, patterns.SIDE)
    for along, across in ((2, 3), (3, 2)):
        seam = np.abs(np.take(tiles, 0, along) - np.take(tiles, -1, along)).mean((1, 2))
        steps = np.abs(np.diff(tiles, axis=along)).mean((1, across))
        assert (seam < 1.3 * steps.max(1) + 1).all(), "the seam is no sharper than edges inside the tile"


def test_no_style_is_a_class_pattern() -> None:
    assert not set(STYLES) & set(PATTERNS)


def test_tints_have_the_luminance_asked_for() -> None:
    wanted = np.linspace(0, 1, 500)
    found = colours.tint(wanted, chroma=0.5, generator=np.random.default_rng(0))
    np.testing.assert_allclose(found @ LUMA, wanted, atol=1e-9)
    assert found.min() > -1e-9
    assert found.max() < 1 + 1e-9
    assert np.ptp(found[200:300], axis=1).mean() > 0.2, "most are not grey"


def test_pairs_keep_their_contrast_in_either_order() -> None:
    found = colours.pair(1000, contrast=(0.3, 0.5), chroma=0.5, generator=np.random.default_rng(0)) @ LUMA
    gap = found[:, 1] - found[:, 0]
    assert np.abs(gap).min() >= 0.3 - 1e-9
    assert np.abs(gap).max() <= 0.5 + 1e-9
    assert 0.4 < (gap > 0).mean() < 0.6


@pytest.mark.parametrize(
    ("contrast", "figure"), [((0.25, 0.5), (0.15, 0.4)), ((0.1, 0.2), (0, 0.1)), ((0.7, 0.9), (0.4, 0.9))]
)
def test_figure_and_ground_are_apart_as_asked(contrast: tuple[float, float], figure: tuple[float, float]) -> None:
    found = colours.figure_and_ground(
        2000, contrast=contrast, figure=figure, chroma=0.5, generator=np.random.default_rng(0)
    )
    light = (found @ LUMA).reshape(2000, 2, 2)
    assert light.min() > 0.05 - 1e-6
    assert light.max() < 0.95 + 1e-6
    gap, middle = np.abs(np.diff(light, axis=2))[..., 0], light.mean(2)
    apart = middle[:, 0] - middle[:, 1]
    assert gap.max() <= contrast[1] + 1e-9
    assert np.abs(apart).max() <= figure[1] + 1e-9
    if contrast[1] + figure[1] <= 0.9:
        assert gap.min() >= contrast[0] - 1e-9
        assert np.abs(apart).min() >= figure[0] - 1e-9
    assert 0.45 < (apart > 0).mean() < 0.55, "an object is as often darker as lighter"


def test_layers_add_up_to_their_colours() -> None:
    """Two layers that halve each pixel's samples left and right give the mean of their colours."""
    x, _ = scene.frame(4)
    left = (np.arange(x.size) % 2 == 0).astype(np.float32)[None]
    made = scene.compose([left, 1 - left], np.array([[[1.0, 0.0, 0.2], [0.0, 0.5, 0.2]]]), pixels=4)
    assert made.shape == (1, 3, 4, 4)
    for channel, value in enumerate((128, 64, 51)):
        assert (made[0, channel] == value).all()
