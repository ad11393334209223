"""The two views against torchvision's steps, image by image, on the same parameters."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torchvision.transforms.functional as reference
from torch import Tensor

from repro.lab.loading import crops
from repro.lab.loading.pack import Pack, pack
from repro.lab.processes import ALONE, Share
from repro.lab.views import moco_v2

RECIPE = moco_v2.Recipe(
    crop_scale=(0.2, 1.0),
    crop_ratio=(3 / 4, 4 / 3),
    jitter=(0.4, 0.4, 0.4, 0.1),
    jitter_probability=0.8,
    grayscale_probability=0.2,
    blur_sigma=(0.1, 2.0),
    blur_probability=0.5,
    flip_probability=0.5,
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
)
JITTERS = (
    reference.adjust_brightness,
    reference.adjust_contrast,
    reference.adjust_saturation,
    reference.adjust_hue,
)


def images(count: int, pixels: int) -> Tensor:
    random = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (count, 3, pixels, pixels), generator=random, dtype=torch.uint8)


def one_by_one(image: Tensor, done: moco_v2.Draw, i: int, pixels: int) -> Tensor:
    """The official order with torchvision's functions on one image; the flip comes last."""
    box = [int(part[i]) for part in (done.boxes.top, done.boxes.left, done.boxes.height, done.boxes.width)]
    view = reference.resized_crop(image.float() / 255, *box, [pixels, pixels], antialias=True)
    for kind in done.order[i].tolist():
        view = JITTERS[kind](view, float(done.factors[i, kind]))
    if done.grayscale[i]:
        view = reference.rgb_to_grayscale(view, num_output_channels=3)
    if done.blurred[i]:
        radius = math.ceil(3 * RECIPE.blur_sigma[1])
        view = reference.gaussian_blur(view, 2 * radius + 1, float(done.sigmas[i]))
    if done.flipped[i]:
        view = reference.hflip(view)
    return reference.normalize(view, RECIPE.mean, RECIPE.std)


def by_whole_batches(images: Pack, done: moco_v2.Draw, *, pixels: int) -> Tensor:
    """What a card computes, on the processor."""
    views = crops.together(images, done.boxes, flipped=done.flipped, pixels=pixels)
    return moco_v2.normalise(moco_v2._coloured(views, done, radius=6), RECIPE)


@pytest.mark.parametrize(("size", "pixels"), [(32, 32), (48, 32), (None, 32)])
def test_views_equal_torchvision_image_by_image(size: int | None, pixels: int) -> None:
    """Both those of the processor and those of a card; images of one size, and each of a size of its own."""
    batch: Any = images(24, size) if size else [images(1, 20 + i)[0, :, : 70 - i] for i in range(24)]
    for seed in range(3):
        packed = pack(batch)
        done = moco_v2.draw(24, packed.sizes, recipe=RECIPE, generator=torch.Generator().manual_seed(seed))
        expected = torch.stack([one_by_one(image, done, i, pixels) for i, image in enumerate(batch)])
        compiled = moco_v2.augmented(packed, done, recipe=RECIPE, pixels=pixels)
        torch.testing.assert_close(compiled, expected, rtol=0, atol=2e-4)
        torch.testing.assert_close(by_whole_batches(packed, done, pixels=pixels), expected, rtol=0, atol=2e-4)


def test_processes_share_the_views_of_images_of_any_size() -> None:
    batch = [images(1, 20 + 3 * i)[0] for i in range(8)]
    settings: dict[str, Any] = {"count": 2, "pixels": 16}
    whole = moco_v2.make(batch, RECIPE, generator=torch.Generator().manual_seed(0), share=ALONE, **settings)
    for rank in (0, 1):
        share, random = Share(rank, 2), torch.Generator().manual_seed(0)
        part = moco_v2.make(batch[share.rows(8)], RECIPE, generator=random, share=share, **settings)
        for own, all_of in zip(part, whole, strict=True):
            assert torch.equal(own, share.part(all_of))


def test_two_views_differ_and_repeat_with_their_generator() -> None:
    size = {"count": 2, "pixels": 32, "share": ALONE}
    first, second = moco_v2.make(images(8, 32), RECIPE, generator=torch.Generator().manual_seed(0), **size)
    again, _ = moco_v2.make(images(8, 32), RECIPE, generator=torch.Generator().manual_seed(0), **size)
    assert first.dtype == torch.float32
    assert not torch.equal(first, second)
    assert torch.equal(first, again)


def test_no_probability_no_change() -> None:
    still = moco_v2.Recipe(
        crop_scale=(1.0, 1.0),
        crop_ratio=(1.0, 1.0),
        jitter=(0.0, 0.0, 0.0, 0.0),
        jitter_probability=0.0,
        grayscale_probability=0.0,
        blur_sigma=(0.1, 0.1),
        blur_probability=0.0,
        flip_probability=0.0,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
    )
    batch = images(4, 16)
    for view in moco_v2.make(batch, still, count=2, pixels=16, generator=torch.Generator().manual_seed(0), share=ALONE):
        torch.testing.assert_close(view, batch / 255, rtol=0, atol=1e-5)


def test_parameters_lie_where_the_recipe_says() -> None:
    done = moco_v2.draw(4000, (32, 32), recipe=RECIPE, generator=torch.Generator().manual_seed(0))
    for factors, spread in zip(done.factors.T[:3], RECIPE.jitter[:3], strict=True):
        changed = factors[factors != 1]
        assert 1 - spread <= float(changed.min()) < float(changed.max()) <= 1 + spread
        assert abs(len(changed) / 4000 - 0.8) < 0.03
    assert float(done.factors[:, 3].abs().max()) <= 0.1
    rates = (done.flipped, 0.5), (done.grayscale, 0.2), (done.blurred, 0.5)
    assert all(abs(float(found.float().mean()) - rate) < 0.03 for found, rate in rates)
    assert len({tuple(order) for order in done.order.tolist()}) == 24


@pytest.mark.parametrize("size", [32, 50])
def test_plain_resizes_and_normalises_only(size: int) -> None:
    batch = images(3, size)
    expected = reference.resize(batch.float() / 255, [32, 32], antialias=True)
    expected = reference.normalize(expected, RECIPE.mean, RECIPE.std)
    torch.testing.assert_close(moco_v2.plain(batch, RECIPE, pixels=32), expected, rtol=0, atol=1e-4)


def test_plain_is_the_middle_of_images_of_any_size() -> None:
    batch = [images(1, 40)[0, :, :, :30], images(1, 40)[0, :, 4:20]]
    found = moco_v2.plain(batch, RECIPE, pixels=16)
    for image, view in zip((batch[0][:, 5:35], batch[1][:, :, 12:28]), found, strict=True):
        expected = reference.resize(image.float() / 255, [16, 16], antialias=True)
        expected = reference.normalize(expected, RECIPE.mean, RECIPE.std)
        torch.testing.assert_close(view, expected, rtol=0, atol=1e-4)
