"""Four kinds of weather: snow, frost on the lens, fog, and light."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from repro.lab.corruptions.resampling import streak, zoom
from repro.lab.corruptions.severities import Strength

Floats = NDArray[np.float32]
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue in luminance (ITU-R BT.601)."""
_FROST_SIDE = 512
_PANES = (
    ((80, 150, 165), 18),
    ((200, 205, 213), 22),
    ((138, 153, 165), 29),
    ((112, 123, 135), 43),
    ((71, 95, 105), 41),
)
"""Mean colour and spread of each picture of frost, in 0 to 255."""


def snow(images: Floats, strength: Strength, *, generator: np.random.Generator) -> Floats:
    """Whiten (N, 3, H, H) and lay streaked flakes over it, once as drawn and once turned by 180 degrees."""
    mean, deviation, factor, threshold, radius, sigma, share = strength
    n, _, height, width = images.shape
    flakes = (mean + deviation * generator.standard_normal((n, 1, height, width))).astype(np.float32)
    flakes = zoom(flakes, factor)
    flakes[flakes < threshold] = 0
    flakes = np.floor(np.clip(flakes, 0, 1) * 255) / np.float32(255)
    flakes = streak(flakes, radius=radius, sigma=sigma, angles=generator.uniform(-135, -45, n))
    flakes = np.rint(flakes * 255) / np.float32(255)
    grey = np.einsum("nchw,c->nhw", images, LUMA)[:, None]
    white = np.maximum(images, grey * np.float32(1.5) + np.float32(0.5))
    return np.float32(share) * images + np.float32(1 - share) * white + flakes + flakes[:, :, ::-1, ::-1]


@lru_cache(maxsize=1)
def frost_pictures() -> NDArray[np.uint8]:
    """Pictures of frost, (kinds, 3, side, side): needles of ice of several sizes on panes of several tints.

    They tile the plane and are the same in every process.
    """
    size = (_FROST_SIDE, _FROST_SIDE)
    pictures = np.empty((len(_PANES), 3, *size), np.uint8)
    for kind, (tint, spread) in enumerate(_PANES):
        generator = np.random.default_rng(kind)
        ice = np.zeros(size)
        for octave in range(4):
            across, along = 7 / 2**octave, (14 + 5 * kind) / 2**octave
            lying, standing = (
                gaussian_filter(generator.standard_normal(size), sigmas, mode="wrap")
                for sigmas in ((across, along), (along, across))
            )
            ice += 0.7**octave * sum(np.exp(-1.6 * np.abs(noise) / noise.std()) for noise in (lying, standing))
        cover = gaussian_filter(generator.standard_normal(size), 40, mode="wrap")
        ice = (ice - ice.mean()) / ice.std() + 0.5 * cover / cover.std()
        pictures[kind] = np.rint(np.clip(np.array(tint)[:, None, None] + spread * ice / ice.std(), 0, 255))
    return pictures


def frost(images: Floats, strength: Strength, *, generator: np.random.Generator) -> Floats:
    """Add a random piece of a picture of frost to each of (N, 3, H, W).

    Differs: hendrycks/robustness crops photographs of frost, which are not free to ship; here the pictures are drawn,
    with ridged noise, to about the colours and spread of those.
    """
    share, amount, shrink = strength[0], strength[1], int(strength[2])
    n, _, height, width = images.shape
    kinds = generator.integers(0, len(_PANES), n)
    tops, lefts = generator.integers(0, _FROST_SIDE, (2, n))
    pictures = _shrunk(shrink)
    rows = (tops[:, None] // shrink + np.arange(height)) % pictures.shape[2]
    columns = (lefts[:, None] // shrink + np.arange(width)) % pictures.shape[3]
    pieces = pictures.transpose(0, 2, 3, 1)[kinds[:, None, None], rows[:, :, None], columns[:, None, :]]
    return np.float32(share) * images + np.float32(amount) * pieces.transpose(0, 3, 1, 2)


@lru_cache(maxsize=3)
def _shrunk(factor: int) -> Floats:
    side = _FROST_SIDE // factor
    pictures = frost_pictures()[:, :, : side * factor, : side * factor].astype(np.float32) / 255
    return pictures.reshape(len(_PANES), 3, side, factor, side, factor).mean((3, 5))


def plasma(n: int, side: int, *, decay: float, generator: np.random.Generator) -> Floats:
    """Clouds (n, side, side) in 0 to 1 by the diamond-square algorithm; `side` is a power of two.

    Each halving of the step divides the size of the random part by `decay`.
    """
    clouds = np.zeros((n, side, side))
    step, rough = side, 100.0

    def shaken(total: NDArray[np.float64]) -> NDArray[np.float64]:
        return total / 4 + rough * generator.uniform(-rough, rough, total.shape)

    while step >= 2:
        half = step // 2
        corners = clouds[:, ::step, ::step]
        across = corners + np.roll(corners, -1, 1)
        clouds[:, half::step, half::step] = shaken(across + np.roll(across, -1, 2))
        middles = clouds[:, half::step, half::step]
        beside = corners + np.roll(corners, -1, 2) + middles + np.roll(middles, 1, 1)
        clouds[:, ::step, half::step] = shaken(beside)
        above = corners + np.roll(corners, -1, 1) + middles + np.roll(middles, 1, 2)
        clouds[:, half::step, ::step] = shaken(above)
        step, rough = half, rough / decay
    clouds -= clouds.min((1, 2), keepdims=True)
    return (clouds / clouds.max((1, 2), keepdims=True)).astype(np.float32)


def fog(images: Floats, strength: Strength, *, generator: np.random.Generator) -> Floats:
    """Add clouds to (N, 3, H, W) and scale back to the image's own brightest value."""
    amount, decay = strength
    n, _, height, width = images.shape
    side = 1 << (max(height, width) - 1).bit_length()
    clouds = plasma(n, side, decay=decay, generator=generator)[:, None, :height, :width]
    brightest = images.max((1, 2, 3), keepdims=True)
    return (images + np.float32(amount) * clouds) * (brightest / (brightest + np.float32(amount)))


def brightness(images: Floats, strength: Strength, *, generator: np.random.Generator) -> Floats:
    """Raise the value of hue, saturation and value, the other two kept."""
    (added,) = strength
    value = images.max(1, keepdims=True)
    raised = np.minimum(value + np.float32(added), 1)
    return np.where(value > 0, images * (raised / np.maximum(value, np.float32(1e-6))), raised)
