"""The 15 corruptions of ImageNet-C in their four groups, at five severities, on batches of images of any size.

Source: Hendrycks and Dietterich 2019, Benchmarking neural network robustness to common corruptions and perturbations,
section 3; procedures and strengths from hendrycks/robustness@e0377d4 ImageNet-C/create_c.
Differs: written anew on whole batches with numpy, scipy and Pillow. Strengths are published for 32, 64 and 224 pixels;
an image of another side takes those of the nearest (by ratio), lengths in pixels included. Frost is drawn, not
photographed. Results are not stored as JPEG of quality 85, as the published ImageNet-C is.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from repro.errors import UsageError
from repro.lab.corruptions import blur, digital, noise, weather
from repro.lab.corruptions.severities import SEVERITIES, SIDES, STRENGTHS

Corruption = Callable[..., NDArray[np.float32]]

GROUPS: dict[str, dict[str, Corruption]] = {
    "noise": {
        "gaussian_noise": noise.gaussian_noise,
        "shot_noise": noise.shot_noise,
        "impulse_noise": noise.impulse_noise,
    },
    "blur": {
        "defocus_blur": blur.defocus_blur,
        "glass_blur": blur.glass_blur,
        "motion_blur": blur.motion_blur,
        "zoom_blur": blur.zoom_blur,
    },
    "weather": {
        "snow": weather.snow,
        "frost": weather.frost,
        "fog": weather.fog,
        "brightness": weather.brightness,
    },
    "digital": {
        "contrast": digital.contrast,
        "elastic_transform": digital.elastic_transform,
        "pixelate": digital.pixelate,
        "jpeg_compression": digital.jpeg_compression,
    },
}
CORRUPTIONS: dict[str, Corruption] = {name: each for group in GROUPS.values() for name, each in group.items()}
_BLOCK = 1 << 22
"""Values corrupted at a time, which bounds the memory of a large batch."""


def strength(name: str, severity: int, *, side: int) -> tuple[float, ...]:
    """How strong a corruption is at a severity, for images of the nearest published side.

    >>> strength("motion_blur", 5, side=224)
    (20, 15)
    """
    if name not in CORRUPTIONS or severity not in SEVERITIES:
        raise UsageError(
            f'corruption "{name}" at severity {severity} is not known: '
            f"expected one of {', '.join(CORRUPTIONS)} at 1 to {SEVERITIES[-1]}"
        )
    nearest = min(SIDES, key=lambda known: abs(np.log(known / side)))
    return STRENGTHS[name][nearest][severity - 1]


def corrupt(
    images: NDArray[np.uint8], name: str, severity: int, *, generator: np.random.Generator
) -> NDArray[np.uint8]:
    """Corrupt square uint8 images, (N, 3, H, H) or (N, H, H, 3), and return them in the same layout.

    Each image gets its own random numbers. Values are cut off, not rounded, as in the published images. Raises
    `UsageError` for a corruption or severity that is not of ImageNet-C.
    """
    channels_last = images.shape[1] != 3
    pictures = images.transpose(0, 3, 1, 2) if channels_last else images
    side = pictures.shape[-1]
    values = strength(name, severity, side=side)
    step = max(1, _BLOCK // (3 * side * side))
    result = np.empty(pictures.shape, np.uint8)
    for start in range(0, len(pictures), step):
        part = pictures[start : start + step].astype(np.float32) / np.float32(255)
        changed = CORRUPTIONS[name](part, values, generator=generator)
        # Cut off as the published images are; the small addend keeps what did not change from losing one to rounding.
        result[start : start + step] = np.clip(changed, 0, 1) * np.float32(255) + np.float32(1e-3)
    return result.transpose(0, 2, 3, 1) if channels_last else result
