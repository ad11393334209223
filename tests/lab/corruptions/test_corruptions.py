"""The 15 corruptions: names, form, determinism, growth with severity, and each against what its definition says."""

from __future__ import annotations

import colorsys
import json
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.ndimage import zoom as scipy_zoom

from repro.errors import UsageError
from repro.lab.corruptions import CORRUPTIONS, GROUPS, SEVERITIES, SIDES, blur, corrupt, digital, strength, weather
from repro.lab.corruptions.resampling import fold, sample, streak, zoom

Bytes = NDArray[np.uint8]


def pictures(n: int = 24, side: int = 32, seed: int = 0) -> Bytes:
    """Smooth coloured noise with hard edges on it, (n, 3, side, side): between a photograph and a test card."""
    generator = np.random.default_rng(seed)
    soft = gaussian_filter(generator.standard_normal((n, 3, side, side)), side / 16, axes=(2, 3), mode="wrap")
    soft = 0.5 + 0.18 * soft / soft.std()
    across, down = generator.integers(side // 8, side // 2, (2, n))
    for picture, x, y in zip(soft, across, down, strict=True):
        picture[:, y : y + side // 3, x : x + side // 3] += generator.uniform(-0.35, 0.35, (3, 1, 1))
    return (np.clip(soft, 0, 1) * 255).astype(np.uint8)


def damage(images: Bytes, name: str, severity: int, seed: int = 0) -> Bytes:
    return corrupt(images, name, severity, generator=np.random.default_rng(seed))


def test_names_and_groups_are_those_of_imagenet_c(shared: Path) -> None:
    published = json.loads((shared / "reference" / "imagenet_c_corruptions.json").read_text(encoding="utf-8"))
    assert {group: list(members) for group, members in GROUPS.items()} == published["groups"]
    assert list(SEVERITIES) == published["severities"]


@pytest.mark.parametrize("name", CORRUPTIONS)
@pytest.mark.parametrize("side", [32, 64, 96])
def test_form_and_determinism(name: str, side: int) -> None:
    images = pictures(3, side)
    before = images.copy()
    for severity in (1, 5):
        changed = damage(images, name, severity)
        assert (changed.shape, changed.dtype) == (images.shape, np.uint8)
        np.testing.assert_array_equal(changed, damage(images, name, severity))
        last = corrupt(images.transpose(0, 2, 3, 1), name, severity, generator=np.random.default_rng(0))
        np.testing.assert_array_equal(last.transpose(0, 3, 1, 2), changed)
        assert (changed != images).any()
    np.testing.assert_array_equal(images, before)


RANDOM = sorted(
    set(CORRUPTIONS) - {"defocus_blur", "zoom_blur", "brightness", "contrast", "pixelate", "jpeg_compression"}
)


@pytest.mark.parametrize("name", RANDOM)
def test_random_ones_differ_between_seeds_and_between_images(name: str) -> None:
    same = np.repeat(pictures(1), 8, axis=0)
    assert (damage(same, name, 4) != damage(same, name, 4, seed=1)).any()
    assert len(np.unique(damage(same, name, 4).reshape(8, -1), axis=0)) > 1


def apart(images: Bytes, changed: Bytes) -> float:
    return float(np.sqrt(((images.astype(float) - changed) ** 2).mean()))


STEADY = [
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "defocus_blur",
    "zoom_blur",
    "snow",
    "brightness",
    "contrast",
    "pixelate",
    "jpeg_compression",
    "motion_blur",
]


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", STEADY)
def test_distance_to_the_clean_image_grows_with_severity(name: str, side: int) -> None:
    images = pictures(200 if side == 32 else 60 if side == 64 else 3, side)
    if (name, side) == ("snow", 224):
        pytest.skip("published strengths of snow at 224 pixels: the third whitens as much as the second")
    distances = [apart(images, damage(images, name, severity)) for severity in SEVERITIES]
    assert distances == sorted(distances), distances


def likeness(images: Bytes, changed: Bytes) -> float:
    """Mean correlation of an image with its corrupted self: what fog, frost and glass take away."""
    a, b = (each.reshape(len(each), -1).astype(float) for each in (images, changed))
    a, b = a - a.mean(1, keepdims=True), b - b.mean(1, keepdims=True)
    return float(((a * b).sum(1) / np.sqrt((a**2).sum(1) * (b**2).sum(1))).mean())


@pytest.mark.parametrize("name", ["fog", "frost", "glass_blur"])
@pytest.mark.parametrize("side", [32, 64])
def test_the_worst_is_worse_than_the_mildest(name: str, side: int) -> None:
    """Their published strengths do not grow in every step by every measure; elastic_transform's change their kind."""
    images = pictures(100, side)
    assert likeness(images, damage(images, name, 5)) < likeness(images, damage(images, name, 1)) - 0.01


@pytest.mark.parametrize(("name", "severity"), [("mist", 1), ("fog", 0), ("fog", 6)])
def test_an_unknown_corruption_is_told(name: str, severity: int) -> None:
    with pytest.raises(UsageError) as caught:
        damage(pictures(1), name, severity)
    names = ", ".join(CORRUPTIONS)
    assert (
        str(caught.value)
        == f'corruption "{name}" at severity {severity} is not known: expected one of {names} at 1 to 5'
    )


@pytest.mark.parametrize(
    ("side", "nearest"), [(24, 32), (44, 32), (46, 64), (96, 64), (118, 64), (121, 224), (256, 224)]
)
def test_strengths_are_those_of_the_nearest_published_side(side: int, nearest: int) -> None:
    assert strength("jpeg_compression", 1, side=side) == strength("jpeg_compression", 1, side=nearest)
    assert strength("jpeg_compression", 1, side=nearest) == {32: (80,), 64: (65,), 224: (25,)}[nearest]


# ------------------------------------------------------------------------------------- each against its definition


def test_noise_has_the_published_moments() -> None:
    grey = np.full((4, 3, 64, 64), 128, np.uint8)
    added = damage(grey, "gaussian_noise", 1).astype(float) - 128
    assert abs(added.std() - 0.04 * 255) < 0.2
    counted = damage(grey, "shot_noise", 3).astype(float)
    assert abs(counted.std() - 255 * np.sqrt(128 / 255 / 50)) < 0.4
    struck = damage(grey, "impulse_noise", 5)
    assert abs((struck == 0).mean() - 0.07) < 0.01
    assert abs((struck == 255).mean() - 0.07) < 0.01
    assert set(np.unique(struck)) == {0, 128, 255}


def test_defocus_spreads_a_point_over_a_disc() -> None:
    point = np.zeros((1, 3, 224, 224), np.float32)
    point[:, :, 100, 120] = 1
    spread = blur.defocus_blur(point, (6, 0.5), generator=np.random.default_rng(0))[0, 0]
    rows, columns = np.indices((224, 224)) - np.array([100, 120])[:, None, None]
    inside = np.hypot(rows, columns) <= 4.5
    np.testing.assert_allclose(spread[inside], spread[inside].mean(), rtol=1e-3)
    assert abs(spread[inside].mean() - 1 / 113) < 1e-5, "113 whole points lie within 6 of a point"
    assert np.abs(spread[np.hypot(rows, columns) > 9]).max() < 1e-6
    np.testing.assert_allclose(spread.sum(), 1, atol=1e-5)


def test_glass_copies_a_near_pixel_and_blurs() -> None:
    """Without blur each pixel's value is found among those above and to the left of it; borders keep theirs."""
    values = np.arange(32 * 32, dtype=np.float32).reshape(32, 32) % 251 / 255
    images = np.stack([values] * 3)[None]
    moved = blur.glass_blur(images, (1e-6, 1, 1), generator=np.random.default_rng(0))[0, 0]
    for row in range(32):
        for column in range(32):
            free = 1 < row < 32 and 1 < column < 32
            near = values[row - 1 : row + 1, column - 1 : column + 1] if free else values[row, column]
            assert np.isclose(moved[row, column], near, atol=1 / 255).any()
    assert (np.abs(moved - values) > 1.5 / 255).mean() > 0.4


@pytest.mark.parametrize(("angle", "down", "right"), [(0, 0, 1), (90, 1, 0), (-90, -1, 0)])
def test_motion_smears_to_one_side(angle: float, down: int, right: int) -> None:
    point = np.zeros((1, 1, 31, 31), np.float32)
    point[..., 15, 15] = 1
    smeared = streak(point, radius=5, sigma=2, angles=np.array([angle], float))[0, 0]
    weights = np.exp(-(np.arange(11) ** 2) / 8)
    weights /= weights.sum()
    for i in range(8):
        assert abs(smeared[15 - i * down, 15 - i * right] - weights[i]) < 1e-5
    assert abs(smeared.sum() - 1) < 1e-4


@pytest.mark.parametrize("side", [32, 64, 224])
@pytest.mark.parametrize("factor", [1.0, 1.01, 1.07, 1.25, 2.25, 4.5])
def test_zoom_is_crop_zoom_and_trim(side: int, factor: float) -> None:
    image = pictures(1, side)[0].astype(np.float32)
    kept = int(np.ceil(side / factor))
    top = (side - kept) // 2
    enlarged = scipy_zoom(image[:, top : top + kept, top : top + kept], (1, factor, factor), order=1)
    trim = (enlarged.shape[1] - side) // 2
    expected = enlarged[:, trim : trim + side, trim : trim + side]
    np.testing.assert_allclose(zoom(image[None], factor)[0], expected, atol=0.05)


def test_brightness_raises_value_and_keeps_hue_and_saturation() -> None:
    images = pictures(2, 32)
    changed = damage(images, "brightness", 3).astype(float) / 255
    for old, new in zip(*(each.transpose(0, 2, 3, 1).reshape(-1, 3) for each in (images, changed)), strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*(old / 255))
        np.testing.assert_allclose(new, colorsys.hsv_to_rgb(hue, saturation, min(1, value + 0.15)), atol=1.1 / 255)


def test_contrast_shrinks_about_the_mean_of_each_channel() -> None:
    images = pictures(2, 32).astype(float)
    changed = damage(images.astype(np.uint8), "contrast", 5)
    mean = images.mean((2, 3), keepdims=True)
    np.testing.assert_allclose(changed, mean + 0.15 * (images - mean), atol=1.01)


def test_pixelate_and_jpeg_are_pillows() -> None:
    image = pictures(1, 64)
    picture = Image.fromarray(image[0].transpose(1, 2, 0))
    small = picture.resize((32, 32), Image.Resampling.BOX).resize((64, 64), Image.Resampling.BOX)
    np.testing.assert_array_equal(damage(image, "pixelate", 5)[0], np.asarray(small).transpose(2, 0, 1))
    file = BytesIO()
    picture.save(file, "JPEG", quality=25)
    np.testing.assert_array_equal(
        damage(image, "jpeg_compression", 5)[0], np.asarray(Image.open(file)).transpose(2, 0, 1)
    )


@pytest.mark.parametrize(("repeat_edge", "mode"), [(False, "mirror"), (True, "reflect")])
def test_sampling_reflects_as_scipy_does(repeat_edge: bool, mode: str) -> None:
    image = pictures(1, 32)[0].astype(np.float32)
    rows, columns = np.random.default_rng(0).uniform(-20, 50, (2, 1, 32, 32)).astype(np.float32)
    found = sample(image[None], fold(rows, 32, repeat_edge=repeat_edge), fold(columns, 32, repeat_edge=repeat_edge))
    for channel in range(3):
        expected = map_coordinates(image[channel], (rows[0], columns[0]), order=1, mode=mode)
        np.testing.assert_allclose(found[0, channel], expected, atol=0.02)


def test_elastic_without_strength_is_the_identity_and_a_move_moves_points() -> None:
    images = pictures(4, 32).astype(np.float32) / 255
    still = digital.elastic_transform(images, (0, 0, 0), generator=np.random.default_rng(0))
    np.testing.assert_allclose(still, images, atol=1e-5)
    ramp = np.broadcast_to(np.arange(64, dtype=np.float32), (8, 3, 64, 64))
    moved = digital.elastic_transform(ramp, (0, 0, 3), generator=np.random.default_rng(0))
    shift = np.abs(moved - ramp)[:, :, 16:48, 16:48]
    assert 0.5 < shift.mean() < 3
    assert shift.max() < 9, "the plane through three points that move by at most 3"


def test_fog_is_thicker_where_the_clouds_are_and_keeps_the_brightest() -> None:
    clouds = weather.plasma(200, 32, decay=3, generator=np.random.default_rng(0))
    assert clouds.min() == 0
    assert clouds.max() == 1
    assert 0.4 < clouds.mean() < 0.6
    rough = weather.plasma(200, 32, decay=1.5, generator=np.random.default_rng(0))
    step = [np.abs(np.diff(each, axis=2)).mean() for each in (clouds, rough)]
    assert step[1] > 2 * step[0], "a slower decay leaves more of the fine part"
    images = pictures(5, 32)
    assert (damage(images, "fog", 5).max((1, 2, 3)) <= images.max((1, 2, 3))).all()


def test_snow_whitens_and_frost_is_drawn_the_same_in_every_process() -> None:
    images = pictures(50, 64)
    assert damage(images, "snow", 5).mean() > images.mean() + 40
    frost = weather.frost_pictures()
    assert frost.dtype == np.uint8
    assert 100 < frost.mean() < 180
    assert frost[..., 0].std() > 15
    seam = np.abs(frost[..., 0].astype(float) - frost[..., -1]).mean()
    assert seam < 2 * np.abs(np.diff(frost.astype(float), axis=3)).mean(), "the picture tiles the plane"
