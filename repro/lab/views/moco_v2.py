"""The two views of MoCo-v2 (`--aug-plus`): crop, colour jitter, grayscale, blur, flip; whole batches at once.

Source: facebookresearch/moco@78b69ca main_moco.py:225-240; torchvision's transforms for the parameters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from PIL.Image import Image
from torch import Generator, Tensor

from repro.lab.loading import augment, crops
from repro.lab.loading.pack import Pack, pack
from repro.lab.processes import Share


@dataclass(frozen=True)
class Recipe:
    """Ranges and chances of each augmentation, and the normalisation."""

    crop_scale: tuple[float, float]
    crop_ratio: tuple[float, float]
    jitter: tuple[float, float, float, float]  # brightness, contrast, saturation, hue
    jitter_probability: float
    grayscale_probability: float
    blur_sigma: tuple[float, float]  # pixels
    blur_probability: float
    flip_probability: float
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class Draw:
    """What is done to each image of a batch; (N,) each but two."""

    boxes: augment.Boxes
    flipped: Tensor  # bool
    factors: Tensor  # float32 (N, 4): brightness, contrast, saturation, turn of the hue; 1, 1, 1, 0 changes nothing
    order: Tensor  # int64 (N, 4), in which these come
    grayscale: Tensor  # bool
    blurred: Tensor  # bool
    sigmas: Tensor  # pixels


def make(
    images: Tensor | Sequence[Tensor] | Pack,
    recipe: Recipe,
    *,
    count: int,
    pixels: int,
    generator: Generator,
    share: Share,
) -> tuple[Tensor, ...]:
    """`count` independent views of this process's uint8 images, float32 (N, 3, pixels, pixels) each, normalised.

    The images are (N, 3, H, W), or (3, h, w) each of a size of its own. The numbers are drawn for the images of all
    processes, and one view does not depend on how many follow.
    """
    packed = pack(images)
    sizes = crops.sizes_for(packed, share)
    draws = [draw(len(sizes), sizes, recipe=recipe, generator=generator) for _ in range(count)]
    return tuple(augmented(packed, share.part(done), recipe=recipe, pixels=pixels) for done in draws)


def plain(images: Tensor | Sequence[Tensor] | Pack, recipe: Recipe, *, pixels: int) -> Tensor:
    """The uint8 images without augmentation, float32 (N, 3, pixels, pixels), normalised.

    Those of one size, (N, 3, H, W), are seen whole, others in their middle.
    """
    return normalise(crops.plain(images, pixels=pixels), recipe)


def normalise(images: Tensor, recipe: Recipe) -> Tensor:
    """(N, 3, H, W) float32 in [0, 1], normalised."""
    return augment.normalise(images, mean=recipe.mean, std=recipe.std)


def official(recipe: Recipe, *, pixels: int) -> Callable[[Image], Image]:
    """The official steps but for the normalisation, for one image."""
    from repro.lab.loading import official  # torchvision takes a second to import, and only this needs it

    return official.coloured(
        scale=recipe.crop_scale,
        ratio=recipe.crop_ratio,
        jitter=recipe.jitter,
        jitter_probability=recipe.jitter_probability,
        grayscale_probability=recipe.grayscale_probability,
        blur_sigma=recipe.blur_sigma,
        blur_probability=recipe.blur_probability,
        flip_probability=recipe.flip_probability,
        pixels=pixels,
    )


def draw(count: int, size: tuple[int, int] | Tensor, *, recipe: Recipe, generator: Generator) -> Draw:
    """Parameters for `count` images of `size` (height, width), or int64 (count, 2) where each has its own."""
    chance = {"generator": generator}
    jittered = augment.draw_chance(count, recipe.jitter_probability, **chance)
    factors = [
        torch.where(jittered, augment.draw_uniform(count, (max(0.0, 1 - spread), 1 + spread), **chance), 1.0)
        for spread in recipe.jitter[:3]
    ]
    turns = augment.draw_uniform(count, (-recipe.jitter[3], recipe.jitter[3]), **chance) * jittered
    return Draw(
        boxes=augment.draw_boxes(count, size, scale=recipe.crop_scale, ratio=recipe.crop_ratio, **chance),
        flipped=augment.draw_chance(count, recipe.flip_probability, **chance),
        factors=torch.stack([*factors, turns], dim=1),
        order=augment.draw_orders(count, 4, **chance),
        grayscale=augment.draw_chance(count, recipe.grayscale_probability, **chance),
        blurred=augment.draw_chance(count, recipe.blur_probability, **chance),
        sigmas=augment.draw_uniform(count, recipe.blur_sigma, **chance),
    )


def augmented(images: Pack, done: Draw, *, recipe: Recipe, pixels: int) -> Tensor:
    """Apply a draw to N images, float32 (N, 3, pixels, pixels), in the official order; the flip is part of the crop.

    Differs: the official code flips last; every step before it but the crop treats left and right alike.
    """
    radius = math.ceil(3 * recipe.blur_sigma[1])
    if images.device.type == "cpu":
        return crops.through(
            images,
            done.boxes,
            flipped=done.flipped,
            factors=done.factors,
            order=done.order,
            grey=done.grayscale,
            sigmas=torch.where(done.blurred, done.sigmas, 0.0),
            radius=radius,
            mean=recipe.mean,
            std=recipe.std,
            pixels=pixels,
        )
    views = crops.cut(images, done.boxes, flipped=done.flipped, pixels=pixels)
    return normalise(_coloured(views, done, radius=radius), recipe)


def _coloured(views: Tensor, done: Draw, *, radius: int) -> Tensor:
    """All steps between the crop and the normalisation, for whole batches, in place."""
    augment.jitter(views, done.factors, done.order)
    grey, blurred = (chosen.nonzero().squeeze(1).to(views.device) for chosen in (done.grayscale, done.blurred))
    views.index_copy_(0, grey, augment.gray(views.index_select(0, grey)).expand(-1, 3, -1, -1))
    soft = augment.blur(views.index_select(0, blurred), done.sigmas[done.blurred], radius=radius)
    return views.index_copy_(0, blurred, soft)
