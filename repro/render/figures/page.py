"""A figure on its page: panels beside one another, the paper's numbers below them where they must not mix with ours."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Page

from repro.judge.figure import Figure
from repro.judge.panels import Panel
from repro.render.figures import bars, curves, style, tiles

_HEIGHT, _LEGEND, _TILE = 1.55, 0.35, 0.95  # inches of a row of axes, of a legend below, of a row of pictures
_BELOW = -0.3  # of the height of the axes: where a legend below them begins
_BESIDE = 3  # entries of a legend in a line
_NOTHING = "the paper prints\nno numbers"


def draw(found: Figure) -> Page:
    """Draw a figure that has something of ours in it."""
    with mpl.rc_context(style.RULES):
        pictures = [panel for panel in found.panels if panel.tiles]
        return _pictures(pictures[0]) if pictures else _axes(found)


def _pictures(panel: Panel) -> Page:
    rows = tiles.arranged(panel.tiles)
    width = style.INCHES[2] * len(rows[0]) / tiles.PER_LINE
    page = Page(figsize=(width, _TILE * len(rows) + 0.1))
    tiles.draw(page, panel.tiles)
    return page


def _axes(found: Figure) -> Page:
    """Ours above, the paper's below in a claims profile; together where the two may be compared."""
    panels = found.panels
    below = found.is_apart and any(panel.paper and panel.kind != "histograms" for panel in panels)
    across = 2 if len(panels) == 4 and not below else len(panels)
    down = 2 if below else math.ceil(len(panels) / across)
    page = Page(figsize=(style.INCHES[min(across, 4)], _HEIGHT * down + _LEGEND))
    grid = page.subplots(down, across, squeeze=False)
    drawn, first = [], next((panel for panel in panels if panel.paper), None)
    for place, panel in enumerate(panels):
        axes = [grid[place // across][place % across]]
        _panel(axes[0], panel, is_apart=found.is_apart)
        _named(axes[0], panel, whose=f"ours, {found.board.profile.id}" if below and place == 0 else "")
        if below:
            axes[0].set_xlabel("" if panel.paper else style.words(panel.x_label))
            axes.append(grid[1][place])
            _paper(axes[1], panel, whose="paper" if panel is first else "")
        drawn.append(axes)
    _legends(page, drawn)
    return page


def _legends(page: Page, every: list[list[Axes]]) -> None:
    """One for the page where all panels show the same, else one below each panel that shows more than one thing."""
    held = [_handles(axes) for axes in every]
    if len(every) > 1 and all(list(each) == list(held[0]) for each in held):
        if len(held[0]) > 1:
            page.legend(
                list(held[0].values()), list(held[0]), loc="outside lower center", ncols=min(len(held[0]), _BESIDE)
            )
        return
    for axes, each in zip(every, held, strict=True):
        if len(each) > 1:
            columns = 2 if len(every) < 3 else 1
            place = (0.5, _BELOW)  # in parts of the axes
            axes[-1].legend(list(each.values()), list(each), loc="upper center", bbox_to_anchor=place, ncols=columns)


def _handles(every: list[Axes]) -> dict[str, Any]:
    """Label -> what shows it, of some axes together; the first of a name counts, which is ours."""
    found: dict[str, Any] = {}
    for axes in every:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    return found


def _panel(axes: Axes, panel: Panel, *, is_apart: bool) -> None:
    paper = () if is_apart else panel.paper
    if panel.kind == "curves":
        curves.draw(axes, panel.curves, hollow=False)
        curves.draw(axes, paper, hollow=True, said=" (paper)")
    elif panel.kind == "scatter":
        curves.scatter(axes, panel.curves, hollow=False)
        curves.scatter(axes, paper, hollow=True, said=" (paper)")
    else:
        bars.draw(axes, panel)
    if not panel.has_ours:
        axes.text(0.5, 0.5, "not run", transform=axes.transAxes, ha="center", va="center", color=style.FAINT)


def _paper(axes: Axes, panel: Panel, *, whose: str) -> None:
    """The paper's own points, or that it prints none."""
    if panel.paper:
        (curves.scatter if panel.kind == "scatter" else curves.draw)(axes, panel.paper, hollow=True)
        _named(axes, replace(panel, title=""), whose=whose)
        if panel.kind == "curves" and panel.curves:
            curves.room(axes, [point.x for curve in panel.curves + panel.paper for point in curve.points])
    else:
        axes.set_axis_off()
        axes.text(0.5, 0.5, _NOTHING, transform=axes.transAxes, ha="center", va="center", color=style.FAINT)


def _named(axes: Axes, panel: Panel, *, whose: str) -> None:
    axes.set_xlabel(style.words(panel.x_label))
    axes.set_ylabel(style.words(f"{whose}\n{panel.y_label}" if whose else panel.y_label))
    if panel.title:
        axes.set_title(style.words(panel.title), pad=15 if panel.kind in ("histograms", "accuracies") else 4)
