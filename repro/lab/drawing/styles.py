"""Patterns that no class owns: the styles of the stylized split, and the clutter that surrounds objects."""

from __future__ import annotations

import numpy as np

from repro.lab.drawing.patterns import PERIODS, Field, Pattern, jittered, smooth_noise


def _clouds(u: Field, v: Field, a: float, generator: np.random.Generator) -> Field:
    octaves = smooth_noise(generator, sigma=0.9) + 0.5 * smooth_noise(generator, sigma=0.3)
    return 1 / (1 + np.exp(-(2.5 + a) * octaves))


def _triangles(u: Field, v: Field, a: float, generator: np.random.Generator) -> Field:
    return (u % 1) + (0.5 + 0.1 * a) * (v % 1) * 2 < 1


def _plaid(u: Field, v: Field, a: float, generator: np.random.Generator) -> Field:
    def band(w: Field) -> Field:
        return 0.5 * ((w / 2) % 1 < 0.45 + 0.05 * a) + 0.5 * (np.abs((w / 2) % 1 - 0.7) < 0.06)

    return 0.5 * band(u) + 0.5 * band(v)


def _brush(u: Field, v: Field, a: float, generator: np.random.Generator) -> Field:
    """Short strokes in two directions, each with its own tone."""
    lean = np.where(smooth_noise(generator, sigma=1.0) > 0, 1, 2)
    along = np.floor(u * lean / 2) * 7 + np.floor(v * 2 / lean) * 13
    tones = generator.uniform(0, 1, 997)
    return tones[along.astype(int) % 997]


def _swirls(u: Field, v: Field, a: float, generator: np.random.Generator) -> Field:
    x, y = (u / 4) % 1 - 0.5, (v / 4) % 1 - 0.5
    return 0.5 + 0.5 * np.sin(2 * np.arctan2(y, x) + (16 + 2 * a) * np.hypot(x, y))


def _shards(u: Field, v: Field, a: float, generator: np.random.Generator) -> Field:
    """Flat pieces of broken glass, each with its own tone."""
    bent_u = u + 0.3 * smooth_noise(generator, sigma=0.15)
    cells = generator.uniform(0, 1, (PERIODS, PERIODS))
    row = np.floor(v + 0.5 * np.abs(2 * ((u / 2) % 1) - 1)).astype(int) % PERIODS
    return cells[row, np.floor(bent_u).astype(int) % PERIODS]


STYLES: dict[str, Pattern] = {
    "clouds": _clouds,
    "triangles": _triangles,
    "plaid": _plaid,
    "brush": _brush,
    "swirls": _swirls,
    "shards": _shards,
}


def _heap(u: Field, v: Field, a: float, generator: np.random.Generator) -> Field:
    """Overlapping discs and boxes of many sizes and tones."""
    tone = np.full(u.shape, 0.5)
    for _ in range(60):
        at_u, at_v, radius, stretch, angle = generator.uniform((0, 0, 0.4, 0.5, 0), (PERIODS, PERIODS, 1.8, 1.5, np.pi))
        du = (u - at_u + PERIODS / 2) % PERIODS - PERIODS / 2
        dv = (v - at_v + PERIODS / 2) % PERIODS - PERIODS / 2
        x = np.abs(du * np.cos(angle) + dv * np.sin(angle)) * stretch
        y = np.abs(dv * np.cos(angle) - du * np.sin(angle))
        inside = np.hypot(x, y) < radius if generator.uniform() < 0.5 else np.maximum(x, y) < radius * 0.8
        tone = np.where(inside, generator.uniform(), tone)
    return tone


def _haze(u: Field, v: Field, a: float, generator: np.random.Generator) -> Field:
    return 1 / (1 + np.exp(-1.5 * smooth_noise(generator, sigma=1.2 + 0.3 * a)))


def _pebbles(u: Field, v: Field, a: float, generator: np.random.Generator) -> Field:
    nearest, _ = jittered(u, v, jitter=0.4, cells=5, generator=generator)
    return np.clip(1 - nearest, 0, 1) * 0.6 + 0.4 / (1 + np.exp(-smooth_noise(generator, sigma=1.0)))


CLUTTER: dict[str, Pattern] = {"heap": _heap, "haze": _haze, "pebbles": _pebbles}
