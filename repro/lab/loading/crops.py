"""Crops out of images of any size: on the processor by compiled code, elsewhere by batches of much the same size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple

import numpy as np
import torch
from torch import Tensor

from repro.lab.loading import augment, compiled
from repro.lab.loading.pack import Pack, pack
from repro.lab.processes import Share

_ROOM = 1 << 26  # pixels of boxes that are resized together, with what pads them: 800 MB of floats


def sizes_for(images: Pack, share: Share) -> Tensor:
    """The size of each image of all processes, int64 (N, 2); those of other processes, not known here, as 1 x 1."""
    whole = torch.ones((len(images) * share.size, 2), dtype=torch.int64)
    whole[share.rows(len(whole))] = images.sizes
    return whole


def cut(images: Pack, boxes: augment.Boxes, *, flipped: Tensor, pixels: int) -> Tensor:
    """A box out of each image, float32 (N, 3, pixels, pixels) in [0, 1], mirrored where `flipped`, bool (N,).

    As `augment.crop`, for images of any size; on the processor one after the other, elsewhere as many together as are
    of much the same size.
    """
    if images.device.type == "cpu":
        nothing = torch.tensor([1.0, 1.0, 1.0, 0.0]).expand(len(images), 4)
        return through(images, boxes, flipped=flipped, factors=nothing, pixels=pixels)
    return together(images, boxes, flipped=flipped, pixels=pixels)


def together(images: Pack, boxes: augment.Boxes, *, flipped: Tensor, pixels: int) -> Tensor:
    """The same by batches, on any device."""
    stacked = images.stacked
    if stacked is not None:
        return augment.crop(stacked.float().div_(255), boxes, flipped=flipped, pixels=pixels)
    result = torch.empty((len(images), 3, pixels, pixels), device=images.device)
    pieces = [
        image[:, top : top + height, left : left + width]
        for image, top, left, height, width in zip(images, *(part.tolist() for part in astuple(boxes)), strict=True)
    ]
    for group in _groups(boxes):
        batch = _padded([pieces[place] for place in group])
        zero, rows = torch.zeros(len(group), dtype=torch.int64), torch.tensor(group)
        inner = augment.Boxes(zero, zero, boxes.height[rows], boxes.width[rows])
        result[rows.to(images.device)] = augment.crop(batch, inner, flipped=flipped[rows], pixels=pixels)
    return result


def _groups(boxes: augment.Boxes) -> Iterator[list[int]]:
    """Places of boxes that are worth padding to one size, `_ROOM` pixels at most together."""
    group: list[int] = []
    most = [0, 0]
    for place in (boxes.height * boxes.width).argsort(stable=True).tolist():
        size = [max(most[0], int(boxes.height[place])), max(most[1], int(boxes.width[place]))]
        if group and (len(group) + 1) * size[0] * size[1] > _ROOM:
            yield group
            group, size = [], [int(boxes.height[place]), int(boxes.width[place])]
        group.append(place)
        most = size
    yield group


def _padded(pieces: Sequence[Tensor]) -> Tensor:
    """uint8 (3, h, w) of any size as float32 (n, 3, H, W) in [0, 1], 0 beyond each."""
    height, width = (max(piece.shape[side] for piece in pieces) for side in (1, 2))
    batch = torch.zeros((len(pieces), 3, height, width), dtype=torch.uint8, device=pieces[0].device)
    for row, piece in zip(batch, pieces, strict=True):
        row[:, : piece.shape[1], : piece.shape[2]] = piece
    return batch.float().div_(255)


def through(
    images: Pack,
    boxes: augment.Boxes,
    *,
    flipped: Tensor,
    factors: Tensor,
    pixels: int,
    order: Tensor | None = None,
    grey: Tensor | None = None,
    sigmas: Tensor | None = None,
    radius: int = 0,
    mean: Sequence[float] = (0.0, 0.0, 0.0),
    std: Sequence[float] = (1.0, 1.0, 1.0),
) -> Tensor:
    """All steps of a view on the processor, image by image, compiled; what is left out is not done.

    `factors` float32 (N, 4) are brightness, contrast, saturation and turn of the hue, `order` int64 (N, 4) which comes
    when; `grey` bool (N,); `sigmas` (N,) in pixels, 0: not blurred.
    """
    count = len(images)
    result = np.empty((count, 3, pixels, pixels), np.float32)  # numpy asks for large pages, torch does not
    if count:
        compiled.views(
            images.flat.numpy(),
            images.starts.numpy(),
            images.sizes.contiguous().numpy(),
            torch.stack(astuple(boxes), dim=1).numpy(),
            flipped.numpy(),
            factors.contiguous().numpy(),
            (torch.arange(4).repeat(count, 1) if order is None else order.contiguous()).numpy(),
            (torch.zeros(count, dtype=torch.bool) if grey is None else grey).numpy(),
            (torch.zeros(count) if sigmas is None else sigmas.float()).numpy(),
            min(radius, pixels - 1),
            np.array(mean, np.float32),
            np.array(1 / np.array(std), np.float32),
            result,
        )
    return torch.from_numpy(result)


def centre(images: Pack, *, pixels: int) -> Tensor:
    """The largest square in the middle of each image, float32 (N, 3, pixels, pixels) in [0, 1]."""
    side = images.sizes.amin(1)
    boxes = augment.Boxes((images.sizes[:, 0] - side) // 2, (images.sizes[:, 1] - side) // 2, side, side)
    return cut(images, boxes, flipped=torch.zeros(len(images), dtype=torch.bool), pixels=pixels)


def plain(images: Tensor | Sequence[Tensor] | Pack, *, pixels: int) -> Tensor:
    """uint8 images without augmentation, float32 (N, 3, pixels, pixels) in [0, 1].

    Those of one size, (N, 3, H, W), are seen whole, others in their middle.
    """
    if isinstance(images, Tensor):
        return augment.resize(images.float().div_(255), pixels=pixels)
    return centre(pack(images), pixels=pixels)
