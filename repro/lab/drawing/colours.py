"""Free colours at a chosen luminance, and pairs of them that are told apart in grey."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LUMA = np.array([0.299, 0.587, 0.114])
"""Weights of red, green and blue in luminance (ITU-R BT.601)."""


def tint(luminance: Floats, *, chroma: float, generator: np.random.Generator) -> Floats:
    """Colours (n, 3) in 0 to 1 of the given luminance (n,) in a random hue, at most `chroma` away from grey."""
    n = len(luminance)
    direction = generator.standard_normal((n, 3))
    direction -= (direction @ LUMA)[:, None]
    direction /= np.abs(direction).max(1, keepdims=True)
    strength = generator.uniform(0.3, 1, n) * chroma
    room = np.where(direction > 0, 1 - luminance[:, None], luminance[:, None]) / np.maximum(np.abs(direction), 1e-9)
    return luminance[:, None] + direction * np.minimum(strength, room.min(1))[:, None]


def pair(n: int, *, contrast: tuple[float, float], chroma: float, generator: np.random.Generator) -> Floats:
    """Pairs of colours (n, 2, 3) whose luminances differ by an amount in the range `contrast`, in either order."""
    gap = generator.uniform(*contrast, n)
    middle = generator.uniform(gap / 2 + 0.05, 0.95 - gap / 2)
    return _tinted(middle, gap, chroma=chroma, generator=generator)


def figure_and_ground(
    n: int, *, contrast: tuple[float, float], figure: tuple[float, float], chroma: float, generator: np.random.Generator
) -> Floats:
    """Two pairs of colours (n, 4, 3), an object's and its surroundings', either of them the darker.

    Within a pair luminances differ by an amount in the range `contrast`; the middles of the pairs differ by one in the
    range `figure`. Both shrink where there is no room for them between black and white.
    """
    gap = generator.uniform(*contrast, (2, n))
    apart = generator.uniform(*figure, n) * generator.choice([-1.0, 1.0], n)
    low = np.minimum(-gap[0] / 2, apart - gap[1] / 2)
    high = np.maximum(gap[0] / 2, apart + gap[1] / 2)
    shrink = np.minimum(1, 0.9 / (high - low))
    first = 0.05 - low * shrink + generator.uniform(0, 1, n) * (0.9 - (high - low) * shrink)
    middle, gap = np.stack([first, first + apart * shrink]), gap * shrink
    pairs = [_tinted(middle[i], gap[i], chroma=chroma, generator=generator) for i in range(2)]
    return np.concatenate(pairs, 1)


def _tinted(middle: Floats, gap: Floats, *, chroma: float, generator: np.random.Generator) -> Floats:
    signed = gap * generator.choice([-1.0, 1.0], len(gap))
    return np.stack([tint(middle + signed * side, chroma=chroma, generator=generator) for side in (-0.5, 0.5)], 1)
