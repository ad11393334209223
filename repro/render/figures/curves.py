"""Curves with bands over seeds, and points of two columns against each other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from matplotlib.axes import Axes

from repro.judge.panels import Curve, Point
from repro.render.figures import style

_HOLLOW: dict[str, Any] = {"markerfacecolor": "white", "markeredgewidth": 0.9}
_ROOM = 0.12  # of the span of x, free on each side


def draw(axes: Axes, curves: Iterable[Curve], *, hollow: bool, said: str = "") -> None:
    """Means joined by a line, with a band of one deviation and a dot for each seed; hollow are the paper's.

    `said` is added to the names of the curves.
    """
    for curve in curves:
        look = style.of(curve.place)
        x, y = [point.x for point in curve.points], [point.y for point in curve.points]
        label = style.words(curve.label + said)
        axes.plot(x, y, label=label, **{**look, **(_HOLLOW | {"linewidth": 0.8} if hollow else {})})
        _spread(axes, curve.points, look["color"], hollow=hollow)
    room(axes, [point.x for curve in curves for point in curve.points])


def _spread(axes: Axes, points: Iterable[Point], colour: str, *, hollow: bool) -> None:
    known = [point for point in points if point.sd is not None]
    x = [point.x for point in known]
    if hollow:
        if known:
            sds = [point.sd or 0.0 for point in known]
            axes.errorbar(x, [point.y for point in known], yerr=sds, fmt="none", ecolor=colour, elinewidth=0.8)
        return
    low, high = ([point.y + sign * (point.sd or 0.0) for point in known] for sign in (-1, 1))
    axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
    for point in known:
        axes.plot([point.x] * len(point.seeds), point.seeds, ".", color=colour, markersize=2, alpha=0.5)


def room(axes: Axes, x: list[float]) -> None:
    """Ticks at the places where rows lie, and air at both ends."""
    at = sorted(set(x))
    if not at:
        return
    axes.set_xticks(at, [f"{value:g}" for value in at])
    room = _ROOM * ((at[-1] - at[0]) or 1.0)
    axes.set_xlim(at[0] - room, at[-1] + room)


def scatter(axes: Axes, curves: Iterable[Curve], *, hollow: bool, said: str = "") -> None:
    """One point with a cross of one deviation for each curve."""
    for curve in curves:
        look = style.of(curve.place)
        (point,) = curve.points
        axes.errorbar(
            [point.x],
            [point.y],
            xerr=point.x_sd,
            yerr=point.sd,
            fmt=look["marker"],
            color=look["color"],
            markersize=4.5,
            elinewidth=0.8,
            label=style.words(curve.label + said),
            **(_HOLLOW if hollow else {}),
        )
    axes.margins(0.25)
