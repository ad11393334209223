"""The 15 corruptions of drawn images at 32 px: whole batches, beside the package `imagecorruptions` image by image.

Where the package is not installed or cannot corrupt an image of this side, our own code on one image after the other
stands in for it, and the row says so. The package takes the strengths of 224 pixels at every side, which makes blurs
and snow more work for it; for most corruptions only the picture changes.
"""

from __future__ import annotations

import importlib
import sys
import types
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import recipe
import timing
from numpy.typing import NDArray

from repro.lab.corruptions import CORRUPTIONS, corrupt
from repro.lab.datasets import shapes

SEVERITY, MANY, FEW = 3, 256, 8
"""How strong, images in a batch, and images one by one."""

Images = NDArray[np.uint8]


def package() -> Callable[..., Any] | None:
    """The package's `corrupt`, with what newer numpy, scikit-image and setuptools took away put back; or None."""
    found = find_spec("imagecorruptions")
    if found is None or found.origin is None:
        return None
    folder = Path(found.origin).parent
    stand_in: Any = types.ModuleType("pkg_resources")
    stand_in.resource_filename = lambda _, name: str(folder / name)
    sys.modules.setdefault("pkg_resources", stand_in)
    np.float_ = np.float64
    module = importlib.import_module("imagecorruptions.corruptions")
    blur = module.gaussian
    module.gaussian = lambda image, sigma, multichannel=False, **rest: blur(
        image, sigma, channel_axis=-1 if multichannel else None, **rest
    )
    return importlib.import_module("imagecorruptions").corrupt


def compare(name: str, theirs: Callable[..., Any] | None, images: Images) -> timing.Row:
    """CPU seconds of a corruption per image of (N, H, W, 3): ours on all at once, theirs on one after the other."""
    generator = np.random.default_rng(0)

    def ours(part: Images) -> Images:
        return corrupt(part, name, SEVERITY, generator=generator)

    def single(image: Images) -> Images:
        return theirs(image, SEVERITY, name) if works else ours(image[None])

    works = theirs is not None
    try:
        single(images[0])
    except Exception:  # whatever it trips over, it is not made for this side
        works = False
    batched, one_by_one = timing.medians(lambda: ours(images), lambda: [single(image) for image in images[:FEW]])
    return name if works else f"{name} (ours, one by one)", batched / len(images), one_by_one / FEW


def main() -> None:
    warnings.simplefilter("ignore")  # the package's own
    np.random.seed(0)
    images = np.ascontiguousarray(shapes.build(recipe.drawn("val", count=MANY)).images.transpose(0, 2, 3, 1))
    theirs = package()
    rows = [compare(name, theirs, images) for name in CORRUPTIONS]
    timing.write("corruptions at severity 3, 32 px", rows, unit="image", reference="imagecorruptions")


if __name__ == "__main__":
    main()
