"""Four kinds of blur: out of focus, through frosted glass, of a moving camera, of a camera that comes nearer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d, gaussian_filter
from scipy.signal import fftconvolve

from repro.lab.corruptions.resampling import streak, zoom
from repro.lab.corruptions.severities import Strength

Floats = NDArray[np.float32]


def disc(radius: float, softening: float) -> Floats:
    """Weights (K, K) of a disc with a softened rim; K is odd, weights add up to 1 but for what leaves a border."""
    reach = 8 if radius <= 8 else int(radius)
    line = np.arange(-reach, reach + 1)
    inside = (line[:, None] ** 2 + line**2 <= radius**2).astype(float)
    tap = np.arange(-1, 2) if radius <= 8 else np.arange(-2, 3)
    soft = np.exp(-(tap**2) / (2 * softening**2))
    soft /= soft.sum()
    weights = inside / inside.sum()
    for axis in (0, 1):
        weights = correlate1d(weights, soft, axis=axis, mode="mirror")
    used = int(np.abs(line[np.flatnonzero(weights.sum(0) > 1e-7)]).max())
    return weights[reach - used : reach + used + 1, reach - used : reach + used + 1].astype(np.float32)


def defocus_blur(images: Floats, strength: Strength, *, generator: np.random.Generator) -> Floats:
    """Replace each point of (N, 3, H, W) by a disc."""
    weights = disc(*strength)
    reach = len(weights) // 2
    if reach == 0:
        return images
    wide = np.pad(images, ((0, 0), (0, 0), (reach, reach), (reach, reach)), mode="reflect")
    return fftconvolve(wide, weights[None, None], mode="valid", axes=(2, 3))


def glass_blur(images: Floats, strength: Strength, *, generator: np.random.Generator) -> Floats:
    """Blur, let each pixel take the place of a near one, and blur again.

    Source: hendrycks/robustness@e0377d4 ImageNet-C/create_c/make_imagenet_c.py `glass_blur`. Meant as swaps there, but
    its two sides are views of one array, so that in truth a pixel is copied over another and nothing moves back; the
    published images were made that way, and so are these. From the last pixel to the first, offsets up to `reach` up
    and left, less than `reach` down and right.
    """
    sigma, reach, rounds = strength[0], int(strength[1]), int(strength[2])
    n, _, height, width = images.shape
    blurred = gaussian_filter(images, sigma, axes=(2, 3), mode="nearest")
    pixels = np.ascontiguousarray(np.floor(blurred * 255).transpose(2, 3, 0, 1))
    every = np.arange(n)
    for _ in range(rounds):
        offsets = generator.integers(-reach, reach, (2, height, width, n))
        for row in range(height - reach, reach, -1):
            for column in range(width - reach, reach, -1):
                down, right = offsets[:, row, column]
                pixels[row, column] = pixels[row + down, column + right, every]
    return gaussian_filter(pixels.transpose(2, 3, 0, 1) / np.float32(255), sigma, axes=(2, 3), mode="nearest")


def motion_blur(images: Floats, strength: Strength, *, generator: np.random.Generator) -> Floats:
    """Smear each image along a direction within 45 degrees of the horizontal."""
    radius, sigma = strength
    return streak(images, radius=radius, sigma=sigma, angles=generator.uniform(-45, 45, len(images)))


def zoom_blur(images: Floats, strength: Strength, *, generator: np.random.Generator) -> Floats:
    """Mean of the image and of itself at every factor of a range; the unchanged image counts twice."""
    end, step = strength
    factors = np.arange(1, end, step)
    total = images.copy()
    for factor in factors:
        total += zoom(images, float(factor))
    return total / np.float32(len(factors) + 1)
