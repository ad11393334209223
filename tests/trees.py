"""Tiny trees in the layouts of the published data sets, of drawn pictures or of any bytes."""

from __future__ import annotations

import io
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image


@cache
def picture(seed: int = 0, *, side: tuple[int, int] = (40, 30), mode: str = "RGB", form: str = "JPEG") -> bytes:
    """The bytes of a file: smooth colours of a seed, `side` wide and high."""
    grid = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    smooth = Image.fromarray(grid).resize(side, Image.Resampling.BICUBIC).convert(mode)
    stream = io.BytesIO()
    smooth.save(stream, form)
    return stream.getvalue()


def put(path: Path, content: bytes) -> Path:
    """Write a file and its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def classes(root: Path, names: Iterable[str], *, each: int = 1, ending: str = "JPEG", content: bytes = b"") -> Path:
    """A folder a class with `each` files; pictures that tell the classes apart where no content is given."""
    for place, name in enumerate(names):
        for i in range(each):
            put(root / name / f"{name}_{i}.{ending}", content or picture(1000 * place + i))
    return root
