"""A contact sheet: one picture of every class from every set, to see what a network is asked to look at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

_GAP, _NOTE = 3, 7
"""Pixels between pictures, and below those of a set that needs a note."""
_ENLARGED = 4
"""Printed dots per pixel; a picture keeps its square pixels."""


class Pictures(Protocol):
    """What a sheet needs of a set: uint8 (N, 3, H, W), labels (N,), names, and the texture's class where it differs."""

    @property
    def images(self) -> NDArray[np.uint8]: ...
    @property
    def labels(self) -> NDArray[np.int64]: ...
    @property
    def textures(self) -> NDArray[np.int64] | None: ...
    @property
    def classes(self) -> tuple[str, ...]: ...


def contact_sheet(sets: Mapping[str, Pictures], *, path: Path) -> None:
    """Draw the first picture of each class (columns) of each set (rows), with names, and save it at `path`.

    The sets have equal classes and sizes. A class without a picture in a set leaves its place empty; where the texture
    is another class's, its name stands below the picture.
    """
    first = next(iter(sets.values()))
    side, classes = first.images.shape[-1], first.classes
    heights = [side + _GAP + (_NOTE if each.textures is not None else 0) for each in sets.values()]
    tops = [sum(heights[:row]) for row in range(len(heights))]
    lefts = [column * (side + _GAP) for column in range(len(classes))]
    sheet = np.full((sum(heights), lefts[-1] + side, 3), 255, np.uint8)
    figure = Figure(figsize=(sheet.shape[1] / 100, sheet.shape[0] / 100))
    axes = figure.add_axes((0, 0, 1, 1))
    for top, pictures in zip(tops, sets.values(), strict=True):
        for column, left in enumerate(lefts):
            found = np.flatnonzero(pictures.labels == column)
            if len(found) == 0:
                continue
            sheet[top : top + side, left : left + side] = pictures.images[found[0]].transpose(1, 2, 0)
            if pictures.textures is not None:
                texture = f"as {classes[pictures.textures[found[0]]]}"
                axes.text(left + side / 2, top + side + _NOTE / 2, texture, ha="center", va="center", fontsize=5)
    axes.imshow(sheet, interpolation="nearest")
    axes.set_xticks([left + side / 2 for left in lefts], list(classes), fontsize=6, rotation=35, ha="left")
    axes.set_yticks([top + side / 2 for top in tops], list(sets), fontsize=6.5)
    _strip(axes)
    figure.savefig(path, dpi=100 * _ENLARGED, bbox_inches="tight", pad_inches=0.05)


def _strip(axes: Axes) -> None:
    """Leave nothing of an axis but its names, columns' above."""
    axes.xaxis.tick_top()
    axes.tick_params(length=0, pad=1.5)
    axes.spines[:].set_visible(False)
