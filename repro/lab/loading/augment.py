"""Augmentations for whole batches, each sample with parameters of its own; random draws apart from the arithmetic.

`draw_*` functions take a generator and return parameters on the CPU; the others are deterministic and follow the
device of the images. Images are float32 (N, 3, H, W) in [0, 1] unless said otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

_ATTEMPTS = 10  # torchvision's, before the central crop is taken
_GRAY = (0.2989, 0.587, 0.114)  # ITU-R 601-2 luma, as PIL and torchvision weigh them


@dataclass(frozen=True)
class Boxes:
    """A rectangle for each image, int64 (N,) each, in pixels."""

    top: Tensor
    left: Tensor
    height: Tensor
    width: Tensor


@dataclass(frozen=True)
class Cuts:
    """What a rectangle is drawn from before the size of its image is known; float32, (N, ...) each."""

    areas: Tensor  # (N, attempts), of the image's
    aspects: Tensor  # (N, attempts), width over height
    places: Tensor  # (N, 2) in [0, 1), of the room that is left


def draw_boxes(
    count: int,
    size: tuple[int, int] | Tensor,
    *,
    scale: tuple[float, float],
    ratio: tuple[float, float],
    generator: Generator,
) -> Boxes:
    """Rectangles of random area and aspect inside images of `size` (height, width), as RandomResizedCrop draws them.

    `size` is that of all images or int64 (N, 2), that of each. Area is uniform on `scale` times the image's, the aspect
    log-uniform on `ratio`; the first of ten attempts that fits is taken, else the central rectangle of the nearest
    allowed aspect.

    Source: pytorch/vision@v0.20.0 torchvision/transforms/transforms.py RandomResizedCrop.get_params.
    """
    areas = draw_uniform(count * _ATTEMPTS, scale, generator=generator).view(count, -1)
    logs = draw_uniform(count * _ATTEMPTS, (math.log(ratio[0]), math.log(ratio[1])), generator=generator)
    places = torch.rand((2, count), generator=generator, device=generator.device)
    sizes = size if isinstance(size, Tensor) else torch.tensor(size).expand(count, 2)
    return fitted(Cuts(areas, logs.view(count, -1).exp(), places.T), sizes, ratio=ratio)


def fitted(cuts: Cuts, sizes: Tensor, *, ratio: tuple[float, float]) -> Boxes:
    """The rectangles that the numbers drawn mean in images of `sizes`, int64 (N, 2), height and width."""
    rows, columns = sizes[:, :1], sizes[:, 1:]  # N x 1
    areas = cuts.areas * (rows * columns)
    widths, heights = (areas * cuts.aspects).sqrt().round().long(), (areas / cuts.aspects).sqrt().round().long()
    fits = (widths > 0) & (widths <= columns) & (heights > 0) & (heights <= rows)
    first = fits.int().argmax(1, keepdim=True)
    is_found = fits.any(1, keepdim=True)
    shape = columns.double() / rows
    whole = shape.clamp(*ratio)  # the aspect of the fallback
    fallback_height = torch.where(shape >= whole, rows, (columns / whole).round().long())
    fallback_width = torch.where(shape > whole, (rows * whole).round().long(), columns)
    height = torch.where(is_found, heights.gather(1, first), fallback_height)
    width = torch.where(is_found, widths.gather(1, first), fallback_width)
    top = torch.where(is_found, (cuts.places[:, :1] * (rows - height + 1)).long(), (rows - height) // 2)
    left = torch.where(is_found, (cuts.places[:, 1:] * (columns - width + 1)).long(), (columns - width) // 2)
    return Boxes(*(part.squeeze(1) for part in (top, left, height, width)))


def draw_uniform(count: int, ends: tuple[float, float], *, generator: Generator) -> Tensor:
    """(count,) float32, uniform between the two ends."""
    return torch.rand(count, generator=generator, device=generator.device) * (ends[1] - ends[0]) + ends[0]


def draw_chance(count: int, probability: float, *, generator: Generator) -> Tensor:
    """(count,) bool, true with the probability given."""
    return torch.rand(count, generator=generator, device=generator.device) < probability


def draw_orders(count: int, kinds: int, *, generator: Generator) -> Tensor:
    """(count, kinds) int64, a permutation of the kinds for each image."""
    return torch.rand((count, kinds), generator=generator, device=generator.device).argsort(1)


def crop(images: Tensor, boxes: Boxes, *, flipped: Tensor, pixels: int) -> Tensor:
    """Cut a box out of each image, resize it to (pixels, pixels), and mirror it where `flipped`; (N,) bool.

    Equals torchvision's `resized_crop` with bilinear interpolation and antialiasing, then `hflip`.
    """
    if int(boxes.height.max()) <= pixels and int(boxes.width.max()) <= pixels:
        return _enlarge(images, boxes, flipped=flipped, pixels=pixels)
    rows = _weights(boxes.top, boxes.height, size=images.shape[2], pixels=pixels)
    columns = _weights(boxes.left, boxes.width, size=images.shape[3], pixels=pixels)
    columns = torch.where(flipped.view(-1, 1, 1), columns.flip(1), columns)
    rows, columns = rows.to(images.device), columns.to(images.device)
    return rows.unsqueeze(1) @ (images @ columns.unsqueeze(1).mT)


def _enlarge(images: Tensor, boxes: Boxes, *, flipped: Tensor, pixels: int) -> Tensor:
    """The same where no box is larger than the result: two pixels each way are all that is needed."""
    rows = _centres(boxes.top, boxes.height, pixels=pixels)
    columns = _centres(boxes.left, boxes.width, pixels=pixels)
    columns = torch.where(flipped.view(-1, 1), columns.flip(1), columns)
    y = (2 * rows + 1) / images.shape[2] - 1  # N x pixels, in grid_sample's units
    x = (2 * columns + 1) / images.shape[3] - 1
    shape = (len(images), pixels, pixels)
    grid = torch.stack([x.unsqueeze(1).expand(shape), y.unsqueeze(2).expand(shape)], dim=-1)
    return F.grid_sample(images, grid.to(images.device), mode="bilinear", padding_mode="border", align_corners=False)


def _centres(start: Tensor, length: Tensor, *, pixels: int) -> Tensor:
    """Where each pixel of the result lies in the image, (N, pixels), never outside the box."""
    steps = (torch.arange(pixels, device=start.device) + 0.5) / pixels
    inside = steps * length.unsqueeze(1) - 0.5
    return inside.clamp_min(0).minimum((length - 1).unsqueeze(1)) + start.unsqueeze(1)


def _weights(start: Tensor, length: Tensor, *, size: int, pixels: int) -> Tensor:
    """(N, pixels, size): how much of each pixel of the image each pixel of the result takes; a triangle filter."""
    start, length = start.view(-1, 1, 1), length.view(-1, 1, 1)
    reach = (length / pixels).clamp_min(1)
    centre = (torch.arange(pixels, device=start.device).view(1, -1, 1) + 0.5) * (length / pixels) + start
    place = torch.arange(size, device=start.device).view(1, 1, -1)
    weights = (1 - (place + 0.5 - centre).abs() / reach).clamp_min_(0)
    weights = weights * ((place >= start) & (place < start + length))
    return weights / weights.sum(-1, keepdim=True)


def gray(images: Tensor) -> Tensor:
    """Luma, (N, 1, H, W)."""
    red, green, blue = images.unbind(1)
    return (_GRAY[0] * red).add_(green, alpha=_GRAY[1]).add_(blue, alpha=_GRAY[2]).unsqueeze(1)


def brightness(images: Tensor, factors: Tensor) -> Tensor:
    """Multiply each image by its factor, (N,)."""
    return (images * _each(factors, images)).clamp_(0, 1)


def contrast(images: Tensor, factors: Tensor) -> Tensor:
    """Move each image from its mean luma by its factor, (N,)."""
    factors = _each(factors, images)
    means = gray(images).mean((2, 3), keepdim=True)
    return (images * factors).add_(means * (1 - factors)).clamp_(0, 1)


def saturation(images: Tensor, factors: Tensor) -> Tensor:
    """Move each pixel from its luma by its image's factor, (N,)."""
    return torch.lerp(gray(images), images, _each(factors, images)).clamp_(0, 1)


def hue(images: Tensor, turns: Tensor) -> Tensor:
    """Turn each image's hue by its share of the colour circle, (N,) in [-0.5, 0.5].

    Equals torchvision's `adjust_hue`: hue in HSV, whose value and chroma stay. No HSV image is formed: each channel is
    value minus chroma times a trapezium of the hue.
    """
    red, green, blue = images.transpose(0, 1).contiguous()  # planes; selecting by arithmetic beats torch.where 5 times
    value = torch.maximum(torch.maximum(red, green), blue)
    chroma = value - torch.minimum(torch.minimum(red, green), blue)
    sixth = (red - green).add_(chroma, alpha=4)
    sixth = sixth.lerp_((blue - red).add_(chroma, alpha=2), (green - value).sign_().add_(1))
    sixth = sixth.lerp_(green - blue, (red - value).sign_().add_(1))
    sixth = sixth.div_(chroma.clamp_min(1e-12)).add_(6 * turns.to(images.device).view(-1, 1, 1))
    sixth = sixth.sub_((sixth / 6).floor_(), alpha=6)  # N x H x W, in [0, 6)
    result = torch.empty_like(images)
    result[:, 0] = value - chroma * (sixth - 3).abs_().neg_().add_(2).clamp_(0, 1)
    result[:, 1] = value - chroma * (sixth - 2).abs_().sub_(1).clamp_(0, 1)
    result[:, 2] = value - chroma * (sixth - 4).abs_().sub_(1).clamp_(0, 1)
    return result.clamp_(0, 1)


JITTERS: tuple[Callable[[Tensor, Tensor], Tensor], ...] = (brightness, contrast, saturation, hue)


def jitter(images: Tensor, factors: Tensor, order: Tensor) -> Tensor:
    """The four jitters, each image's in its own `order`, int64 (N, 4), by its `factors`, float32 (N, 4); in place."""
    for turn in range(order.shape[1]):
        for kind, change in enumerate(JITTERS):
            chosen = (order[:, turn] == kind).nonzero().squeeze(1)
            if len(chosen):
                rows = chosen.to(images.device)
                images.index_copy_(0, rows, change(images.index_select(0, rows), factors[chosen, kind]))
    return images


def blur(images: Tensor, sigmas: Tensor, *, radius: int) -> Tensor:
    """Gaussian blur, sigma (N,) in pixels, weights up to `radius` pixels away, borders mirrored.

    Differs: PIL's GaussianBlur, which the official code uses, approximates the same bell by three boxes.
    """
    radius = min(radius, images.shape[2] - 1, images.shape[3] - 1)
    weights = torch.exp(-0.5 * (torch.arange(radius + 1) / sigmas.cpu().unsqueeze(1)) ** 2)  # N x (radius + 1)
    weights = (weights / (2 * weights.sum(1, keepdim=True) - weights[:, :1])).to(images.device)
    for dim in (2, 3):
        size = images.shape[dim]
        pads = (0, 0, radius, radius) if dim == 2 else (radius, radius, 0, 0)
        wide = F.pad(images, pads, mode="reflect")
        images = images * _each(weights[:, 0], images)
        for i in range(1, radius + 1):
            pair = wide.narrow(dim, radius - i, size) + wide.narrow(dim, radius + i, size)
            images.addcmul_(pair, _each(weights[:, i], images))
    return images


def resize(images: Tensor, *, pixels: int) -> Tensor:
    """The whole images at (pixels, pixels), as `crop` resizes; of that size already, as they are."""
    count, _, height, width = images.shape
    if (height, width) == (pixels, pixels):
        return images
    zero = torch.zeros(count, dtype=torch.int64)
    return crop(images, Boxes(zero, zero, zero + height, zero + width), flipped=zero.bool(), pixels=pixels)


def normalise(images: Tensor, *, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """Subtract the mean and divide by the standard deviation of each channel."""
    means, stds = (torch.tensor(part, device=images.device).view(1, -1, 1, 1) for part in (mean, std))
    return (images - means).div_(stds)


def _each(factors: Tensor, images: Tensor) -> Tensor:
    return factors.to(images.device).view(-1, 1, 1, 1)
