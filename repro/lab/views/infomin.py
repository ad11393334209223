"""The views of InfoMin: those of MoCo-v2 with more jitter and RandAugment, and a plain crop for its jigsaw.

Source: HobbitLong/PyContrast@81b619b pycontrast/datasets/util.py, augmentation D and `jigsaw_transform`.
Differs: as `moco_v2` does; the blur reaches three times its largest sigma, in the source 11 pixels.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from PIL.Image import Image
from torch import Generator, Tensor

from repro.errors import JobFailed
from repro.lab.loading import augment, crops, randaugment
from repro.lab.loading.pack import Pack, pack
from repro.lab.processes import Share
from repro.lab.views import moco_v2


@dataclass(frozen=True)
class Recipe:
    """The fields of `moco_v2`, RandAugment, and the crop that is cut into pieces."""

    crop_scale: tuple[float, float]
    crop_ratio: tuple[float, float]
    jitter: tuple[float, float, float, float]  # brightness, contrast, saturation, hue
    jitter_probability: float
    grayscale_probability: float
    blur_sigma: tuple[float, float]  # pixels
    blur_probability: float
    flip_probability: float
    randaugment: tuple[int, int]  # operations for each image, and their level, of 10
    randaugment_spread: float  # standard deviation of the level
    randaugment_probability: float  # of each operation
    jigsaw_scale: tuple[float, float]  # as crop_scale
    jigsaw_pixels: int  # the side of the crop
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class Draw:
    """What is done to each image of a batch."""

    moco: moco_v2.Draw
    layers: tuple[randaugment.Layer, ...]


@dataclass(frozen=True)
class JigsawDraw:
    """The same for the crop that is cut into pieces; (N,) each."""

    boxes: augment.Boxes
    flipped: Tensor  # bool


def make(
    images: Tensor | Sequence[Tensor] | Pack,
    recipe: Recipe,
    *,
    count: int,
    pixels: int,
    generator: Generator,
    share: Share,
) -> tuple[Tensor, ...]:
    """Two views of this process's uint8 images, (N, 3, H, W) or (3, h, w) each, as `moco_v2.make`.

    A third is the crop for the jigsaw, (N, 3, jigsaw_pixels, jigsaw_pixels). The numbers are drawn for the images of
    all processes, and one view does not depend on how many follow.
    """
    packed = pack(images)
    sizes = crops.sizes_for(packed, share)
    draws = [share.part(draw(len(sizes), sizes, recipe=recipe, generator=generator)) for _ in range(min(count, 2))]
    views = [augmented(packed, done, recipe=recipe, pixels=pixels) for done in draws]
    for _ in range(count - 2):
        done = share.part(draw_jigsaw(len(sizes), sizes, recipe=recipe, generator=generator))
        crop = crops.cut(packed, done.boxes, flipped=done.flipped, pixels=recipe.jigsaw_pixels)
        views.append(normalise(crop, recipe))
    return tuple(views)


def plain(images: Tensor | Sequence[Tensor] | Pack, recipe: Recipe, *, pixels: int) -> Tensor:
    """The uint8 images without augmentation, float32 (N, 3, pixels, pixels), as `moco_v2.plain`."""
    return normalise(crops.plain(images, pixels=pixels), recipe)


def official(recipe: Recipe, *, pixels: int) -> Callable[[Image], Image]:
    """Not written: RandAugment and the jigsaw are here for whole batches only. Raises `JobFailed`."""
    raise JobFailed('input.mode: the views infomin are made by whole batches only; set it to "batched"')


def normalise(images: Tensor, recipe: Recipe) -> Tensor:
    """(N, 3, H, W) float32 in [0, 1], normalised."""
    return augment.normalise(images, mean=recipe.mean, std=recipe.std)


def draw(count: int, size: tuple[int, int] | Tensor, *, recipe: Recipe, generator: Generator) -> Draw:
    """Parameters of a view for `count` images of `size` (height, width), or int64 (count, 2), each its own."""
    layers, level = recipe.randaugment
    return Draw(
        moco=moco_v2.draw(count, size, recipe=_shared(recipe), generator=generator),
        layers=randaugment.draw(
            count,
            layers=layers,
            level=level,
            spread=recipe.randaugment_spread,
            probability=recipe.randaugment_probability,
            generator=generator,
        ),
    )


def draw_jigsaw(count: int, size: tuple[int, int] | Tensor, *, recipe: Recipe, generator: Generator) -> JigsawDraw:
    """Parameters of the crop that is cut into pieces."""
    chance = {"generator": generator}
    return JigsawDraw(
        boxes=augment.draw_boxes(count, size, scale=recipe.jigsaw_scale, ratio=recipe.crop_ratio, **chance),
        flipped=augment.draw_chance(count, recipe.flip_probability, **chance),
    )


def augmented(images: Pack, done: Draw, *, recipe: Recipe, pixels: int) -> Tensor:
    """Apply a draw to N images: crop, jitter, blur, RandAugment, and grayscale last."""
    before = dataclasses.replace(_shared(recipe), mean=(0.0,) * 3, std=(1.0,) * 3)
    in_colour = dataclasses.replace(done.moco, grayscale=torch.zeros_like(done.moco.grayscale))
    views = moco_v2.augmented(images, in_colour, recipe=before, pixels=pixels)
    views = randaugment.augmented(views, done.layers, fill=recipe.mean)
    chosen = done.moco.grayscale.nonzero().squeeze(1).to(views.device)
    views.index_copy_(0, chosen, augment.gray(views.index_select(0, chosen)).expand(-1, 3, -1, -1))
    return normalise(views, recipe)


def _shared(recipe: Recipe) -> moco_v2.Recipe:
    """The fields that are those of `moco_v2`."""
    return moco_v2.Recipe(**{field.name: getattr(recipe, field.name) for field in dataclasses.fields(moco_v2.Recipe)})
