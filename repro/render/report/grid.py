"""A plain table that can be sorted, in a box that it scrolls in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from repro.render.printable import clock
from repro.render.report.elements import Html, element

Line = Sequence[object]  # a cell is text, HTML, or a pair: the number to sort by, and how it is shown


def grid(caption: str, heads: Sequence[str], lines: Sequence[Line], *, foot: Line = (), numbers: int = 0) -> Html:
    """A table whose first cells head their rows; the last `numbers` columns hold numbers."""
    first = len(heads) - numbers
    head = [
        element("th", name, scope="col", data_sort=place, class_="number" if place >= first else None)
        for place, name in enumerate(heads)
    ]
    table = element(
        "table",
        element("caption", caption),
        element("thead", element("tr", *head)),
        element("tbody", *(element("tr", *_cells(line, first)) for line in lines)),
        element("tfoot", element("tr", *_cells(foot, first))) if foot else "",
        class_="listed",
        data_sortable=True,
    )
    return boxed(caption, table)


def boxed(name: str, table: Html) -> Html:
    """A box that scrolls, and that a keyboard reaches."""
    return element("div", table, class_="scroll", tabindex=0, role="group", aria_label=name)


def timed(seconds: float) -> tuple[float, str]:
    """A time that is sorted by its seconds."""
    return seconds, clock(seconds)


def _cells(line: Line, first: int) -> Iterator[Html]:
    for place, content in enumerate(line):
        value, shown = content if isinstance(content, tuple) else (None, content)
        if place == 0:
            yield element("th", shown, scope="row", data_value=value)
        else:
            yield element("td", shown, class_="number" if place >= first else None, data_value=value)
