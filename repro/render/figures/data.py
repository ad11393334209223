"""The numbers behind a figure, one line each."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from repro.judge.figure import Figure
from repro.judge.panels import Bars, Curve, Panel
from repro.render.printable import plain

HEAD = (
    "figure",
    "profile",
    "panel",
    "source",
    "series",
    "row",
    "column",
    "x",
    "x_end",
    "x_sd",
    "y",
    "sd",
    "n",
    "seeds",
)


def table(found: Figure) -> str:
    """CSV of every point, bar, mean and numbered picture; empty where there is no number.

    `source` is ours or paper; `x` and `x_end` are the ends of a bar, its height to six digits, and the mean over all
    has a line of its own; `seeds` are our numbers seed by seed, or say that the line is a mean.
    """
    stream = io.StringIO()
    out = csv.writer(stream, lineterminator="\n")
    out.writerow(HEAD)
    for panel in found.panels:
        for line in _lines(panel):
            texts = [plain(part) if isinstance(part, str) else "" if part is None else repr(part) for part in line]
            out.writerow([found.board.table.id, found.board.profile.id, plain(panel.title), *texts])
    return stream.getvalue()


def _lines(panel: Panel) -> Iterator[tuple[str | float | None, ...]]:
    for source, curves in (("ours", panel.curves), ("paper", panel.paper)):
        for curve in curves:
            yield from _points(source, curve)
    for bars in panel.bars:
        yield from _bars(bars)
    for line in panel.tiles:
        for tile in line:
            if tile.value is not None:
                yield "ours", tile.group, "", panel.columns[0], None, None, None, tile.value, None, None, ""


def _points(source: str, curve: Curve) -> Iterator[tuple[str | float | None, ...]]:
    for point in curve.points:
        seeds = " ".join(map(repr, point.seeds))
        where = (source, curve.label, point.row, point.column)
        yield *where, point.x, None, point.x_sd, point.y, point.sd, point.n, seeds


def _bars(bars: Bars) -> Iterator[tuple[str | float | None, ...]]:
    where = ("ours", bars.label, bars.row, bars.column)
    for low, high, height in zip(bars.edges[:-1], bars.edges[1:], bars.heights, strict=True):
        yield *where, low, high, None, float(f"{height:.6g}"), None, bars.n, ""
    if bars.mean is not None:
        yield *where, bars.mean, None, None, None, None, bars.n, "mean"
