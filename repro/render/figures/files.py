"""What a figure leaves: PDF, PNG, SVG, its numbers as CSV and its caption; equal figures give equal bytes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure as Page

from repro.files import write_whole
from repro.judge.figure import Figure, caption
from repro.render.figures import data, page, style
from repro.render.printable import printable

FORMATS = ("pdf", "png", "svg")


def write(found: Figure, folder: Path, formats: tuple[str, ...]) -> list[Path]:
    """Write a figure's files into a folder, which is made where it is not there: their paths."""
    drawn = page.draw(found)
    contents: dict[str, str | bytes] = {form: encoded(drawn, found, form) for form in formats}
    contents |= {"csv": data.table(found), "txt": printable(caption(found)) + "\n"}
    paths = []
    for ending, content in contents.items():
        paths.append(folder / f"{found.name}.{ending}")
        write_whole(paths[-1], content, option="--output")
    return paths


def encoded(drawn: Page, found: Figure, form: str) -> bytes:
    """A drawn figure as the bytes of a PDF, PNG or SVG, with its title and caption inside and no date."""
    told = printable(caption(found))
    undated: dict[str, dict[str, Any]] = {
        "pdf": {"Subject": told, "CreationDate": None, "ModDate": None},
        "png": {"Description": told},
        "svg": {"Description": told, "Date": None},
    }
    said = {"Title": f"{found.board.table.title}, profile {found.board.profile.id}", **undated[form]}
    stream = io.BytesIO()
    with mpl.rc_context(style.RULES):
        drawn.savefig(stream, format=form, metadata=said)
    return stream.getvalue()
