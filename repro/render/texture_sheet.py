"""A contact sheet of textures: each photograph with its two patches marked, beside it what was grown from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

_GAP, _HEAD = 6, 16
"""Pixels between pictures, and above the first row for the names of the columns."""
_MARKS = ((255, 255, 255), (255, 220, 0))
"""Colours of the frames around the middle patch and the other."""


@dataclass(frozen=True)
class Row:
    """A photograph (H, W, 3), where its patches lie (top, left, side), and pictures of one size with their names."""

    photograph: NDArray[np.uint8]
    patches: Sequence[tuple[int, int, int]]
    pictures: dict[str, NDArray[np.uint8]]


def draw(rows: Sequence[Row], *, path: Path) -> None:
    """Save the sheet as a PNG; raises `OSError` where it cannot be written."""
    side = next(iter(rows[0].pictures.values())).shape[0]
    names = ["photograph, its patches", *rows[0].pictures]
    sheet = Image.new("RGB", (len(names) * (side + _GAP), _HEAD + len(rows) * (side + _GAP)), "white")
    pen = ImageDraw.Draw(sheet)
    for i, name in enumerate(names):
        pen.text((i * (side + _GAP) + 2, 2), name, fill="black")
    for i, row in enumerate(rows):
        top = _HEAD + i * (side + _GAP)
        for j, picture in enumerate((_marked(row, side), *map(Image.fromarray, row.pictures.values()))):
            sheet.paste(picture, (j * (side + _GAP), top))
    sheet.save(path, "PNG", optimize=True)


def _marked(row: Row, side: int) -> Image.Image:
    """The photograph with its patches framed, scaled so that it fits a square of this side, in the middle of it."""
    height, width = row.photograph.shape[:2]
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    picture = Image.fromarray(row.photograph).resize(size, Image.Resampling.LANCZOS)
    pen = ImageDraw.Draw(picture)
    for (top, left, extent), colour in zip(row.patches, _MARKS, strict=True):
        corners = [round(value * scale) for value in (left, top, left + extent - 1, top + extent - 1)]
        pen.rectangle(corners, outline=colour, width=2)
    square = Image.new("RGB", (side, side), "white")
    square.paste(picture, ((side - size[0]) // 2, (side - size[1]) // 2))
    return square
