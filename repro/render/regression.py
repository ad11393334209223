"""The same weights on the same images, as text and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from repro.judge.regression import Change, Regression
from repro.render import terminal

SCHEMA = 1
SIGN = {Change.NONE: "✓", Change.ROUNDING: "≈", Change.METRIC: "✗"}


def show(found: Sequence[Regression]) -> None:
    """`repro diff --regression`: what moved, line by line, then how many of each."""
    moved = [each for each in found if each.change is not Change.NONE]
    if moved:
        grid = terminal.ruled("", "column", "row", "seed", "other answers", "metric", "moved by")
        for each in moved:
            grid.add_row(
                SIGN[each.change],
                each.column,
                each.row,
                str(each.seed),
                f"{each.answers:,} of {each.images:,}",
                each.largest,
                f"{each.by:+.3g}" if each.largest else "",
            )
        terminal.console().print(grid)
    terminal.line(words(found))


def words(found: Sequence[Regression]) -> str:
    """One sentence on all of them."""
    counts = Counter(each.change for each in found)
    told = ", ".join(f"{counts[change]} {change}" for change in Change if counts[change])
    many = f"{len(found)} evaluation{'s' if len(found) > 1 else ''}"
    return f"{many} of the same weights on the same images: {told}"


def document(found: Sequence[Regression], *, first: str, second: str) -> dict[str, Any]:
    """`repro diff --regression --json`, as docs/json.md says; what moved without bound has null."""
    listed = [{**asdict(each), "by": each.by if abs(each.by) < float("inf") else None} for each in found]
    return {"schema": SCHEMA, "first": first, "second": second, "regressions": listed}
