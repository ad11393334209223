"""The page on paper: all of it unfolded, no control, no table cut off at the side."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from repro.render.report.contents import Report
from repro.render.report.page import page
from tests.render.report import browser
from tests.render.report.browser import Browser
from tests.render.report.conftest import PLAIN

pytestmark = pytest.mark.skipif(browser.DRIVER is None or browser.CHROMIUM is None, reason=browser.MISSING)


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="needs pdftotext: apt-get install poppler-utils")
@pytest.mark.parametrize("are_on", [True, False])
def test_paper_has_all_of_it_and_no_control(seen: Browser, tmp_path: Path, are_on: bool) -> None:
    seen.scripts(are_on=are_on)
    seen.media(prefers_color_scheme="dark")
    seen.open(tmp_path / "page.html")
    (tmp_path / "page.pdf").write_bytes(seen.print())
    asked = ["pdftotext", "-layout", str(tmp_path / "page.pdf"), "-"]
    text = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    for told in (
        "Report: profile mini",
        "We are better.",
        "77.88±0.28",
        "pooled over the column",
        "0123456789ab",
        "d1gest",
    ):
        assert told in text, told
    assert (text.count("[77.12, 78.64]"), text.count("[77.1200, 78.6400]")) == (4, 1)  # of each judged cell
    for control in ("Show all", "Close", "Copy", "as the system", "Skip"):
        assert control not in text, control
    told = subprocess.run(["pdfinfo", str(tmp_path / "page.pdf")], capture_output=True, text=True, check=True).stdout
    wide, high = map(float, re.findall(r"Page size: +([\d.]+) x ([\d.]+)", told)[0])
    assert wide > high


def test_a_wide_table_is_not_cut_off_on_paper(seen: Browser, report: Report, tmp_path: Path) -> None:
    (chapter,) = report.chapters
    board = chapter.board
    many = [board.columns[0].model_copy(update={"id": f"c{n}", "label": f"Column {n}"}) for n in range(8)]
    rows = [row.model_copy(update={"reported": {one.id: "77.88 ± 0.28" for one in many}}) for row in board.rows]
    cell = board.cells["row-0", "one"]
    cells = {(row.id, one.id): replace(cell, row=row.id, column=one.id) for row in rows for one in many}
    board = replace(board, rows=tuple(rows), columns=tuple(many), cells=cells)
    (tmp_path / "wide.html").write_text(
        page(replace(report, chapters=(replace(chapter, board=board),))), encoding="utf-8"
    )
    seen.open(tmp_path / "wide.html")
    seen.tell("Emulation.setEmulatedMedia", media="print")
    seen.wide(1032)  # A4 across, less its margins, in pixels of CSS
    try:
        assert seen.run("return document.querySelector('.numbers').getBoundingClientRect().right <= innerWidth")
        assert PLAIN in seen.run("return document.querySelector('.caption').textContent")
    finally:
        seen.tell("Emulation.setEmulatedMedia", media="")
