"""A texture grown from patches: each pixel is copied from the place in them whose surroundings fit it best.

Source: paper, section 2.2, which names Efros & Leung 1999, Wei & Levoy 2000, Ashikhmin 2001 and the program
EmbarkStudios/texture-synthesis (lib/src/ms.rs@38df231); the stages, the candidates (an Ashikhmin candidate from each of
the nearest resolved pixels, others at random, from all examples alike) and the weights exp(-d²/mean d²) are its.
Differs: a place already used often costs more (`evenness`), as textures else drift into the smoothest part of a patch;
a stage may be gone over more than once and has its own number of neighbours and guesses; candidates that several
neighbours name are tried once; the cost is the squared difference of colours, which log(1 + d²) nearly is at the
program's dispersion; a neighbour outside of the patch costs a share of the patches' variance, not its distance from
black; one thread an image. All arithmetic on pixels is on integers: equal seeds give equal bytes on any machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from repro.errors import JobFailed
from repro.lab.textures.growth import blurred, grow

ALGORITHM = 1
"""Counts up whenever a change here changes the bytes that equal settings and seeds give."""
_SIGHT = 64
"""Pixels: how far the nearest resolved ones are looked for; only the first few of a texture lie farther apart."""
_FINE = 4096
"""A weight of 1 as an integer; a 64th of the mean squared distance is the step at which weights are tabulated."""
_WEIGHTS = np.rint(_FINE * np.exp(-np.arange(64 * 8) / 64)).astype(np.int64)


@dataclass(frozen=True)
class Recipe:
    """How a texture is grown; the tuples have one entry a stage, coarsest first."""

    neighbours: tuple[int, ...]  # nearest resolved pixels that are compared, each of which names a candidate
    guesses: tuple[int, ...]  # candidates at random besides
    passes: tuple[int, ...]  # how often each pixel of the stage is resolved
    share: float  # of a stage's pixels, those that the stage before has already; the last stage has all
    blur: float  # pixels: standard deviation at the last stage but one; doubles with each stage before, 0 at the last
    outside: float  # cost of a neighbour outside of the patch, in variances of the patches' colours
    evenness: float  # cost of a place used as often as the mean place, in the same unit
    cell: int  # pixels: side of the squares in which uses are counted


def texture(examples: Sequence[NDArray[np.uint8]], *, pixels: int, seed: int, recipe: Recipe) -> NDArray[np.uint8]:
    """Grow a texture, uint8 (pixels, pixels, 3), from examples of uint8 (H, W, 3), whose sizes may differ.

    Every pixel of it is a pixel of an example. Raises `JobFailed` on a recipe that makes no sense.

    >>> red = np.full((3, 3, 3), (200, 0, 0), np.uint8)
    >>> plain = Recipe(neighbours=(4,), guesses=(1,), passes=(1,), share=0.5, blur=0.5, outside=1, evenness=0, cell=1)
    >>> texture([red], pixels=2, seed=0, recipe=plain).tolist()
    [[[200, 0, 0], [200, 0, 0]], [[200, 0, 0], [200, 0, 0]]]
    """
    _check(recipe)
    assert examples
    assert all(each.dtype == np.uint8 and each.ndim == 3 and each.shape[2] == 3 for each in examples)
    stages, unit = len(recipe.passes), _variance(examples)
    cells = max(1, round(sum(each.shape[0] * each.shape[1] for each in examples) / recipe.cell**2))
    costs = (int(recipe.outside * unit), int(recipe.evenness * unit), recipe.cell, cells)
    numbers = [(recipe.neighbours[i], recipe.guesses[i], *costs, recipe.passes[i]) for i in range(stages)]
    shares = [int(pixels**2 * recipe.share**left) for left in range(stages - 1, -1, -1)]
    made = grow(
        _levels(examples, recipe),
        np.array([each.shape[:2] for each in examples], np.int64),
        pixels,
        np.array(numbers, np.int64),
        np.array(shares, np.int64),
        spiral(min(_SIGHT, max(1, pixels - 1))),
        _WEIGHTS,
        np.array([_scatter(seed)], np.uint64),
    )
    return made[:, 3:].astype(np.uint8).reshape(pixels, pixels, 3)


def _check(recipe: Recipe) -> None:
    """Raise `JobFailed` where a recipe has no meaning."""
    lengths = {len(recipe.neighbours), len(recipe.guesses), len(recipe.passes)}
    if len(lengths) != 1 or 0 in lengths:
        raise JobFailed(
            "textures: neighbours, guesses and passes have one entry a stage, so equally many and one at least; "
            f"found {len(recipe.neighbours)}, {len(recipe.guesses)} and {len(recipe.passes)}"
        )
    wrong = [
        name
        for name, fits in {
            "neighbours": min(recipe.neighbours) >= 1,
            "guesses": min(recipe.guesses) >= 0,
            "passes": min(recipe.passes) >= 1,
            "share": 0 < recipe.share < 1,
            "blur": recipe.blur >= 0,
            "outside": recipe.outside >= 0,
            "evenness": recipe.evenness >= 0,
            "cell": recipe.cell >= 1,
        }.items()
        if not fits
    ]
    if wrong:
        raise JobFailed(f"textures: {wrong[0]} = {getattr(recipe, wrong[0])} is out of its range")


def _levels(examples: Sequence[NDArray[np.uint8]], recipe: Recipe) -> NDArray[np.uint8]:
    """The examples at every stage's blur, padded to one size: (stages, E, H, W, 4), the fourth channel unused."""
    stages = len(recipe.passes)
    height, width = (max(each.shape[axis] for each in examples) for axis in (0, 1))
    levels = np.zeros((stages, len(examples), height, width, 4), np.uint8)
    for i, each in enumerate(examples):
        for stage in range(stages):
            left = stages - 1 - stage
            taps = _taps(recipe.blur * 2 ** (left - 1) if left else 0.0)
            levels[stage, i, : each.shape[0], : each.shape[1], :3] = blurred(np.ascontiguousarray(each), taps)
    return levels


def _variance(examples: Sequence[NDArray[np.uint8]]) -> float:
    """Variance of the examples' colours, summed over channels; its sums are of integers, so exact."""
    values = np.concatenate([each.reshape(-1, 3) for each in examples]).astype(np.int64)
    count = len(values)
    return float(sum(count * int((v * v).sum()) - int(v.sum()) ** 2 for v in values.T)) / count**2


def _scatter(seed: int) -> int:
    """A state for the random numbers that is never 0 and unlike that of the next seed (the end of SplitMix64)."""
    state = (seed + 0x9E3779B97F4A7C15) % 2**64
    state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    state = (state ^ state >> 27) * 0x94D049BB133111EB % 2**64
    return (state ^ state >> 31) or 1


@cache
def _taps(sigma: float) -> NDArray[np.int64]:
    """One half of a Gaussian and its middle in 4096ths, middle first."""
    reach = int(np.ceil(2.5 * sigma))
    bell = np.exp(-(np.arange(reach + 1) ** 2) / (2 * sigma**2)) if reach else np.ones(1)
    half = np.rint(_FINE * bell / (2 * bell.sum() - 1)).astype(np.int64)
    half[0] += _FINE - (2 * half.sum() - half[0])
    return half


@cache
def spiral(reach: int) -> NDArray[np.int64]:
    """Offsets (row, column) of the pixels within `reach`, nearest first, (M, 2).

    >>> spiral(1).tolist()
    [[-1, 0], [0, -1], [0, 1], [1, 0]]
    """
    rows, columns = (part.ravel() for part in np.mgrid[-reach : reach + 1, -reach : reach + 1])
    far = rows**2 + columns**2
    kept = np.flatnonzero((far > 0) & (far <= reach**2))
    order = kept[np.lexsort((columns[kept], rows[kept], far[kept]))]
    return np.ascontiguousarray(np.stack([rows[order], columns[order]], axis=1)).astype(np.int64)
