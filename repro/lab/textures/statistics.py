"""How far a texture's local statistics are from those of its patches, and two baselines without synthesis.

Source: Gram matrices, Gatys, Ecker & Bethge 2015, here of fixed Gabor filters, rectified, in place of a trained
network; histograms of projected patches, the sliced Wasserstein distance of Rabin et al. 2011.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]  # (H, W, 3)
Matrix = NDArray[np.float64]
_PATCH, _PROJECTIONS, _LEVELS = 7, 64, 256  # pixels; directions; quantiles of each histogram
_FILTER = 11  # pixels
_COLOURS = np.array([[1, 1, 1], [1, -1, 0], [0.5, 0.5, -1]])  # luminance, red-green, yellow-blue


def histogram_distance(source: Sequence[Picture], found: Picture) -> float:
    """Mean difference of the quantiles of 7 x 7 patches on fixed random smooth directions, 0 for equal pictures.

    A picture counts 0 to 1 from black to white. `source` are the patches, taken together.
    """
    at = (np.arange(_LEVELS) + 0.5) / _LEVELS
    wanted = np.quantile(np.concatenate([_responses(each, directions(), _PATCH) for each in source]), at, axis=0)
    return float(np.abs(wanted - np.quantile(_responses(found, directions(), _PATCH), at, axis=0)).mean())


def gram_distance(source: Sequence[Picture], found: Picture) -> float:
    """Norm of the difference of the Gram matrices, as a share of the norm of the source's; 0 for equal pictures."""
    wanted, ours = _gram(source), _gram([found])
    return float(np.linalg.norm(wanted - ours) / np.linalg.norm(wanted))


def phase_randomised(patch: Picture, *, pixels: int, seed: int) -> Picture:
    """Noise with the power spectrum of a patch, mirrored to fill the size: its colours and scales, no edges."""
    mirrored = np.concatenate([patch, patch[:, ::-1]], axis=1)
    mirrored = np.concatenate([mirrored, mirrored[::-1]], axis=0)
    turns = [-(-pixels // side) for side in mirrored.shape[:2]]
    filled = np.tile(mirrored, (*turns, 1))[:pixels, :pixels].astype(np.float64)
    noise = np.random.default_rng(seed).standard_normal((pixels, pixels))
    phase = np.exp(1j * np.angle(np.fft.fft2(noise)))
    phase[0, 0] = 1  # the mean stays
    spectrum = np.fft.fft2(filled, axes=(0, 1)) * phase[..., None]
    return np.clip(np.rint(np.fft.ifft2(spectrum, axes=(0, 1)).real), 0, 255).astype(np.uint8)


def tiled(patches: Sequence[Picture], *, tile: int, pixels: int, seed: int) -> Picture:
    """Squares of side `tile` from random places of random patches, set side by side, as patch-based negatives are."""
    generator = np.random.default_rng(seed)
    count = -(-pixels // tile)
    result = np.empty((count * tile, count * tile, 3), np.uint8)
    for i in range(count):
        for j in range(count):
            patch = patches[generator.integers(len(patches))]
            top, left = (generator.integers(side - tile + 1) for side in patch.shape[:2])
            square = patch[top : top + tile, left : left + tile]
            result[i * tile : (i + 1) * tile, j * tile : (j + 1) * tile] = square
    return result[:pixels, :pixels]


def _responses(picture: Picture, bank: Matrix, side: int) -> Matrix:
    """Every second side x side window of a picture, along both axes, on every filter: (windows, filters)."""
    windows = np.lib.stride_tricks.sliding_window_view(picture.astype(np.float64) / 255, (side, side), axis=(0, 1))
    return windows[::2, ::2].reshape(-1, 3 * side * side) @ bank


def _gram(pictures: Sequence[Picture]) -> Matrix:
    """Mean products of the rectified responses with each other and with 1: (F, F + 1), F two a filter."""
    responses = np.concatenate([_responses(each, gabors(), _FILTER) for each in pictures])
    features = np.concatenate([np.maximum(responses, 0), np.maximum(-responses, 0)], axis=1)
    return features.T @ np.concatenate([features, np.ones((len(features), 1))], axis=1) / len(features)


@cache
def directions() -> Matrix:
    """Random mixtures of cosines, slow ones stronger, of length 1: (3 * 7 * 7, 64)."""
    generator, n = np.random.default_rng(0), np.arange(_PATCH)
    waves = np.cos(np.pi * np.outer(n + 0.5, n) / _PATCH)
    weights = generator.standard_normal((_PROJECTIONS, 3, _PATCH, _PATCH)) / (1 + np.add.outer(n, n))
    bank = np.einsum("fcij,yi,xj->fcyx", weights, waves, waves).reshape(_PROJECTIONS, -1)
    return (bank / np.linalg.norm(bank, axis=1, keepdims=True)).T


@cache
def gabors() -> Matrix:
    """Gabor filters of 2 wavelengths, 4 directions and 2 phases on 3 axes of colour, mean 0: (3 * 11 * 11, 48)."""
    rows, columns = np.mgrid[:_FILTER, :_FILTER] - _FILTER // 2
    bank = []
    for wavelength in (4.0, 8.0):
        bell = np.exp(-(rows**2 + columns**2) / (2 * (wavelength / 2) ** 2))
        for angle in np.pi * np.arange(4) / 4:
            along = 2 * np.pi * (columns * np.cos(angle) + rows * np.sin(angle)) / wavelength
            for wave in (bell * np.cos(along), bell * np.sin(along)):
                wave -= bell * wave.sum() / bell.sum()
                bank.append(wave / np.abs(wave).sum())
    colours = _COLOURS / np.linalg.norm(_COLOURS, axis=1, keepdims=True)
    return (
        np.array([np.multiply.outer(colour, wave) for colour in colours for wave in bank]).reshape(len(bank) * 3, -1).T
    )
