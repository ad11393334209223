"""Three kinds of noise: electronic, of few photons, of dead pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from repro.lab.corruptions.severities import Strength

Floats = NDArray[np.float32]


def gaussian_noise(images: Floats, strength: Strength, *, generator: np.random.Generator) -> Floats:
    """Add normal noise of one standard deviation to every value of (N, 3, H, W)."""
    (deviation,) = strength
    return images + np.float32(deviation) * generator.standard_normal(images.shape, np.float32)


def shot_noise(images: Floats, strength: Strength, *, generator: np.random.Generator) -> Floats:
    """Count photons instead of measuring light: Poisson noise with so many photons at white."""
    (photons,) = strength
    return (generator.poisson(images * photons) / photons).astype(np.float32)


def impulse_noise(images: Floats, strength: Strength, *, generator: np.random.Generator) -> Floats:
    """Set a share of the values to black or white, half of them each."""
    (share,) = strength
    chance = generator.random(images.shape, np.float32)
    return np.where(chance < share / 2, np.float32(0), np.where(chance < share, np.float32(1), images))
