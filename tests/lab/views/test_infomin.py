"""The views of InfoMin against their steps one after the other, image by image."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torchvision.transforms.functional as reference
from torch import Tensor

from repro.errors import JobFailed
from repro.lab.loading import randaugment
from repro.lab.loading.pack import pack
from repro.lab.processes import ALONE, Share
from repro.lab.views import infomin
from tests.lab.views.test_moco_v2 import JITTERS, images

RECIPE = infomin.Recipe(
    crop_scale=(0.2, 1.0),
    crop_ratio=(3 / 4, 4 / 3),
    jitter=(0.8, 0.8, 0.8, 0.2),
    jitter_probability=0.8,
    grayscale_probability=0.2,
    blur_sigma=(0.1, 2.0),
    blur_probability=0.5,
    flip_probability=0.5,
    randaugment=(2, 10),
    randaugment_spread=0.5,
    randaugment_probability=0.5,
    jigsaw_scale=(0.6, 1.0),
    jigsaw_pixels=36,
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
)


def before_randaugment(image: Tensor, done: infomin.Draw, i: int, pixels: int) -> Tensor:
    moco = done.moco
    box = [int(part[i]) for part in (moco.boxes.top, moco.boxes.left, moco.boxes.height, moco.boxes.width)]
    view = reference.resized_crop(image.float() / 255, *box, [pixels, pixels], antialias=True)
    view = reference.hflip(view) if moco.flipped[i] else view
    for kind in moco.order[i].tolist():
        view = JITTERS[kind](view, float(moco.factors[i, kind]))
    if moco.blurred[i]:
        radius = math.ceil(3 * RECIPE.blur_sigma[1])
        view = reference.gaussian_blur(view, 2 * radius + 1, float(moco.sigmas[i]))
    return view


def test_views_are_the_steps_of_the_source_in_its_order() -> None:
    batch = images(24, 32)
    for seed in range(3):
        done = infomin.draw(24, (32, 32), recipe=RECIPE, generator=torch.Generator().manual_seed(seed))
        found = infomin.augmented(pack(batch), done, recipe=RECIPE, pixels=32)
        views = torch.stack([before_randaugment(image, done, i, 32) for i, image in enumerate(batch)])
        views = randaugment.augmented(views, done.layers, fill=RECIPE.mean)
        for i in range(24):
            view = reference.rgb_to_grayscale(views[i], 3) if done.moco.grayscale[i] else views[i]
            expected = reference.normalize(view, RECIPE.mean, RECIPE.std)
            far = (found[i] - expected).abs() > 2e-3
            assert float(far.float().mean()) < 0.02  # a byte on the edge of a step may fall on either side


def test_the_third_view_is_a_plain_crop_for_the_jigsaw() -> None:
    batch = images(8, 32)
    random = torch.Generator().manual_seed(5)
    views = infomin.make(batch, RECIPE, count=3, pixels=32, generator=random, share=ALONE)
    assert [tuple(view.shape) for view in views] == [(8, 3, 32, 32), (8, 3, 32, 32), (8, 3, 36, 36)]
    random = torch.Generator().manual_seed(5)
    for _ in range(2):
        infomin.draw(8, (32, 32), recipe=RECIPE, generator=random)
    done = infomin.draw_jigsaw(8, (32, 32), recipe=RECIPE, generator=random)
    areas = done.boxes.height * done.boxes.width / 32**2
    assert 0.5 < float(areas.min()) <= float(areas.max()) <= 1
    for i, image in enumerate(batch):
        box = [int(part[i]) for part in (done.boxes.top, done.boxes.left, done.boxes.height, done.boxes.width)]
        view = reference.resized_crop(image.float() / 255, *box, [36, 36], antialias=True)
        view = reference.hflip(view) if done.flipped[i] else view
        expected = reference.normalize(view, RECIPE.mean, RECIPE.std)
        torch.testing.assert_close(views[2][i], expected, rtol=0, atol=2e-4)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_view_does_not_depend_on_how_many_follow(count: int) -> None:
    settings: dict[str, Any] = {"pixels": 32, "share": ALONE}
    few = infomin.make(images(4, 32), RECIPE, count=count, generator=torch.Generator().manual_seed(0), **settings)
    all_three = infomin.make(images(4, 32), RECIPE, count=3, generator=torch.Generator().manual_seed(0), **settings)
    assert len(few) == count
    assert all(torch.equal(one, other) for one, other in zip(few, all_three, strict=False))
    assert not torch.equal(all_three[0], all_three[1])


def test_processes_share_the_views_of_one() -> None:
    batch, settings = images(8, 32), {"count": 3, "pixels": 32}
    whole = infomin.make(batch, RECIPE, generator=torch.Generator().manual_seed(0), share=ALONE, **settings)
    for rank in (0, 1):
        share = Share(rank, 2)
        part = infomin.make(
            share.part(batch), RECIPE, generator=torch.Generator().manual_seed(0), share=share, **settings
        )
        for own, all_of in zip(part, whole, strict=True):
            torch.testing.assert_close(own, share.part(all_of), rtol=0, atol=1e-5)


def test_plain_resizes_and_normalises_only() -> None:
    batch = images(3, 50)
    expected = reference.normalize(
        reference.resize(batch.float() / 255, [32, 32], antialias=True), RECIPE.mean, RECIPE.std
    )
    torch.testing.assert_close(infomin.plain(batch, RECIPE, pixels=32), expected, rtol=0, atol=1e-4)


def test_the_reference_path_is_refused() -> None:
    with pytest.raises(JobFailed) as caught:
        infomin.official(RECIPE, pixels=32)
    assert str(caught.value) == 'input.mode: the views infomin are made by whole batches only; set it to "batched"'
