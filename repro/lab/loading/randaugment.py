"""RandAugment for whole batches: a few operations drawn for each image, each operation done to all its images at once.

Source: Cubuk et al. 2020; HobbitLong/PyContrast@d72bb9a pycontrast/datasets/RandAugment.py for the list of operations,
their chance, the spread of the level and what a level means.
Differs: geometry is bilinear only; the source draws bilinear or bicubic. Images stay floats between operations, and
each operation that counts in bytes rounds them first.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from repro.lab.loading import augment

TOP = 10.0  # the highest level


@dataclass(frozen=True)
class Layer:
    """One operation for each image; (N,) each."""

    kinds: Tensor  # int64, the place in `NAMES`, -1: none
    levels: Tensor  # float32 in [0, 10]
    signs: Tensor  # float32, -1 or 1, the direction of a rotation, shear or translation


def draw(
    count: int, *, layers: int, level: int, spread: float, probability: float, generator: Generator
) -> tuple[Layer, ...]:
    """`layers` operations for each of `count` images, with replacement; the level is normal around `level`, clipped."""
    drawn = []
    for _ in range(layers):
        kinds = torch.randint(len(NAMES), (count,), generator=generator, device=generator.device)
        chosen = augment.draw_chance(count, probability, generator=generator)
        levels = level + spread * torch.randn(count, generator=generator, device=generator.device)
        signs = torch.where(augment.draw_chance(count, 0.5, generator=generator), -1.0, 1.0)
        drawn.append(Layer(torch.where(chosen, kinds, -1), levels.clamp_(0, TOP), signs))
    return tuple(drawn)


def augmented(images: Tensor, layers: tuple[Layer, ...], *, fill: tuple[float, ...]) -> Tensor:
    """Apply the layers in turn to square (N, 3, S, S) float32 in [0, 1]; `fill` is the colour of what comes into view.

    The images given are left as they are.
    """
    images = images.clone()
    for layer in layers:
        picked = ((layer.kinds >= 0) & (layer.kinds < len(_GEOMETRIC))).nonzero().squeeze(1)
        if len(picked):
            images[picked] = _warp(images[picked], layer, picked, fill=fill)
        for kind, operation in enumerate(_PHOTOMETRIC.values(), start=len(_GEOMETRIC)):
            picked = (layer.kinds == kind).nonzero().squeeze(1)
            if len(picked):
                images[picked] = operation(images[picked], layer.levels[picked])
    return images


def _warp(images: Tensor, layer: Layer, picked: Tensor, *, fill: tuple[float, ...]) -> Tensor:
    """Move the pixels of each image by the matrix of its operation."""
    share = layer.levels[picked] * layer.signs[picked] / TOP  # in [-1, 1]
    matrices = torch.stack([matrix(share) for matrix in _GEOMETRIC.values()])  # operations x n x 2 x 3
    chosen = matrices[layer.kinds[picked], torch.arange(len(picked), device=picked.device)].to(images.device)
    grid = F.affine_grid(chosen, list(images.shape), align_corners=False)
    colour = torch.tensor(fill, dtype=images.dtype, device=images.device).view(1, -1, 1, 1)
    return F.grid_sample(images - colour, grid, padding_mode="zeros", align_corners=False).add_(colour)


def rotate(share: Tensor) -> Tensor:
    """Around the centre, by up to 30 degrees; (n,) in [-1, 1] to (n, 2, 3), from a place to where its pixel comes from.

    Places are those of grid_sample: -1 and 1 at the edges of the image.
    """
    angles = share * math.radians(30)
    return _matrices(angles.cos(), -angles.sin(), angles.sin(), angles.cos(), share * 0, share * 0)


def shear_x(share: Tensor) -> Tensor:
    """Along the rows, by up to 0.3 of the distance from the first row."""
    return _matrices(share * 0 + 1, 0.3 * share, share * 0, share * 0 + 1, 0.3 * share, share * 0)


def shear_y(share: Tensor) -> Tensor:
    """Along the columns, by up to 0.3 of the distance from the first column."""
    return _matrices(share * 0 + 1, share * 0, 0.3 * share, share * 0 + 1, share * 0, 0.3 * share)


def translate_x(share: Tensor) -> Tensor:
    """Along the rows, by up to 0.45 of the side."""
    return _matrices(share * 0 + 1, share * 0, share * 0, share * 0 + 1, 0.9 * share, share * 0)


def translate_y(share: Tensor) -> Tensor:
    """Along the columns, by up to 0.45 of the side."""
    return _matrices(share * 0 + 1, share * 0, share * 0, share * 0 + 1, share * 0, 0.9 * share)


def _matrices(xx: Tensor, xy: Tensor, yx: Tensor, yy: Tensor, x: Tensor, y: Tensor) -> Tensor:
    return torch.stack([xx, xy, x, yx, yy, y], dim=1).view(-1, 2, 3)


def auto_contrast(images: Tensor, levels: Tensor) -> Tensor:
    """Each channel stretched to the whole range, but where it has one value only."""
    low, high = images.amin((2, 3), keepdim=True), images.amax((2, 3), keepdim=True)
    flat = high <= low
    return torch.where(flat, images, (images - low) / torch.where(flat, 1.0, high - low))


def equalize(images: Tensor, levels: Tensor) -> Tensor:
    """Each channel such that its 256 values are as frequent as they can be made, as PIL counts."""
    count, channels, height, width = images.shape
    values = _bytes(images).long().view(count * channels, -1)
    histogram = torch.zeros(len(values), 256, dtype=torch.int64, device=images.device)
    histogram.scatter_add_(1, values, torch.ones_like(values))
    last = histogram.gather(1, values.amax(1, keepdim=True))  # how often the highest value occurs
    step = (values.shape[1] - last) // 255
    below = histogram.cumsum(1) - histogram
    table = ((below + step // 2) // step.clamp_min(1)).clamp_max(255)
    table = torch.where(step > 0, table, torch.arange(256, device=images.device))
    return table.gather(1, values).view(count, channels, height, width).to(images.dtype) / 255


def invert(images: Tensor, levels: Tensor) -> Tensor:
    """White minus the image."""
    return 1 - images


def posterize(images: Tensor, levels: Tensor) -> Tensor:
    """The first bits of each byte alone, four at the highest level."""
    step = 2.0 ** (8 - _each((levels * 0.4).floor(), images))
    return (_bytes(images) / step).floor() * step / 255


def solarize(images: Tensor, levels: Tensor) -> Tensor:
    """Inverted from a byte on, 256 (nothing) at the highest level."""
    return torch.where(_bytes(images) < _each((levels * 25.6).floor(), images), images, 1 - images)


def solarize_add(images: Tensor, levels: Tensor) -> Tensor:
    """Brighter below the middle, by up to 110 of 255."""
    brighter = (images + _each((levels * 11).floor(), images) / 255).clamp_max(1)
    return torch.where(_bytes(images) < 128, brighter, images)


def saturation(images: Tensor, levels: Tensor) -> Tensor:
    """More colourful, by the factor 0.1 to 1.9."""
    return augment.saturation(images, _factors(levels))


def contrast(images: Tensor, levels: Tensor) -> Tensor:
    """More contrast, by the factor 0.1 to 1.9."""
    return augment.contrast(images, _factors(levels))


def brightness(images: Tensor, levels: Tensor) -> Tensor:
    """Brighter, by the factor 0.1 to 1.9."""
    return augment.brightness(images, _factors(levels))


def sharpness(images: Tensor, levels: Tensor) -> Tensor:
    """Moved from a smoothed copy by the factor 0.1 to 1.9; the outermost pixels have no such copy and stay."""
    kernel = torch.ones(3, 1, 3, 3, dtype=images.dtype, device=images.device)
    kernel[:, :, 1, 1] = 5
    smooth = images.clone()
    smooth[:, :, 1:-1, 1:-1] = F.conv2d(images, kernel / 13, groups=3)
    return torch.lerp(smooth, images, _each(_factors(levels), images)).clamp_(0, 1)


def _factors(levels: Tensor) -> Tensor:
    return levels * 0.18 + 0.1


def _bytes(images: Tensor) -> Tensor:
    return (images * 255).round()


def _each(values: Tensor, images: Tensor) -> Tensor:
    return values.to(images).view(-1, 1, 1, 1)


_GEOMETRIC: dict[str, Callable[[Tensor], Tensor]] = {
    part.__name__: part for part in (rotate, shear_x, shear_y, translate_x, translate_y)
}
_PHOTOMETRIC: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    part.__name__: part
    for part in (
        auto_contrast,
        equalize,
        invert,
        posterize,
        solarize,
        solarize_add,
        saturation,
        contrast,
        brightness,
        sharpness,
    )
}
NAMES = (*_GEOMETRIC, *_PHOTOMETRIC)
