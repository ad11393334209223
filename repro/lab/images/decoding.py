"""One picture out of its file: decoded, and cut to the size at which a network looks at it. Needs no torch.

Source: torchvision.datasets.folder.pil_loader, transforms.Resize and CenterCrop on Pillow images: the same pixels.
Differs: a picture smaller than what is to be cut out of it is refused, where CenterCrop would frame it in black.
Decoding never scales (JPEG "draft"), as that changes pixels.
"""

from __future__ import annotations

import os
import warnings
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from repro.errors import JobFailed

LARGEST = 89_478_485  # pixels of a picture; from here on Pillow warns of a decompression bomb


class Unreadable(JobFailed):
    """A file that is no picture that can be used: its path and why."""

    def __init__(self, path: Path | str, reason: str) -> None:
        self.path, self.reason = Path(path), reason
        super().__init__(
            f"{path}: no picture that can be read ({reason}); `repro data verify` lists all such files, replace them"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return Unreadable, (self.path, self.reason)


def opened(path: Path | str) -> Image.Image:
    """The picture of a file, decoded, in RGB whatever its mode (CMYK, grey, palette, alpha).

    Raises `Unreadable` where it is absent, empty, cut short, no picture, or larger than a picture should be.
    """
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="PIL")  # remarks on pictures that it can read, such as odd EXIF
            with Image.open(path) as picture:
                if picture.width * picture.height > LARGEST:
                    raise Unreadable(path, f"{picture.width} x {picture.height} pixels are more than {LARGEST:,}")
                return picture.convert("RGB")
    except (Unreadable, MemoryError):
        raise
    except Exception as fault:  # a decoder on damaged bytes raises nearly anything
        raise Unreadable(path, _reason(path, fault)) from None


def _reason(path: Path | str, fault: Exception) -> str:
    if isinstance(fault, OSError) and fault.errno is not None:
        return fault.strerror or str(fault)
    if os.path.getsize(path) == 0:
        return "empty"
    if isinstance(fault, UnidentifiedImageError):
        return "not an image"
    if "truncated" in str(fault).lower():
        return "cut short"
    return str(fault).replace(str(path), "it") or type(fault).__name__


def centred(picture: Image.Image, *, resize: int, pixels: int) -> NDArray[np.uint8]:
    """The middle (3, pixels, pixels) of a picture whose shorter side is first brought to `resize`, 0: left as it is.

    Raises `ValueError` where the picture is then smaller than what is to be cut out.

    >>> centred(Image.new("RGB", (500, 375), "red"), resize=256, pixels=224).shape
    (3, 224, 224)
    """
    width, height = picture.size
    if resize:
        short = min(width, height)
        size = resize * width // short, resize * height // short
        picture = picture if size == picture.size else picture.resize(size, Image.Resampling.BILINEAR)
        width, height = size
    if min(width, height) < pixels:
        raise ValueError(f"{width} x {height} pixels are too few to cut {pixels} x {pixels} out of")
    left, top = round((width - pixels) / 2), round((height - pixels) / 2)
    return planes(picture.crop((left, top, left + pixels, top + pixels)))


def planes(picture: Image.Image) -> NDArray[np.uint8]:
    """(3, h, w) of an RGB picture."""
    return np.ascontiguousarray(np.asarray(picture).transpose(2, 0, 1))


def stored(file: str, start: int, height: int, width: int, check: int) -> NDArray[np.uint8]:
    """An image (3, height, width) that a cache holds from byte `start` of a file on, not a copy.

    Raises `JobFailed` where the file is not there any more, or too short, or the CRC-32 of the image is not `check`.
    """
    try:
        image = _mapped(file)[start : start + 3 * height * width].reshape(3, height, width)
        if zlib.crc32(image.data) != check:
            raise ValueError(f"the image at byte {start:,} was changed after it was written: its CRC-32 is another")
        return image
    except (OSError, ValueError) as fault:
        raise JobFailed(
            f"{file}: expected images of a cache, found none that can be read ({fault}); "
            "check it with `repro data make cache --check`"
        ) from fault


@cache
def _mapped(file: str) -> NDArray[np.uint8]:
    return np.memmap(file, np.uint8, mode="c")  # "c": torch warns of arrays that cannot be written
