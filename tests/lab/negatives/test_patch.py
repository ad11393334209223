"""Each tile of a patch negative is found again in its image by brute force; sides and places are uniform."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Generator, Tensor

from repro.errors import JobFailed
from repro.lab.batch import Queries
from repro.lab.negatives import patch, patch_negatives
from repro.lab.processes import ALONE

LIKELY = 1e-3  # a smaller p is taken as a fault; the generators are seeded, so a test that passes once always does


def seeded(seed: int = 0) -> Generator:
    return torch.Generator().manual_seed(seed)


def numbered(count: int, height: int, width: int, *, channels: int = 1) -> Tensor:
    """Images in which no two pixels are equal, so that a pixel tells its place."""
    return torch.arange(count * channels * height * width, dtype=torch.int32).view(count, channels, height, width)


def places(image: np.ndarray, negative: np.ndarray, d: int) -> list[tuple[int, int]] | None:
    """Where each d x d tile of a negative lies in its image, or None where one is no whole block of it."""
    height, width = image.shape
    found = []
    for y in range(0, height, d):
        for x in range(0, width, d):
            piece = negative[y : y + d, x : x + d]
            top, left = np.argwhere(image == piece[0, 0])[0]
            if top + d > height or left + d > width:
                return None
            if not np.array_equal(image[top : top + piece.shape[0], left : left + piece.shape[1]], piece):
                return None
            found.append((int(top), int(left)))
    return found


def side(image: np.ndarray, negative: np.ndarray, sizes: tuple[int, int]) -> tuple[int, list[tuple[int, int]]]:
    """The largest side for which every tile is a block of the image (a side's divisors would do as well)."""
    for d in range(sizes[1], sizes[0] - 1, -1):
        found = places(image, negative, d)
        if found is not None:
            return d, found
    raise AssertionError("some tile is no block of the image")


@pytest.mark.parametrize(
    ("height", "width", "sizes"),
    [(32, 32, (2, 10)), (30, 33, (3, 7)), (56, 56, (4, 18)), (61, 48, (5, 48)), (8, 8, (8, 8)), (12, 12, (1, 1))],
)
def test_every_tile_is_a_block_of_its_image(height: int, width: int, sizes: tuple[int, int]) -> None:
    images = numbered(6, height, width)
    negatives = patch_negatives(images, sizes=sizes, generator=seeded())
    assert negatives.shape == images.shape
    for image, negative in zip(images, negatives, strict=True):
        side(image[0].numpy(), negative[0].numpy(), sizes)


@pytest.mark.parametrize("pixels", [32, 56])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_channels_stay_together_whatever_the_type(dtype: torch.dtype, pixels: int) -> None:
    wide = numbered(3, pixels, pixels).repeat(1, 3, 1, 1) % 251
    images = (wide + torch.tensor([0, 1, 2]).view(1, 3, 1, 1)).to(dtype)
    negatives = patch_negatives(images, sizes=(3, 9), generator=seeded())
    assert negatives.dtype == dtype
    exact = negatives.to(torch.int32)
    reference = patch_negatives(wide[:, :1], sizes=(3, 9), generator=seeded())
    for channel in range(3):
        expected = (reference + channel).to(dtype).to(torch.int32)[:, 0]
        assert torch.equal(exact[:, channel], expected)


@pytest.mark.parametrize("pixels", [32, 56])
def test_memory_format_and_gradients_do_not_matter(pixels: int) -> None:
    images = torch.rand(4, 3, pixels, pixels)
    expected = patch_negatives(images, sizes=(3, 9), generator=seeded())
    last = images.contiguous(memory_format=torch.channels_last)
    assert torch.equal(patch_negatives(last, sizes=(3, 9), generator=seeded()), expected)
    assert torch.equal(patch_negatives(images.repeat(2, 1, 1, 1)[:4], sizes=(3, 9), generator=seeded()), expected)


def test_sides_and_places_are_uniform_on_both_ends() -> None:
    sizes, pixels, count = (3, 6), 8, 3000
    images = numbered(count, pixels, pixels)
    negatives = patch_negatives(images, sizes=sizes, generator=seeded(1))
    sides = np.zeros(sizes[1] + 1)
    tops, lefts = (np.zeros((sizes[1] + 1, pixels)) for _ in range(2))
    for image, negative in zip(images[:, 0].numpy(), negatives[:, 0].numpy(), strict=True):
        d, found = side(image, negative, sizes)
        sides[d] += 1
        for top, left in found:
            tops[d, top] += 1
            lefts[d, left] += 1
    assert stats.chisquare(sides[sizes[0] :]).pvalue > LIKELY
    for d in range(sizes[0], sizes[1] + 1):
        for offsets in (tops, lefts):
            assert stats.chisquare(offsets[d, : pixels - d + 1]).pvalue > LIKELY


def test_same_generator_same_negatives_and_another_seed_others() -> None:
    images = torch.rand(4, 3, 32, 32)
    first, again, other = (patch_negatives(images, sizes=(2, 10), generator=seeded(s)) for s in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_no_images_no_negatives_and_a_single_image_is_told() -> None:
    assert patch_negatives(torch.zeros(0, 3, 32, 32), sizes=(2, 10), generator=seeded()).shape == (0, 3, 32, 32)
    with pytest.raises(JobFailed) as caught:
        patch_negatives(torch.zeros(3, 32, 32), sizes=(2, 10), generator=seeded())
    assert str(caught.value) == "patch negatives: expected images (N, C, H, W), found (3, 32, 32)"


def recipe(**changes: object) -> patch.Recipe:
    values: dict[str, object] = {
        "alpha": 2.0,
        "sizes": (2, 10),
        "count": 1,
        "source": "query",
        "overlap": True,
        "last_offset": True,
    }
    return patch.Recipe(**{**values, **changes})  # type: ignore[arg-type]


def of(views: Tensor, *, plain: Tensor) -> Queries:
    return Queries(views, plain=lambda: plain, textures=lambda: plain, share=ALONE)


def test_source_and_count() -> None:
    queries, plain = numbered(2, 16, 16), 100_000 + numbered(2, 16, 16)
    of_query = patch.make(of(queries, plain=plain), recipe(count=2), generator=seeded())
    of_image = patch.make(of(queries, plain=plain), recipe(source="image"), generator=seeded())
    assert [part.alpha for part in of_query] == [2.0, 2.0]
    assert not torch.equal(of_query[0].images, of_query[1].images)
    assert int(of_query[0].images.max()) < 100_000 <= int(of_image[0].images.min())


def test_the_code_leaves_the_last_place_out() -> None:
    images = numbered(2000, 8, 8)
    [negative] = patch.make(of(images, plain=images), recipe(sizes=(6, 6), last_offset=False), generator=seeded())
    corners = negative.images[:, 0, 0, 0] - images[:, 0, 0, 0]
    assert set((corners // 8).tolist()) == {0, 1}  # of 0, 1, 2
    assert set((corners % 8).tolist()) == {0, 1}


def test_without_overlap_the_grid_is_shuffled() -> None:
    images = numbered(50, 12, 12)
    [negative] = patch.make(of(images, plain=images), recipe(sizes=(4, 4), overlap=False), generator=seeded())
    assert torch.equal(negative.images.flatten(1).sort().values, images.flatten(1))  # each pixel once
    pairs = zip(images[:, 0].numpy(), negative.images[:, 0].numpy(), strict=True)
    orders = {tuple(side(image, tiled, (4, 4))[1]) for image, tiled in pairs}
    assert len(orders) > 45


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"sizes": (4, 33)},
            "negatives.sizes: a patch of 33 pixels does not fit into an image of 32 x 40; "
            "set the largest size to at most 32",
        ),
        ({"sizes": (9, 4)}, "negatives.sizes: expected 1 <= smallest <= largest, found 9 and 4"),
        (
            {"sizes": (4, 8), "overlap": False},
            "negatives.overlap: false needs patch sizes that divide 32 x 40, and 5 does not; "
            "set it to true, as the official code does, or sizes to one that divides",
        ),
        (
            {"sizes": (32, 32), "last_offset": False},
            "negatives.last_offset: false leaves no place for a patch of 32 pixels in an image of 32 x 40; "
            "set it to true or the largest size to at most 31",
        ),
    ],
)
def test_impossible_recipes_are_told(changes: dict[str, object], message: str) -> None:
    images = numbered(2, 32, 40)
    with pytest.raises(JobFailed) as caught:
        patch.make(of(images, plain=images), recipe(**changes), generator=seeded())
    assert str(caught.value) == message
