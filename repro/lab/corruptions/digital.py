"""Four digital corruptions: less contrast, bent, coarse, compressed."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from repro.lab.corruptions.resampling import fold, sample
from repro.lab.corruptions.severities import Strength

Floats = NDArray[np.float32]


def contrast(images: Floats, strength: Strength, *, generator: np.random.Generator) -> Floats:
    """Draw each channel of (N, 3, H, W) towards its own mean."""
    (factor,) = strength
    mean = images.mean((2, 3), keepdims=True)
    return (images - mean) * np.float32(factor) + mean


def elastic_transform(images: Floats, strength: Strength, *, generator: np.random.Generator) -> Floats:
    """Move three points of each image at random and the rest with them, then push every pixel by a smooth field."""
    push, smooth, move = strength
    n, _, height, width = images.shape
    rows, columns = np.meshgrid(np.arange(height, dtype=np.float32), np.arange(width, dtype=np.float32), indexing="ij")
    back = _affine_back(n, (width, height), move=move, generator=generator)[..., None, None]
    from_x = back[:, 0, 0] * columns + back[:, 0, 1] * rows + back[:, 0, 2]
    from_y = back[:, 1, 0] * columns + back[:, 1, 1] * rows + back[:, 1, 2]
    moved = sample(images, fold(from_y, height, repeat_edge=False), fold(from_x, width, repeat_edge=False))
    if push == 0:
        return moved
    field = generator.uniform(-1, 1, (2, n, height, width)).astype(np.float32)
    down, right = np.float32(push) * gaussian_filter(field, smooth, axes=(2, 3), mode="reflect", truncate=3)
    return sample(moved, fold(rows + down, height, repeat_edge=True), fold(columns + right, width, repeat_edge=True))


def _affine_back(n: int, size: tuple[int, int], *, move: float, generator: np.random.Generator) -> NDArray[np.float32]:
    """Affine maps (n, 2, 3) from moved to original positions (x, y), set by three points and where they go."""
    middle, reach = np.array(size) // 2, min(size) // 3
    points = middle + reach * np.array([[1, 1], [1, -1], [-1, -1]], float)
    goals = points + generator.uniform(-move, move, (n, 3, 2))
    homogeneous = np.concatenate([goals, np.ones((n, 3, 1))], 2)
    return np.linalg.solve(homogeneous, np.broadcast_to(points, (n, 3, 2))).transpose(0, 2, 1).astype(np.float32)


def pixelate(images: Floats, strength: Strength, *, generator: np.random.Generator) -> Floats:
    """Shrink to a share of the side and enlarge again, each by box filter."""
    (share,) = strength

    def coarse(picture: Image.Image) -> Image.Image:
        small = picture.resize((int(picture.width * share), int(picture.height * share)), Image.Resampling.BOX)
        return small.resize(picture.size, Image.Resampling.BOX)

    return _each(images, coarse)


def jpeg_compression(images: Floats, strength: Strength, *, generator: np.random.Generator) -> Floats:
    """Write as JPEG of a low quality and read back."""
    (quality,) = strength

    def compressed(picture: Image.Image) -> Image.Image:
        file = BytesIO()
        picture.save(file, "JPEG", quality=int(quality))
        return Image.open(file)

    return _each(images, compressed)


def _each(images: Floats, change: Callable[[Image.Image], Image.Image]) -> Floats:
    """Apply a function of one picture to each of (N, 3, H, W)."""
    pictures = np.rint(images.transpose(0, 2, 3, 1) * 255).astype(np.uint8)
    changed = np.stack([np.asarray(change(Image.fromarray(picture))) for picture in pictures])
    return changed.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
