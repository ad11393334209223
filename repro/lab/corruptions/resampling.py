"""Moving pixels: the maps between grids that several corruptions share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def zoom_matrix(side: int, factor: float) -> Floats:
    """Weights (side, side) that enlarge the middle of a line of pixels by `factor`, linear between neighbours.

    Source: hendrycks/robustness@e0377d4 ImageNet-C/create_c/make_imagenet_c.py `clipped_zoom`, which crops the middle,
    enlarges it by scipy.ndimage.zoom of order 1, and trims what is too much.
    """
    kept = int(np.ceil(side / factor))
    first = (side - kept) // 2
    enlarged = round(kept * factor)
    position = np.arange(enlarged) * ((kept - 1) / (enlarged - 1))
    trim = (enlarged - side) // 2
    position = position[trim : trim + side]
    left = np.minimum(np.floor(position).astype(int), kept - 2)
    weights = np.zeros((side, side), np.float32)
    rows = np.arange(len(position))
    weights[rows, first + left] = 1 - (position - left)
    weights[rows, first + left + 1] += position - left
    return weights


def zoom(images: Floats, factor: float) -> Floats:
    """Enlarge the middle of square images (..., H, H), same size out."""
    weights = zoom_matrix(images.shape[-1], factor)
    return weights @ images @ weights.T


def streak(images: Floats, *, radius: float, sigma: float, angles: NDArray[np.float64]) -> Floats:
    """Smear images (N, C, H, W) along one direction each, `angles` (N,) in degrees, as a camera that moves.

    Source: ImageMagick MotionBlurImage: one-sided Gaussian weights over 2 * radius + 1 steps of one pixel, whole
    offsets, the border repeated.
    """
    n, channels, height, width = images.shape
    steps = np.arange(2 * int(np.ceil(radius)) + 1)
    weights = np.exp(-(steps**2) / (2 * sigma**2))
    weights /= weights.sum()
    slope = np.deg2rad(angles)[:, None]
    down = np.ceil(steps * np.sin(slope) - 0.5).astype(int)
    right = np.ceil(steps * np.cos(slope) - 0.5).astype(int)
    pictures = np.arange(n)[:, None, None]
    result = np.zeros((n, height, width, channels), np.float32)
    last = np.ascontiguousarray(images.transpose(0, 2, 3, 1))
    for i in np.flatnonzero(weights > 1e-5):
        row = np.clip(np.arange(height) + down[:, i, None], 0, height - 1)[:, :, None]
        column = np.clip(np.arange(width) + right[:, i, None], 0, width - 1)[:, None, :]
        result += np.float32(weights[i]) * last[pictures, row, column]
    return result.transpose(0, 3, 1, 2)


def fold(position: Floats, size: int, *, repeat_edge: bool) -> Floats:
    """Reflect positions into [0, size - 1]; with `repeat_edge` the border pixel counts twice at each turn.

    >>> fold(np.float32([-1, 0, 3, 4]), 4, repeat_edge=False)
    array([1., 0., 3., 2.], dtype=float32)
    >>> fold(np.float32([-1, 0, 3, 4]), 4, repeat_edge=True)
    array([0., 0., 3., 3.], dtype=float32)
    """
    if repeat_edge:
        folded = np.abs((position + np.float32(0.5) + size) % (2 * size) - size) - np.float32(0.5)
    else:
        folded = size - 1 - np.abs(position % (2 * size - 2) - (size - 1))
    return np.clip(folded, 0, size - 1).astype(np.float32)


def sample(images: Floats, rows: Floats, columns: Floats) -> Floats:
    """Values of images (N, C, H, W) at positions (N, H, W) inside the frame, linear between pixels."""
    n, _, height, width = images.shape
    top = np.minimum(rows.astype(int), height - 2)
    left = np.minimum(columns.astype(int), width - 2)
    down, right = (rows - top)[:, None], (columns - left)[:, None]
    pictures = np.arange(n)[:, None, None]
    last = images.transpose(0, 2, 3, 1)

    def at(i: int, j: int) -> Floats:
        return last[pictures, top + i, left + j].transpose(0, 3, 1, 2)

    upper = at(0, 0) * (1 - right) + at(0, 1) * right
    lower = at(1, 0) * (1 - right) + at(1, 1) * right
    return upper * (1 - down) + lower * down
