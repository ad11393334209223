"""Histograms: shares of pairs by their cosine, and classes by their accuracy."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import blended_transform_factory

from repro.judge.panels import Bars, Panel
from repro.render.figures import style

_EMPTY = 1e-4  # of the highest bar; what is lower at the ends is not shown


def draw(axes: Axes, panel: Panel) -> None:
    """Outlines with a light filling, and marks above the frame at the means: filled ours, hollow the paper's."""
    for each in panel.bars:
        look = style.of(each.place)
        outline = {"color": look["color"], "linestyle": look["linestyle"], "linewidth": 1.0}
        axes.stairs(each.heights, each.edges, **outline)
        axes.stairs(each.heights, each.edges, fill=True, color=look["color"], alpha=0.12)
        axes.plot([], [], label=style.words(each.label), marker=look["marker"], markersize=4, **outline)  # its legend
        if each.mean is not None:
            _mark(axes, each.mean, each.place, hollow=False)
    for curve in panel.paper:
        _mark(axes, curve.points[0].x, curve.place, hollow=True)
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    if panel.bars:
        axes.set_xlim(*_span(panel))


def _mark(axes: Axes, x: float, place: int, *, hollow: bool) -> None:
    """The curve's own mark just above the frame, so that it hides no bar; hollow ones stand a step higher."""
    where = blended_transform_factory(axes.transData, axes.transAxes)
    look = style.of(place)
    face = "white" if hollow else look["color"]
    height = 1.09 if hollow else 1.03
    axes.plot(
        [x],
        [height],
        look["marker"],
        transform=where,
        clip_on=False,
        markersize=4,
        markerfacecolor=face,
        markeredgecolor=look["color"],
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
