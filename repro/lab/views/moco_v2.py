"""The two views of MoCo-v2 (`--aug-plus`): crop, colour jitter, grayscale, blur, flip; whole batches at once.

Source: facebookresearch/moco@78b69ca main_moco.py:225-240; torchvision's transforms for the parameters.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from repro.lab import augment
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
    """What is done to each image of a batch; (N,) each but `order`."""

    boxes: augment.Boxes
    flipped: Tensor  # bool
    jitter: tuple[Tensor, Tensor, Tensor, Tensor]  # brightness, contrast, saturation, hue; 1, 1, 1, 0 changes nothing
    order: tuple[int, ...]  # of the four
    grayscale: Tensor  # bool
    blurred: Tensor  # bool
    sigmas: Tensor  # pixels


_JITTERS: tuple[Callable[[Tensor, Tensor], Tensor], ...] = (
    augment.brightness,
    augment.contrast,
    augment.saturation,
    augment.hue,
)


def make(
    images: Tensor, recipe: Recipe, *, count: int, pixels: int, generator: Generator, share: Share
) -> tuple[Tensor, ...]:
    """`count` independent views of this process's (N, 3, H, W) uint8 images, float32, normalised.

    Each is (N, 3, pixels, pixels). The numbers are drawn for the images of all processes, and one view does not depend
    on how many follow.
    """
    size, whole = (images.shape[2], images.shape[3]), len(images) * share.size
    floats = images.float().div_(255)
    draws = [draw(whole, size, recipe=recipe, generator=generator) for _ in range(count)]
    return tuple(augmented(floats, share.part(done), recipe=recipe, pixels=pixels) for done in draws)


def plain(images: Tensor, recipe: Recipe, *, pixels: int) -> Tensor:
    """The (N, 3, H, W) uint8 images whole, (N, 3, pixels, pixels) float32, normalised."""
    return normalise(augment.resize(images.float().div_(255), pixels=pixels), recipe)


def normalise(images: Tensor, recipe: Recipe) -> Tensor:
    """(N, 3, H, W) float32 in [0, 1], normalised."""
    return augment.normalise(images, mean=recipe.mean, std=recipe.std)


def draw(count: int, size: tuple[int, int], *, recipe: Recipe, generator: Generator) -> Draw:
    """Parameters for `count` images of `size` (height, width).

    Differs: the order of the four jitters is drawn once for a batch; torchvision draws it for each image.
    """
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
        jitter=(factors[0], factors[1], factors[2], turns),
        order=tuple(torch.randperm(4, generator=generator, device=generator.device).tolist()),
        grayscale=augment.draw_chance(count, recipe.grayscale_probability, **chance),
        blurred=augment.draw_chance(count, recipe.blur_probability, **chance),
        sigmas=augment.draw_uniform(count, recipe.blur_sigma, **chance),
    )


def augmented(images: Tensor, done: Draw, *, recipe: Recipe, pixels: int) -> Tensor:
    """Apply a draw to (N, 3, H, W) float32 in [0, 1], in the official order; the flip is part of the crop.

    Differs: the official code flips last; every step before it but the crop treats left and right alike.
    """
    views = augment.crop(images, done.boxes, flipped=done.flipped, pixels=pixels)
    for kind in done.order:
        if recipe.jitter[kind] > 0:
            views = _JITTERS[kind](views, done.jitter[kind])
    if recipe.grayscale_probability > 0:
        chosen = done.grayscale.nonzero().squeeze(1).to(views.device)
        views.index_copy_(0, chosen, augment.gray(views.index_select(0, chosen)).expand(-1, 3, -1, -1))
    if recipe.blur_probability > 0:
        chosen = done.blurred.nonzero().squeeze(1).to(views.device)
        radius = math.ceil(3 * recipe.blur_sigma[1])
        blurred = augment.blur(views.index_select(0, chosen), done.sigmas[done.blurred], radius=radius)
        views.index_copy_(0, chosen, blurred)
    return normalise(views, recipe)
