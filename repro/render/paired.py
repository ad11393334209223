"""Two networks on the same images, as text and as JSON."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from repro.judge.paired import Pair, Part, over_seeds
from repro.render import terminal

SCHEMA = 1
NOTE = (
    "p and interval are of these networks on these images and say nothing of other seeds: McNemar's exact test, or "
    "where the same pictures come under many corruptions a t-test over pictures"
)
_TOLD = 5  # conditions and classes that are named


def show(found: Sequence[Pair], *, first: str, second: str) -> None:
    """`repro diff`: a line for each two networks, then what carries the difference."""
    terminal.line(f"first: {first}\nsecond: {second}", "bold")
    for (column, rows), group in over_seeds(found).items():
        names = rows[0] if rows[0] == rows[1] else f"{rows[0]} and {rows[1]}"
        terminal.line(f"\n{column}, {names}: {_many(group[0])}", "bold")
        grid = terminal.ruled("seed", "first", "second", "change", "95 % of images", "only first", "only second", "p")
        for pair in group:
            grid.add_row(
                str(pair.seeds[0]),
                *(f"{accuracy:.2f}" for accuracy in pair.accuracies),
                f"{pair.change:+.2f}",
                "" if pair.low is None else f"{pair.low:+.2f} to {pair.high:+.2f}",
                f"{len(pair.only_first):,}",
                f"{len(pair.only_second):,}",
                "" if pair.p is None else f"{pair.p:.2g}",
            )
        terminal.console().print(grid)
        if all(pair.same_answers == pair.images for pair in group):
            terminal.line("every answer is the same")
            continue
        if len(group) > 1:
            changes = [pair.change for pair in group]
            terminal.line(f"over seeds: {statistics.mean(changes):+.2f}±{statistics.stdev(changes):.2f}")
        for what, many in (("corruptions", "conditions"), ("classes", "classes")):
            carried = summed([getattr(pair, many) for pair in group])
            if len(carried) > 1:
                words = ", ".join(f"{part.name} {part.change:+.1f}" for part in carried[:_TOLD])
                terminal.hanging(f"{what} that carry most of it: {words}", indent=2)
    terminal.line("")
    terminal.hanging(NOTE, indent=0, style="dim")


def _many(pair: Pair) -> str:
    copies = "" if pair.pictures == pair.images else f" of {pair.pictures:,} pictures"
    return f"{pair.images:,} images{copies}"


def summed(groups: Sequence[Sequence[Part]]) -> list[Part]:
    """The same parts of several pairs together; severities of one corruption are one part."""
    totals: dict[str, list[int]] = {}
    for part in (part for group in groups for part in group):
        total = totals.setdefault(part.name.partition("/")[0], [0, 0, 0])
        for place, number in enumerate((part.images, part.only_first, part.only_second)):
            total[place] += number
    found = [Part(name, *total) for name, total in totals.items()]
    return sorted(found, key=lambda part: (-abs(part.only_second - part.only_first), part.name))


def document(found: Sequence[Pair], *, first: str, second: str) -> dict[str, Any]:
    """`repro diff --json`, as docs/json.md says."""
    pairs = [{**asdict(pair), "change": pair.change} for pair in found]
    return {"schema": SCHEMA, "first": first, "second": second, "pairs": pairs}
