"""Histograms: shares of pairs by their cosine, and classes by their accuracy."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import blended_transform_factory

from repro.judge.panels import Bars, Panel
from repro.render.figures import style

_EMPTY = 1e-4  # of the highest bar; what is lower at the ends is not shown


def draw(axes: Axes, panel: Panel) -> None:
    """Outlines with a light filling, and triangles above the frame at the means: filled ours, hollow the paper's."""
    for each in panel.bars:
        look = style.of(each.place)
        colour = look["color"]
        outline = {"color": colour, "linestyle": look["linestyle"], "linewidth": 1.0}
        axes.stairs(each.heights, each.edges, label=style.words(each.label), **outline)
        axes.stairs(each.heights, each.edges, fill=True, color=colour, alpha=0.12)
        if each.mean is not None:
            _triangle(axes, each.mean, colour, hollow=False)
    for curve in panel.paper:
        _triangle(axes, curve.points[0].x, style.of(curve.place)["color"], hollow=True)
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    if panel.bars:
        axes.set_xlim(*_span(panel))


def _triangle(axes: Axes, x: float, colour: str, *, hollow: bool) -> None:
    """A mark just above the frame, so that it hides no bar; hollow ones stand a step higher."""
    where = blended_transform_factory(axes.transData, axes.transAxes)
    face = "white" if hollow else colour
    height = 1.09 if hollow else 1.03
    axes.plot(
        [x],
        [height],
        "v",
        transform=where,
        clip_on=False,
        markersize=4,
        markerfacecolor=face,
        markeredgecolor=colour,
        markeredgewidth=0.9,
    )


def _span(panel: Panel) -> tuple[float, float]:
    """The part of x that holds something, with the paper's marks in it."""
    ends = [end for each in panel.bars for end in _held(each)]
    ends += [curve.points[0].x for curve in panel.paper]
    low, high = min(ends), max(ends)
    room = 0.04 * (high - low)
    edges = panel.bars[0].edges
    return max(edges[0], low - room), min(edges[-1], high + room)


def _held(each: Bars) -> tuple[float, float]:
    """Ends of the bins that are not all but empty."""
    least = _EMPTY * max(each.heights)
    held = [place for place, height in enumerate(each.heights) if height > least] or [0]
    return each.edges[held[0]], each.edges[held[-1] + 1]
