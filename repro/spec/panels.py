"""What a schema cannot say of a figure's axes: rows and columns that must exist, and what each kind of panel needs."""

from __future__ import annotations

from repro.spec.model import Axes
from repro.spec.places import Faults, nearest


def check(axes: Axes, rows: list[str], columns: list[str], faults: Faults) -> None:
    """Check the axes of a figure that has these rows and columns."""
    for row in axes.x:
        if row not in rows:
            faults.add(("axes", "x"), f'axes.x: no row "{row}"{nearest(row, rows)}')
    for index, panel in enumerate(axes.panels):
        place = ("axes", "panels", index)
        for column in panel.columns:
            if column not in columns:
                faults.add((*place, "columns"), f'axes.panels: no column "{column}"{nearest(column, columns)}')
        if panel.kind == "scatter" and len(panel.columns) != 2:
            faults.add((*place, "columns"), f"axes.panels: a scatter has 2 columns, found {len(panel.columns)}")
        if panel.kind == "curves" and not axes.x:
            faults.add(place, "axes.panels: curves need [axes.x], where each row lies")
        if panel.kind == "classes" and panel.dataset is None:
            faults.add(place, "axes.panels: classes need a dataset, the pictures in whole")
