"""Patch-based negatives: an image's own patches, tiled in a new order, so that local statistics stay and shape goes.

Source: paper, section 2.3; SongweiGe/Contrastive-Learning-with-Non-Semantic-Negatives@5fbdc4d moco/loader.py:160-185.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from repro.errors import JobFailed
from repro.lab.batch import Negative, Queries
from repro.lab.loading import compiled
from repro.lab.processes import Share

if TYPE_CHECKING:
    from repro.lab.loading.official import Query


@dataclass(frozen=True)
class Recipe:
    """How patch negatives are made and how much they weigh.

    Differs: the paper says the patches do not overlap (`overlap = false`); that is impossible but where d divides the
    side of the image, and the official code lets them overlap (`overlap = true`). The official code never takes the
    last row and column of a patch's places (`last_offset = false`, an exclusive bound); the paper's words include
    them. The paper says "of the input image" (`source = "image"`); the official code cuts up the query view, already
    cropped, jittered and blurred (`source = "query"`).
    """

    alpha: float  # weight of the similarity in Eq. 1
    sizes: tuple[int, int]  # the side d of the patches in pixels: smallest and largest, both included
    count: int  # negatives per query
    source: Literal["query", "image"]
    overlap: bool
    last_offset: bool


def patch_negatives(images: Tensor, *, sizes: tuple[int, int], generator: Generator) -> Tensor:
    """Tile each image anew with square patches cut from it at random; one side d for each image.

    `images` is (N, C, H, W) of any float or integer type on any device, and the result is like it. d is uniform on
    `sizes`, both ends included; each patch lies wholly inside its image, at a uniform place; the tiles start at the
    top left and are cropped at the right and the bottom.

    >>> column = torch.arange(6.0).reshape(1, 1, 6, 1)
    >>> patch_negatives(column, sizes=(1, 1), generator=torch.Generator().manual_seed(0)).shape
    torch.Size([1, 1, 6, 1])
    """
    sides = draw_sides(images, sizes=sizes, generator=generator)
    if not len(images):
        return images.clone()
    tops, lefts = draw_offsets(images, sides, last=True, generator=generator)
    return tile(images, sides, tops=tops, lefts=lefts)


def make(queries: Queries, recipe: Recipe, *, generator: Generator) -> list[Negative]:
    """`recipe.count` negatives for each query, (N, C, H, W) each; numbers are drawn for the whole batch."""
    source = queries.views.detach() if recipe.source == "query" else queries.plain()
    return [
        Negative(_once(source, recipe, generator=generator, share=queries.share), recipe.alpha)
        for _ in range(recipe.count)
    ]


def _once(images: Tensor, recipe: Recipe, *, generator: Generator, share: Share) -> Tensor:
    whole = images[:1].expand(len(images) * share.size, -1, -1, -1)  # as many as all processes have, for their shape
    sides = draw_sides(whole, sizes=recipe.sizes, generator=generator)
    if recipe.overlap:
        places = draw_offsets(whole, sides, last=recipe.last_offset, generator=generator)
    else:
        places = draw_shuffle(whole, sides, sizes=recipe.sizes, generator=generator)
    sides, (tops, lefts) = share.part(sides), share.part(places)
    return tile(images, sides, tops=tops, lefts=lefts)


def draw_sides(images: Tensor, *, sizes: tuple[int, int], generator: Generator) -> Tensor:
    """One side for each image, (N,) int64 on the generator's device, uniform on both ends of `sizes`."""
    if images.ndim != 4:
        raise JobFailed(f"patch negatives: expected images (N, C, H, W), found {tuple(images.shape)}")
    smallest, largest = sizes
    _check_sizes(sizes, *images.shape[-2:])
    return torch.randint(smallest, largest + 1, (len(images),), generator=generator, device=generator.device)


def draw_offsets(images: Tensor, sides: Tensor, *, last: bool, generator: Generator) -> tuple[Tensor, Tensor]:
    """Top and left of each tile's patch, two (N, R, C) int64, uniform on [0, H - d] and [0, W - d].

    With `last` false the last place is left out, as the official code does; then d must be smaller than the image.
    """
    height, width = images.shape[-2:]
    smallest = int(sides.min())
    _check_room(int(sides.max()), height, width, last=last)
    grid = (len(images), -(-height // smallest), -(-width // smallest))
    places = torch.rand((2, *grid), generator=generator, device=generator.device)
    spans = (torch.tensor([height, width], device=sides.device)[:, None] - sides + int(last)).view(2, -1, 1, 1)
    tops, lefts = (places * spans).long()
    return tops, lefts


def draw_shuffle(
    images: Tensor, sides: Tensor, *, sizes: tuple[int, int], generator: Generator
) -> tuple[Tensor, Tensor]:
    """Top and left of each tile's patch such that the patches do not overlap: the image's own grid, shuffled."""
    height, width = images.shape[-2:]
    _check_division(sizes, height, width)
    tops = torch.zeros((len(images), height // sizes[0], width // sizes[0]), dtype=torch.int64, device=sides.device)
    lefts = torch.zeros_like(tops)
    for i, d in enumerate(sides.tolist()):
        rows, columns = height // d, width // d
        places = torch.randperm(rows * columns, generator=generator, device=generator.device).view(rows, columns)
        tops[i, :rows, :columns] = places // columns * d
        lefts[i, :rows, :columns] = places % columns * d
    return tops, lefts


def official(query: Query, recipe: Recipe, *, random: np.random.Generator) -> list[NDArray[np.uint8]]:
    """`recipe.count` negatives of one image, (3, P, P) each, patch by patch as the official code makes them."""
    image = query.view if recipe.source == "query" else query.plain()
    _check_sizes(recipe.sizes, *image.shape[1:])
    return [_tiled(image, recipe, random=random) for _ in range(recipe.count)]


def _tiled(image: NDArray[np.uint8], recipe: Recipe, *, random: np.random.Generator) -> NDArray[np.uint8]:
    _, height, width = image.shape
    d = int(random.integers(recipe.sizes[0], recipe.sizes[1] + 1))
    rows, columns = -(-height // d), -(-width // d)
    if recipe.overlap:
        _check_room(d, height, width, last=recipe.last_offset)
        tops = random.integers(0, height - d + recipe.last_offset, (rows, columns)).tolist()
        lefts = random.integers(0, width - d + recipe.last_offset, (rows, columns)).tolist()
    else:
        _check_division(recipe.sizes, height, width)
        places = random.permutation(rows * columns).reshape(rows, columns)
        tops, lefts = (places // columns * d).tolist(), (places % columns * d).tolist()
    tiled = np.empty((3, rows * d, columns * d), np.uint8)
    for i in range(rows):
        for j in range(columns):
            top, left = tops[i][j], lefts[i][j]
            tiled[:, i * d : (i + 1) * d, j * d : (j + 1) * d] = image[:, top : top + d, left : left + d]
    return tiled[:, :height, :width]


def _check_sizes(sizes: tuple[int, int], height: int, width: int) -> None:
    smallest, largest = sizes
    if not 1 <= smallest <= largest:
        raise JobFailed(f"negatives.sizes: expected 1 <= smallest <= largest, found {smallest} and {largest}")
    if largest > min(height, width):
        raise JobFailed(
            f"negatives.sizes: a patch of {largest} pixels does not fit into an image of {height} x {width}; "
            f"set the largest size to at most {min(height, width)}"
        )


def _check_room(largest: int, height: int, width: int, *, last: bool) -> None:
    if not last and largest >= min(height, width):
        raise JobFailed(
            f"negatives.last_offset: false leaves no place for a patch of {largest} pixels in an image of "
            f"{height} x {width}; set it to true or the largest size to at most {min(height, width) - 1}"
        )


def _check_division(sizes: tuple[int, int], height: int, width: int) -> None:
    odd = [d for d in range(sizes[0], sizes[1] + 1) if height % d or width % d]
    if odd:
        raise JobFailed(
            f"negatives.overlap: false needs patch sizes that divide {height} x {width}, and {odd[0]} does not; "
            f"set it to true, as the official code does, or sizes to one that divides"
        )


def tile(images: Tensor, sides: Tensor, *, tops: Tensor, lefts: Tensor) -> Tensor:
    """Fill a grid of side d with the d x d patches at `tops`, `lefts`, two (N, R, C), cropped to the image's size."""
    if images.device.type == "cpu":
        return _tile_copied(images, sides, tops=tops, lefts=lefts)
    return _tile_gather(images, sides, tops=tops, lefts=lefts)


def _tile_gather(images: Tensor, sides: Tensor, *, tops: Tensor, lefts: Tensor) -> Tensor:
    """All images in one gather: for each pixel the place of its patch plus its place in the patch."""
    count, channels, height, width = images.shape
    sides, places = sides.to(images.device), (tops * width + lefts).to(images.device)
    row, column = (torch.arange(length, device=images.device) for length in (height, width))
    d = sides.unsqueeze(1)
    cells = (row // d * places.shape[2]).unsqueeze(2) + (column // d).unsqueeze(1)  # N x H x W
    within = (row % d * width).unsqueeze(2) + (column % d).unsqueeze(1)
    pixels = places.flatten(1).gather(1, cells.flatten(1)).add_(within.flatten(1))  # N x HW
    pixels = pixels.unsqueeze(1).expand(count, channels, height * width)
    return images.flatten(2).gather(2, pixels).view(count, channels, height, width)


def _tile_copied(images: Tensor, sides: Tensor, *, tops: Tensor, lefts: Tensor) -> Tensor:
    """Row by row by compiled code, which takes whole numbers of an image's size of item for any type."""
    kind = _WHOLE[images.element_size()]
    source = images.detach().contiguous().view(kind).numpy()
    result = np.empty_like(source)  # numpy asks for large pages, torch does not: a third of the time of a large batch
    compiled.tile(source, *(part.contiguous().numpy() for part in (sides, tops, lefts)), result)
    return torch.from_numpy(result).view(images.dtype)


_WHOLE = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
