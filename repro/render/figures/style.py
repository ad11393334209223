"""How every figure looks: sizes of a paper's column, type, and colours, lines and marks that differ in grey too."""

from __future__ import annotations

from typing import Any

from repro.render.printable import printable

INCHES = {1: 3.25, 2: 5.5, 3: 5.5, 4: 6.75}
"""Width by the number of panels beside one another; 5.5 is the text of the paper, 6.75 of two columns."""
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#444444", "#8B5A2B")
"""Of Okabe and Ito, told apart by the colour-blind; "Color Universal Design", 2008. Two more for longer legends."""
LINES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (8, 2)))
MARKS = ("o", "s", "^", "D", "v", "P", "X", "*")
INK, FAINT = "#222222", "#6b6b6b"

RULES: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 7,
    "axes.titlesize": 7.5,
    "axes.labelsize": 7,
    "axes.linewidth": 0.6,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.4,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "legend.handlelength": 2.4,
    "legend.borderaxespad": 0.2,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.5,
    "pdf.fonttype": 42,
    "svg.hashsalt": "repro",
    "savefig.dpi": 300,
    "figure.constrained_layout.use": True,
}
"""For matplotlib's rc_context; fonts are embedded whole, so that text in a PDF stays text."""


def of(place: int) -> dict[str, Any]:
    """Colour, line and mark of the curve in a place; after eight they begin again."""
    place %= len(COLOURS)
    return {"color": COLOURS[place], "linestyle": LINES[place], "marker": MARKS[place]}


def words(text: str) -> str:
    """Text that matplotlib shows as it stands, without reading mathematics into it.

    >>> words("5 $ a_1")
    '5 \\\\$ a_1'
    """
    return printable(text).replace("$", r"\$")
