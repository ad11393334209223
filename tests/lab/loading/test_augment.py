"""The batched augmentations against torchvision's, image by image, and their draws against torchvision's own."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torchvision.transforms.functional as reference
from scipy import stats
from torch import Tensor
from torchvision.transforms import RandomResizedCrop

from repro.lab.loading import augment

LIKELY = 1e-3


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(count: int, height: int, width: int) -> Tensor:
    """Random images with some grey, black and white pixels, where hue and saturation have their corners."""
    images = torch.rand(count, 3, height, width, generator=seeded(9))
    images[:, :, 0] = images[:, :1, 0]
    images[:, :, 1, : width // 2] = 0
    images[:, :, 1, width // 2 :] = 1
    return images


def each(images: Tensor, parameters: Tensor, apply: object) -> Tensor:
    return torch.stack([apply(image, float(value)) for image, value in zip(images, parameters, strict=True)])  # type: ignore[operator]


@pytest.mark.parametrize(
    ("ours", "theirs", "ends"),
    [
        (augment.brightness, reference.adjust_brightness, (0.4, 1.6)),
        (augment.contrast, reference.adjust_contrast, (0.4, 1.6)),
        (augment.saturation, reference.adjust_saturation, (0.4, 1.6)),
        (augment.hue, reference.adjust_hue, (-0.5, 0.5)),
    ],
)
def test_jitters_equal_torchvision(ours: object, theirs: object, ends: tuple[float, float]) -> None:
    images = pictures(12, 20, 24)
    parameters = torch.linspace(*ends, 12)
    torch.testing.assert_close(ours(images, parameters), each(images, parameters, theirs), rtol=0, atol=1e-5)  # type: ignore[operator]


@pytest.mark.parametrize("jitter", [augment.brightness, augment.contrast, augment.saturation])
def test_factor_one_changes_nothing(jitter: object) -> None:
    images = pictures(3, 8, 8)
    torch.testing.assert_close(jitter(images, torch.ones(3)), images, rtol=0, atol=1e-6)  # type: ignore[operator]


def test_hue_zero_changes_nothing() -> None:
    images = pictures(3, 8, 8)
    torch.testing.assert_close(augment.hue(images, torch.zeros(3)), images, rtol=0, atol=1e-5)


def test_gray_equals_torchvision() -> None:
    images = pictures(3, 8, 8)
    torch.testing.assert_close(augment.gray(images), reference.rgb_to_grayscale(images), rtol=0, atol=1e-6)


@pytest.mark.parametrize("radius", [1, 3, 6])
def test_blur_equals_torchvision(radius: int) -> None:
    images, sigmas = pictures(6, 20, 24), torch.linspace(0.1, 2.0, 6)
    expected = each(images, sigmas, lambda image, s: reference.gaussian_blur(image, 2 * radius + 1, s))
    torch.testing.assert_close(augment.blur(images, sigmas, radius=radius), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("height", "width", "pixels"), [(32, 32, 32), (20, 28, 32), (64, 48, 32), (33, 90, 24)])
def test_crop_equals_torchvision(height: int, width: int, pixels: int) -> None:
    """Also where a box is larger than the result, so that antialiasing counts."""
    images, count = pictures(16, height, width), 16
    boxes = augment.draw_boxes(count, (height, width), scale=(0.05, 1.0), ratio=(0.5, 2.0), generator=seeded())
    flipped = torch.arange(count) % 2 == 0
    expected = []
    for i, image in enumerate(images):
        box = [int(part[i]) for part in (boxes.top, boxes.left, boxes.height, boxes.width)]
        cut = reference.resized_crop(image, *box, [pixels, pixels], antialias=True)
        expected.append(reference.hflip(cut) if flipped[i] else cut)
    found = augment.crop(images, boxes, flipped=flipped, pixels=pixels)
    torch.testing.assert_close(found, torch.stack(expected), rtol=0, atol=2e-5)


def test_both_ways_to_resize_agree() -> None:
    images = pictures(8, 32, 32)
    boxes = augment.draw_boxes(8, (32, 32), scale=(0.2, 1.0), ratio=(0.75, 4 / 3), generator=seeded(2))
    rows = augment._weights(boxes.top, boxes.height, size=32, pixels=32)
    columns = augment._weights(boxes.left, boxes.width, size=32, pixels=32)
    expected = torch.einsum("nph,nchw,nqw->ncpq", rows, images, columns)
    found = augment.crop(images, boxes, flipped=torch.zeros(8, dtype=torch.bool), pixels=32)
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize(
    ("size", "scale", "ratio"), [((48, 48), (0.2, 1.0), (3 / 4, 4 / 3)), ((40, 90), (0.08, 1.0), (3 / 4, 4 / 3))]
)
def test_boxes_are_distributed_as_torchvision_draws_them(
    size: tuple[int, int], scale: tuple[float, float], ratio: tuple[float, float]
) -> None:
    count, image = 3000, torch.zeros(3, *size)
    boxes = augment.draw_boxes(count, size, scale=scale, ratio=ratio, generator=seeded(4))
    ours = np.stack([part.numpy() for part in (boxes.top, boxes.left, boxes.height, boxes.width)], axis=1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        theirs = np.array([RandomResizedCrop.get_params(image, scale, ratio) for _ in range(count)])
    assert (ours[:, 0] + ours[:, 2] <= size[0]).all()
    assert (ours[:, 1] + ours[:, 3] <= size[1]).all()
    for value in (*range(4), "area", "aspect"):
        first, second = (_column(drawn, value) for drawn in (ours, theirs))
        assert stats.ks_2samp(first, second).pvalue > LIKELY


def _column(boxes: np.ndarray, value: int | str) -> np.ndarray:
    if value == "area":
        return boxes[:, 2] * boxes[:, 3]
    return boxes[:, 3] / boxes[:, 2] if value == "aspect" else boxes[:, value]


@pytest.mark.parametrize(
    ("size", "ratio"), [((10, 60), (0.75, 4 / 3)), ((60, 10), (0.75, 4 / 3)), ((9, 9), (3.0, 4.0))]
)
def test_where_no_attempt_fits_the_central_box_is_torchvisions(
    size: tuple[int, int], ratio: tuple[float, float]
) -> None:
    scale = (1.0, 1.0)
    boxes = augment.draw_boxes(4, size, scale=scale, ratio=ratio, generator=seeded())
    expected = RandomResizedCrop.get_params(torch.zeros(3, *size), scale, ratio)
    for i in range(4):
        assert [int(part[i]) for part in (boxes.top, boxes.left, boxes.height, boxes.width)] == list(expected)


def test_normalise() -> None:
    images, mean, std = pictures(2, 5, 5), (0.1, 0.2, 0.3), (0.5, 0.6, 0.7)
    expected = torch.stack([reference.normalize(image, mean, std) for image in images])
    torch.testing.assert_close(augment.normalise(images, mean=mean, std=std), expected)


def test_chances_and_ranges() -> None:
    hits = augment.draw_chance(10_000, 0.3, generator=seeded())
    assert abs(float(hits.float().mean()) - 0.3) < 4 * math.sqrt(0.3 * 0.7 / 10_000)
    drawn = augment.draw_uniform(10_000, (-2.0, 3.0), generator=seeded())
    assert stats.kstest(drawn.numpy(), stats.uniform(-2, 5).cdf).pvalue > LIKELY
    assert not augment.draw_chance(100, 0.0, generator=seeded()).any()
    assert augment.draw_chance(100, 1.0, generator=seeded()).all()
