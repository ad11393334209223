"""Patterns that tile the plane: one per class of the embedded data, in a few variants each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

SIDE = 256
"""Cells along one side of a tile; a power of two, so that wrapping is one bitwise and."""
PERIODS = 8
"""Periods of the pattern along one side of a tile."""
VARIANTS = 4
"""Proportions per pattern."""

Field = NDArray[np.float64]
Pattern = Callable[[Field, Field, float, np.random.Generator], Field]


def smooth_noise(generator: np.random.Generator, *, sigma: float) -> Field:
    """Noise over a tile, smooth over `sigma` periods, with mean 0 and standard deviation 1: (SIDE, SIDE)."""
    field = gaussian_filter(generator.standard_normal((SIDE, SIDE)), sigma * SIDE / PERIODS, mode="wrap")
    return (field - field.mean()) / field.std()


def jittered(u: Field, v: Field, *, jitter: float, cells: int, generator: np.random.Generator) -> tuple[Field, Field]:
    """Distances from each point of a tile to the nearest and second nearest of `cells` x `cells` shaken grid points.

    Distances are in cells of that grid.
    """
    scale = cells / PERIODS
    u, v = u * scale, v * scale
    shake = jitter * generator.uniform(-1, 1, (2, cells, cells))
    column, row = np.floor(u).astype(int), np.floor(v).astype(int)
    nearest, second = np.full(u.shape, np.inf), np.full(u.shape, np.inf)
    for i in (-1, 0, 1):
        for j in (-1, 0, 1):
            at_row, at_column = (row + i) % cells, (column + j) % cells
            du = u - (column + j + 0.5 + shake[0, at_row, at_column])
            dv = v - (row + i + 0.5 + shake[1, at_row, at_column])
            distance = np.hypot(du, dv)
            second = np.minimum(second, np.maximum(nearest, distance))
            nearest = np.minimum(nearest, distance)
    return nearest, second


def _stripes(u: Field, v: Field, a: float, generator: np.random.Generator) -> Field:
    return v % 1 < 0.5 + 0.08 * a


def _checks(u: Field, v: Field, a: float, generator: np.random.Generator) -> Field:
    return (u % 1 < 0.5) ^ (v % 1 < 0.5 + 0.05 * a)


def _dots(u: Field, v: Field, a: float, generator: np.random.Generator) -> Field:
    return np.hypot(u % 1 - 0.5, v % 1 - 0.5) < 0.3 + 0.03 * a


def _grid(u: Field, v: Field, a: float, generator: np.random.Generator) -> Field:
    width = 0.26 + 0.04 * a
    return (u % 1 < width) | (v % 1 < width)


def _bricks(u: Field, v: Field, a: float, generator: np.random.Generator) -> Field:
    row = np.floor(v)
    mortar = 0.24 + 0.03 * a
    return (v % 1 < mortar) | ((u / 2 + 0.5 * (row % 2)) % 1 < mortar / 2)


def _chevrons(u: Field, v: Field, a: float, generator: np.random.Generator) -> Field:
    return (v + (1 + 0.15 * a) * np.abs((u / 2) % 1 - 0.5) * 2) % 1 < 0.5


def _grain(u: Field, v: Field, a: float, generator: np.random.Generator) -> Field:
    fine = generator.integers(0, 2, (PERIODS * 4, PERIODS * 4)).astype(float)
    return np.kron(fine, np.ones((SIDE // (PERIODS * 4), SIDE // (PERIODS * 4))))


def _blobs(u: Field, v: Field, a: float, generator: np.random.Generator) -> Field:
    return smooth_noise(generator, sigma=0.38) > 0.15 * a


def _scales(u: Field, v: Field, a: float, generator: np.random.Generator) -> Field:
    """Overlapping rows of discs, each with a dark rim, as on a roof or a fish."""
    shade = np.zeros(u.shape)
    for i in (1, 0):
        row = np.floor(v * 1.0) - i
        x = (u + 0.5 * (row % 2)) % 1 - 0.5
        y = v - row
        radius = np.hypot(x, y * 0.62)
        inside = radius < 0.62
        shade = np.where(inside, radius < 0.42 + 0.04 * a, shade)
    return shade


def _basket(u: Field, v: Field, a: float, generator: np.random.Generator) -> Field:
    """Squares of three strands each, lying and standing in turn."""
    lying = (np.floor(u / 2) + np.floor(v / 2)) % 2 == 0
    return (np.where(lying, v, u) * 1.5) % 1 < 0.58 + 0.06 * a


def _tiger(u: Field, v: Field, a: float, generator: np.random.Generator) -> Field:
    """Stripes that bend, swell and break."""
    bent = v + 0.42 * smooth_noise(generator, sigma=0.8)
    swell = 0.1 * smooth_noise(generator, sigma=0.5)
    return bent % 1 < 0.42 + 0.04 * a + swell


def _leopard(u: Field, v: Field, a: float, generator: np.random.Generator) -> Field:
    """Spots of unequal place and size with a light middle."""
    nearest, _ = jittered(u, v, jitter=0.22, cells=PERIODS * 5 // 8, generator=generator)
    rim = nearest + 0.05 * smooth_noise(generator, sigma=0.3)
    return (rim < 0.4 + 0.02 * a) & (rim > 0.17)


def _giraffe(u: Field, v: Field, a: float, generator: np.random.Generator) -> Field:
    """Plates apart by thin seams."""
    nearest, second = jittered(u, v, jitter=0.32, cells=PERIODS * 3 // 4, generator=generator)
    return second - nearest > 0.2 + 0.04 * a


def _flecks(u: Field, v: Field, a: float, generator: np.random.Generator) -> Field:
    """Few small specks far apart."""
    nearest, _ = jittered(u, v, jitter=0.35, cells=PERIODS, generator=generator)
    return nearest < 0.2 + 0.02 * a


PATTERNS: dict[str, Pattern] = {
    "stripes": _stripes,
    "checks": _checks,
    "dots": _dots,
    "grid": _grid,
    "bricks": _bricks,
    "chevrons": _chevrons,
    "grain": _grain,
    "blobs": _blobs,
    "scales": _scales,
    "basket": _basket,
    "tiger": _tiger,
    "leopard": _leopard,
    "giraffe": _giraffe,
    "flecks": _flecks,
}
"""Each: coordinates in periods, a proportion in [-1, 1] and a generator to one of two tones at each point."""


def tiles(patterns: dict[str, Pattern], *, seed: int) -> NDArray[np.uint8]:
    """Every variant of every pattern, tone 0 to 255, edges a little soft: (patterns, VARIANTS, SIDE, SIDE)."""
    coordinates = (np.arange(SIDE) + 0.5) * PERIODS / SIDE
    v, u = np.meshgrid(coordinates, coordinates, indexing="ij")
    bank = np.empty((len(patterns), VARIANTS, SIDE, SIDE), np.uint8)
    for i, pattern in enumerate(patterns.values()):
        for j in range(VARIANTS):
            generator = np.random.default_rng([seed, i, j])
            tone = np.asarray(pattern(u, v, 2 * j / (VARIANTS - 1) - 1, generator), float)
            bank[i, j] = np.rint(255 * gaussian_filter(tone, 1.0, mode="wrap"))
    return bank
