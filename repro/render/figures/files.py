"""What a figure leaves: PDF, PNG, SVG, its numbers as CSV and its caption; equal figures give equal bytes."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure as Page

from repro.judge.figure import Figure, caption
from repro.leftovers import write as keep
from repro.render.figures import data, page, style
from repro.render.printable import printable

_PATH, _DIGITS = re.compile(rb' d="[^"]*"'), re.compile(rb"(\.\d\d)\d+")
FORMATS = ("pdf", "png", "svg")


def write(found: Figure, folder: Path, formats: tuple[str, ...]) -> list[Path]:
    """Write a figure's files into a folder, which is made where it is not there: their paths."""
    drawn = page.draw(found)
    contents: dict[str, str | bytes] = {form: encoded(drawn, found, form) for form in formats}
    contents |= {"csv": data.table(found), "txt": printable(caption(found)) + "\n"}
    paths = []
    for ending, content in contents.items():
        paths.append(folder / f"{found.name}.{ending}")
        keep(paths[-1], content, option="--output")
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
    return _rounded(stream.getvalue()) if form == "svg" else stream.getvalue()


def _rounded(svg: bytes) -> bytes:
    """The same drawing with its paths to a hundredth of a point, which halves it.

    >>> _rounded(b'<path d="M 1.23456 7L 8.5 9"/>')
    b'<path d="M 1.23 7L 8.5 9"/>'
    """
    return _PATH.sub(lambda path: _DIGITS.sub(rb"\1", path[0]), svg)
