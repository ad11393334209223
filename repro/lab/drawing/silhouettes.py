"""Silhouettes of the embedded classes as signed distances, each a small family of proportions."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

SIDE = 192
"""Cells along one side of a distance map."""
EXTENT = 1.5
"""A distance map covers [-EXTENT, EXTENT] in both directions; an object has radius 1 or so. y points down."""
VARIANTS = 6
"""Proportions per silhouette."""

Mask = NDArray[np.bool_]
Grid = NDArray[np.float64]


def _polygon(x: Grid, y: Grid, points: list[tuple[float, float]]) -> Mask:
    """Inside of a closed polygon, by the even-odd rule."""
    inside = np.zeros(np.broadcast(x, y).shape, bool)
    for (x0, y0), (x1, y1) in zip(points, points[1:] + points[:1], strict=True):
        if y0 != y1:
            inside ^= ((y0 > y) != (y1 > y)) & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    return inside


def _mirrored(right: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The closed outline whose right half is given from top to bottom."""
    return right + [(-x, y) for x, y in reversed(right)]


def _disc(x: Grid, y: Grid, *, at: tuple[float, float], radii: tuple[float, float]) -> Mask:
    return ((x - at[0]) / radii[0]) ** 2 + ((y - at[1]) / radii[1]) ** 2 < 1


def _bar(x: Grid, y: Grid, *, start: tuple[float, float], end: tuple[float, float], radius: float) -> Mask:
    """A straight bar with round ends."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    along = np.clip(((x - start[0]) * dx + (y - start[1]) * dy) / (dx * dx + dy * dy), 0, 1)
    return (x - start[0] - along * dx) ** 2 + (y - start[1] - along * dy) ** 2 < radius**2


def _ring(x: Grid, y: Grid, a: float, b: float) -> Mask:
    hole = 0.5 + 0.1 * a
    outer = _disc(x, y, at=(0, 0), radii=(1, 1))
    return outer & ~_disc(x, y, at=(0, 0), radii=(hole + 0.05 * b, hole - 0.05 * b))


def _star(x: Grid, y: Grid, a: float, b: float) -> Mask:
    inner, twist = 0.5 + 0.06 * a, 0.08 * b
    corners = []
    for i in range(10):
        radius, angle = (1.15, i * np.pi / 5) if i % 2 == 0 else (inner, i * np.pi / 5 + twist)
        corners.append((radius * np.sin(angle), -radius * np.cos(angle)))
    return _polygon(x, y, corners)


def _cross(x: Grid, y: Grid, a: float, b: float) -> Mask:
    thick, wide = 0.36 + 0.05 * a, 0.36 + 0.05 * b
    return ((np.abs(x) < thick) & (np.abs(y) < 1.05)) | ((np.abs(y) < wide) & (np.abs(x) < 1.05))


def _heart(x: Grid, y: Grid, a: float, b: float) -> Mask:
    u, v = x * (1.12 + 0.06 * a), -(y - 0.08) * (1.12 + 0.06 * b)
    return (u * u + v * v - 1) ** 3 - u * u * v**3 < 0


def _moon(x: Grid, y: Grid, a: float, b: float) -> Mask:
    bite = _disc(x, y, at=(0.68 + 0.06 * a, 0.06 * b), radii=(0.78, 0.82))
    return _disc(x, y, at=(0.15, 0), radii=(1.02, 1.1)) & ~bite


def _arrow(x: Grid, y: Grid, a: float, b: float) -> Mask:
    shaft, neck, wing = 0.34 + 0.04 * a, 0.02 + 0.1 * b, 0.95 + 0.06 * a
    return _polygon(x, y, _mirrored([(0, -1.1), (wing, neck), (shaft, neck), (shaft, 1.1)]))


def _hourglass(x: Grid, y: Grid, a: float, b: float) -> Mask:
    waist, wide = 0.1 + 0.04 * a, 0.85 + 0.08 * b
    return _polygon(x, y, _mirrored([(wide, -1.05), (wide, -0.85), (waist, 0), (wide, 0.85), (wide, 1.05)]))


def _mushroom(x: Grid, y: Grid, a: float, b: float) -> Mask:
    cap = _disc(x, y, at=(0, 0.05), radii=(1.12, 1.0 + 0.1 * a)) & (y < 0.05 + 0.1 * b)
    stem = _bar(x, y, start=(0, 0), end=(0, 0.72), radius=0.3 + 0.05 * b)
    return cap | stem


def _fish(x: Grid, y: Grid, a: float, b: float) -> Mask:
    body = _disc(x, y, at=(-0.25, 0), radii=(0.88, 0.52 + 0.06 * a))
    tail = _polygon(x, y, [(0.35, 0), (1.15, -0.62 - 0.08 * b), (0.92, 0), (1.15, 0.62 + 0.08 * b)])
    fin = _polygon(x, y, [(-0.45, -0.4), (0.2, -0.8 - 0.06 * a), (0.25, -0.3)])
    return body | tail | fin


def _bolt(x: Grid, y: Grid, a: float, b: float) -> Mask:
    k, m = 0.08 * a, 0.08 * b
    corners = [(-0.2, -1.15), (0.72, -1.15), (0.36 + k, -0.4), (0.86, -0.4 + m), (-0.42, 1.15), (-0.12 - k, 0.24)]
    return _polygon(x, y, [*corners, (-0.8, 0.24 + m)])


def _hound(x: Grid, y: Grid, a: float, b: float) -> Mask:
    body = _bar(x, y, start=(-0.55, 0.0), end=(0.5, 0.02), radius=0.36 + 0.04 * a)
    head = _disc(x, y, at=(-0.86, -0.5), radii=(0.33, 0.3))
    muzzle = _bar(x, y, start=(-0.9, -0.45), end=(-1.2, -0.36), radius=0.15)
    ear = _polygon(x, y, [(-0.95, -0.7), (-0.72, -1.08 - 0.08 * b), (-0.58, -0.55)])
    tail = _bar(x, y, start=(0.7, -0.1), end=(1.1, -0.72 - 0.1 * b), radius=0.12)
    legs = [
        _bar(x, y, start=(at, 0.2), end=(at + lean, 1.02), radius=0.145)
        for at, lean in ((-0.7, -0.08 * b), (-0.34, 0.06), (0.4, -0.06), (0.74, 0.08 * b))
    ]
    return body | head | muzzle | ear | tail | legs[0] | legs[1] | legs[2] | legs[3]


SILHOUETTES: dict[str, Callable[[Grid, Grid, float, float], Mask]] = {
    "ring": _ring,
    "star": _star,
    "cross": _cross,
    "heart": _heart,
    "moon": _moon,
    "arrow": _arrow,
    "hourglass": _hourglass,
    "mushroom": _mushroom,
    "fish": _fish,
    "bolt": _bolt,
    "hound": _hound,
}
"""Each: coordinates and two proportions in [-1, 1] to the inside of the silhouette."""


@lru_cache(maxsize=1)
def distance_maps() -> NDArray[np.float32]:
    """Signed distance to each silhouette's edge, negative inside: (silhouettes, VARIANTS, SIDE, SIDE), object units.

    Cell (i, j) lies at y = -EXTENT + (i + 0.5) * 2 * EXTENT / SIDE, and x likewise with j. Computed once per process.
    """
    step = 2 * EXTENT / SIDE
    centres = -EXTENT + (np.arange(SIDE) + 0.5) * step
    x, y = centres[None, :], centres[:, None]
    maps = np.empty((len(SILHOUETTES), VARIANTS, SIDE, SIDE), np.float32)
    for family, silhouette in zip(maps, SILHOUETTES.values(), strict=True):
        for i in range(VARIANTS):
            a, b = np.cos(2 * np.pi * i / VARIANTS), np.sin(2 * np.pi * i / VARIANTS)
            inside = silhouette(x, y, a, b)
            family[i] = (distance_transform_edt(~inside) - distance_transform_edt(inside)) * step
    return maps
