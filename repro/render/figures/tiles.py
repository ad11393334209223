"""Pictures in lines, each with its words below."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec

from repro.judge.pictures import Tile
from repro.render.figures import style

PER_LINE = 6
"""Pictures beside one another."""
_WORDS = 22  # letters below a picture before the line is broken


def draw(page: Figure, lines: Sequence[Sequence[Tile]]) -> None:
    """Each line of tiles stays together; short ones share a line of the page."""
    rows = arranged(lines)
    grid = GridSpec(len(rows), len(rows[0]), figure=page)
    for top, row in enumerate(rows):
        for left, tile in enumerate(row):
            axes = page.add_subplot(grid[top, left])
            axes.imshow(tile.picture, interpolation="nearest")
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set_visible(False)
            axes.grid(visible=False)
            if tile.label and (len(lines[0]) < PER_LINE // 2 + 1 or top == 0):
                axes.set_title(
                    "\n".join(textwrap.wrap(style.words(tile.label), _WORDS)), fontsize=6, color=style.INK, pad=2
                )


def arranged(lines: Sequence[Sequence[Tile]]) -> list[list[Tile]]:
    """Lines of the page, each of as many tiles as the first.

    >>> [len(row) for row in arranged([["a", "A"], ["b", "B"], ["c", "C"], ["d", "D"]])]
    [6, 2]
    """
    beside = max(1, PER_LINE // len(lines[0]))
    return [[tile for line in lines[i : i + beside] for tile in line] for i in range(0, len(lines), beside)]
