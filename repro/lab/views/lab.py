"""Lightness and colour: crop and flip, then CIE L*a*b* with L in the first channel and a, b in the others.

Source: Tian et al. 2019; HobbitLong/CMC@bd28553 train_CMC.py and dataset.py, where the conversion is skimage's: sRGB,
white D65, observer 2 degrees (CIE 15:2004, section 8.2.1).
Differs: the conversion is of the resized floats, not of their nearest bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from PIL.Image import Image
from torch import Generator, Tensor

from repro.lab.loading import augment, crops
from repro.lab.loading.pack import Pack, pack
from repro.lab.processes import Share

_XYZ = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))
_WHITE = (0.95047, 1.0, 1.08883)
_DELTA = 6 / 29  # where the cube root goes over into a line


@dataclass(frozen=True)
class Recipe:
    """Ranges and chances of each augmentation, and the normalisation of L, a and b."""

    crop_scale: tuple[float, float]
    crop_ratio: tuple[float, float]
    flip_probability: float
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class Draw:
    """What is done to each image of a batch; (N,) each."""

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
    """`count` independent views of this process's uint8 images, (N, 3, H, W) or (3, h, w) each, as `moco_v2.make`."""
    packed = pack(images)
    sizes = crops.sizes_for(packed, share)
    draws = [share.part(draw(len(sizes), sizes, recipe=recipe, generator=generator)) for _ in range(count)]
    cropped = (crops.cut(packed, done.boxes, flipped=done.flipped, pixels=pixels) for done in draws)
    return tuple(normalise(view, recipe) for view in cropped)


def plain(images: Tensor | Sequence[Tensor] | Pack, recipe: Recipe, *, pixels: int) -> Tensor:
    """The uint8 images without augmentation, float32 (N, 3, pixels, pixels), as `moco_v2.plain`."""
    return normalise(crops.plain(images, pixels=pixels), recipe)


def official(recipe: Recipe, *, pixels: int) -> Callable[[Image], Image]:
    """The official steps but for the conversion and the normalisation, for one image."""
    from repro.lab.loading import official  # torchvision takes a second to import, and only this needs it

    chance = recipe.flip_probability
    return official.cropped(scale=recipe.crop_scale, ratio=recipe.crop_ratio, flip_probability=chance, pixels=pixels)


def normalise(images: Tensor, recipe: Recipe) -> Tensor:
    """(N, 3, H, W) float32 RGB in [0, 1] to normalised Lab."""
    return augment.normalise(from_rgb(images), mean=recipe.mean, std=recipe.std)


def draw(count: int, size: tuple[int, int] | Tensor, *, recipe: Recipe, generator: Generator) -> Draw:
    """Parameters for `count` images of `size` (height, width), or int64 (count, 2) where each has its own."""
    chance = {"generator": generator}
    return Draw(
        boxes=augment.draw_boxes(count, size, scale=recipe.crop_scale, ratio=recipe.crop_ratio, **chance),
        flipped=augment.draw_chance(count, recipe.flip_probability, **chance),
    )


def from_rgb(images: Tensor) -> Tensor:
    """(N, 3, H, W) sRGB in [0, 1] to L in [0, 100], a and b, which lie within about -108 and 99.

    >>> white = from_rgb(torch.ones(1, 3, 1, 1)).flatten()
    >>> [round(part, 2) + 0.0 for part in white.tolist()]
    [100.0, 0.0, 0.0]
    """
    linear = torch.where(images <= 0.04045, images / 12.92, ((images + 0.055) / 1.055) ** 2.4)
    weights = torch.tensor(_XYZ, dtype=images.dtype) / torch.tensor(_WHITE, dtype=images.dtype).unsqueeze(1)
    xyz = torch.einsum("ij,njhw->nihw", weights.to(images.device), linear)  # of the white's
    root = torch.where(xyz > _DELTA**3, xyz.clamp_min(_DELTA**3) ** (1 / 3), xyz / (3 * _DELTA**2) + 4 / 29)
    x, y, z = root.unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=1)
