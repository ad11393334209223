"""One panel of a figure from the cells and records behind it: curves, points, histograms, pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from repro.judge import pictures, statistics
from repro.judge.board import Board
from repro.judge.pictures import Look, Tile
from repro.judge.printed import Printed
from repro.judge.statistics import Sample
from repro.plan.expand import Plan
from repro.plan.sets import absent, data
from repro.spec import model
from repro.spec.model import Axes, Column, Row
from repro.store import Store

ACCURACIES = tuple(range(0, 101, 5))
"""Ends of the bins in which classes are counted, percent."""
_BAND = "Lines join means over seeds, bands are one standard deviation, small dots single seeds."
_SHARES = "Histograms are means over seeds; marks above stand at the means."


Parts = dict[str, Any]  # fields of a panel


@dataclass(frozen=True)
class Point:
    """A cell: where it lies, its mean, the deviation over seeds (None for one) and ours seed by seed."""

    row: str
    column: str
    x: float
    y: float
    sd: float | None
    seeds: tuple[float, ...]  # empty for the paper's
    n: int  # runs behind it; 0: not stated
    x_sd: float | None = None


@dataclass(frozen=True)
class Curve:
    """Points that belong together; `place` says which colour, line and mark they have."""

    label: str
    place: int
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Bars:
    """A histogram: the ends of its bins, the height of each, and the mean of what is counted."""

    row: str
    column: str
    label: str
    place: int
    edges: tuple[float, ...]
    heights: tuple[float, ...]
    mean: float | None
    n: int  # seeds


@dataclass(frozen=True)
class Panel:
    """What stands in one pair of axes; `marks` are single numbers that the paper prints along x."""

    kind: str
    columns: tuple[str, ...]
    title: str
    x_label: str
    y_label: str
    legend: str = ""
    curves: tuple[Curve, ...] = ()
    paper: tuple[Curve, ...] = ()
    bars: tuple[Bars, ...] = ()
    tiles: tuple[tuple[Tile, ...], ...] = ()  # row by row
    missing: tuple[str, ...] = ()

    @cached_property
    def has_ours(self) -> bool:
        """Whether anything of ours is in it."""
        return bool(self.curves or self.bars or self.tiles)

    @cached_property
    def has_paper(self) -> bool:
        """Whether the paper prints a number of it."""
        return bool(self.paper)

    @property
    def can_hold_paper(self) -> bool:
        """Whether a number of the paper would have a place in it."""
        return self.kind in ("curves", "histograms", "scatter")


@dataclass(frozen=True)
class Sources:
    """Where a panel's numbers come from."""

    board: Board
    plan: Plan
    store: Store
    printed: Printed
    look: Callable[[Path], Look]

    def values(self, row: str, column: str) -> list[Mapping[str, Any]]:
        """What the records of a cell's seeds hold."""
        jobs = self.plan.cells.get((row, column), {}).values()
        return [record.values for record in map(self.store.read, jobs) if record is not None]

    def reported(self, row: str, column: str) -> Sample | None:
        """What the paper prints of a cell, in the figure or where its row is the same network as another's."""
        found = self.printed.value(self.board.table.id, row, column)
        return found if isinstance(found, Sample) else None


def panel(asked: model.Panel, axes: Axes, sources: Sources) -> Panel:
    """A panel as its figure describes it; empty where one of its columns was not chosen."""
    chosen = {column.id: column for column in sources.board.columns}
    columns = [chosen[name] for name in asked.columns if name in chosen]
    whole = len(columns) == len(asked.columns)
    empty = Panel(
        kind=asked.kind,
        columns=tuple(asked.columns),
        title=asked.title or (columns[0].label if len(asked.columns) == 1 and columns else ""),
        x_label=asked.x_label or "",
        y_label=asked.y_label or "",
    )
    return replace(empty, **_KINDS[asked.kind](asked, axes, columns, sources)) if whole else empty


def _curves(asked: model.Panel, axes: Axes, columns: Sequence[Column], sources: Sources) -> Parts:
    """A curve for each column, or for each block of rows where the figure has blocks."""
    placed = [row for row in sources.board.rows if row.id in axes.x]
    blocks = list(dict.fromkeys(row.block for row in placed))
    ours, paper = [], []
    for place, (column, block) in enumerate((column, block) for column in columns for block in blocks):
        label = block or _unlettered(column.label)
        rows = [row for row in placed if row.block == block]
        mine = [_measured(sources, row, column, axes.x[row.id]) for row in rows]
        theirs = [_printed(sources, row, column, axes.x[row.id]) for row in rows]
        ours.append(Curve(label, place, tuple(sorted(filter(None, mine), key=lambda point: point.x))))
        paper.append(Curve(label, place, tuple(sorted(filter(None, theirs), key=lambda point: point.x))))
    return {
        "legend": _BAND,
        "curves": tuple(curve for curve in ours if curve.points),
        "paper": tuple(curve for curve in paper if curve.points),
    }


def _unlettered(label: str) -> str:
    """A label without the letter of its panel.

    >>> _unlettered("(b) shape accuracy")
    'shape accuracy'
    """
    return label.partition(") ")[2] if label.startswith("(") and ") " in label else label


def _measured(sources: Sources, row: Row, column: Column, x: float) -> Point | None:
    seeds = tuple(sources.board.cells[row.id, column.id].seeds.values())
    if not seeds:
        return None
    found = statistics.summarise(seeds)
    return Point(row.id, column.id, x, float(found.mean), found.std, seeds, found.n)


def _printed(sources: Sources, row: Row, column: Column, x: float) -> Point | None:
    found = sources.reported(row.id, column.id)
    return None if found is None else Point(row.id, column.id, x, float(found.mean), found.std, (), found.n)


def _scatter(asked: model.Panel, axes: Axes, columns: Sequence[Column], sources: Sources) -> Parts:
    """A point for each row: the second column against the first."""
    ours: list[Curve] = []
    paper: list[Curve] = []
    for place, row in enumerate(sources.board.rows):
        for kept, of in ((ours, _measured), (paper, _printed)):
            along, up = (of(sources, row, column, 0.0) for column in columns)
            if along is not None and up is not None:
                point = Point(row.id, columns[1].id, along.y, up.y, up.sd, (), up.n, x_sd=along.sd)
                kept.append(Curve(row.label, place, (point,)))
    return {"legend": "Crosses are one standard deviation over seeds.", "curves": tuple(ours), "paper": tuple(paper)}


def _histograms(asked: model.Panel, axes: Axes, columns: Sequence[Column], sources: Sources) -> Parts:
    """For each row the cosines of a kind of pair: shares of all pairs, as means over seeds."""
    column, bars, paper = columns[0], [], []
    for place, row in enumerate(sources.board.rows):
        held = [one for one in sources.values(row.id, column.id) if column.metric in one.get("histograms", {})]
        if held:
            shares = [_shares(one["histograms"][column.metric]) for one in held]
            edges = tuple(map(float, held[0]["histograms"]["edges"]))
            mean = sum(float(one[column.metric]) for one in held) / len(held)
            bars.append(Bars(row.id, column.id, row.label, place, edges, _means(shares), mean, len(held)))
        point = _printed(sources, row, column, 0.0)
        if point is not None:
            mark = Point(row.id, column.id, point.y, 0.0, point.sd, (), point.n)
            paper.append(Curve(row.label, place, (mark,)))
    return {"legend": _SHARES, "bars": tuple(bars), "paper": tuple(paper)}


def _shares(counts: Sequence[int]) -> list[float]:
    total = sum(counts)
    return [count / total for count in counts]


def _means(each: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """Place by place.

    >>> _means([[0.0, 1.0], [1.0, 2.0]])
    (0.5, 1.5)
    """
    return tuple(sum(values) / len(values) for values in zip(*each, strict=True))


def _accuracies(asked: model.Panel, axes: Axes, columns: Sequence[Column], sources: Sources) -> Parts:
    """For each row how many classes have which accuracy, as means over seeds."""
    bars, column = [], columns[0]
    for place, row in enumerate(sources.board.rows):
        held = [list(one["classes"].values()) for one in sources.values(row.id, column.id) if "classes" in one]
        if held:
            counts = [_counted(accuracies) for accuracies in held]
            mean = sum(map(sum, held)) / sum(map(len, held))
            edges = tuple(map(float, ACCURACIES))
            bars.append(Bars(row.id, column.id, row.label, place, edges, _means(counts), mean, len(held)))
    legend = "Classes are counted in steps of 5 %, as means over seeds; marks above stand at the means."
    return {"legend": legend, "bars": tuple(bars)}


def _counted(accuracies: Sequence[float]) -> list[float]:
    """How many lie in each bin, 100 in the last one.

    >>> _counted([0.0, 4.9, 5.0, 100.0])[:2], _counted([0.0, 4.9, 5.0, 100.0])[-1]
    ([2.0, 1.0], 1.0)
    """
    bins = [0.0] * (len(ACCURACIES) - 1)
    for accuracy in accuracies:
        bins[min(int(accuracy // 5), len(bins) - 1)] += 1
    return bins


def _classes(asked: model.Panel, axes: Axes, columns: Sequence[Column], sources: Sources) -> Parts:
    """The best classes with a picture of each, in whole and as a texture."""
    row, column = sources.board.rows[0], columns[0]
    held = [one["classes"] for one in sources.values(row.id, column.id) if "classes" in one]
    names = (asked.dataset or "", column.dataset)
    reasons = [absent(name, sources.plan.profile, sources.plan.options) for name in names]
    folders = [] if any(reasons) else [sources.store.folder(data(sources.plan, name).id) for name in names]
    if not held:
        return {}
    if not folders or not all(folder.is_dir() for folder in folders):
        return {"missing": (f"the pictures of {' and '.join(names)}, which are not here",)}
    found = pictures.best(held, *map(sources.look, folders))
    legend = "The best classes on textures, accuracy there as a mean over seeds; an image, then its texture."
    return {"legend": legend, "tiles": found}


def _samples(asked: model.Panel, axes: Axes, columns: Sequence[Column], sources: Sources) -> Parts:
    """An input, its query and positive, and the negatives that the rows make of it."""
    folders: dict[str, Path] = {}
    for row in sources.board.rows:
        jobs = sources.plan.cells.get((row.id, columns[0].id), {})
        first = next(iter(jobs.values()), None)
        if first is not None and sources.store.has(first):
            folders[row.label] = sources.store.folder(first)
    if not folders:
        return {}
    found = pictures.samples({label: sources.look(folder) for label, folder in folders.items()})
    return {"legend": "Each line is one image of the training set, as the first seed sees it.", "tiles": found}


_KINDS = {
    "curves": _curves,
    "scatter": _scatter,
    "histograms": _histograms,
    "accuracies": _accuracies,
    "classes": _classes,
    "samples": _samples,
}
