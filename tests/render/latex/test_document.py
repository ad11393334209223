"""Tables for a paper: what they say, and that LaTeX sets each of them without a word of complaint."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from repro.judge.board import Board
from repro.judge.cells import Flag, Verdict
from repro.render.latex import document as latex
from repro.render.latex.fitting import SIZES, Entry, Strip, fit, runs
from tests.latex import ARTICLE, compiled
from tests.render.boards import SPECS, shelved

PREAMBLE = rf"\usepackage{{{latex.PACKAGES}}}"
HOSTILE = "[x] \\input{/etc/passwd} & 100 % #1 $y_0^2$ ~ 中 é \\\\ \n\n * -- "
ENDLESS = HOSTILE + "endless" * 20


@pytest.mark.parametrize("judges", ["claims", "cells"])
@pytest.mark.parametrize("share", [0.0, 0.4, 1.0], ids=["nothing", "some", "everything"])
def test_every_table_is_set_without_a_warning(judges: str, share: float, tmp_path: Path) -> None:
    tables = [latex.table(shelved(table, judges=judges, share=share)) for table in SPECS.tables]
    code, complaints = compiled(ARTICLE % (PREAMBLE, "\n\\clearpage\n".join(tables)), tmp_path)
    assert (code, complaints) == (0, [])


def test_whatever_stands_in_a_table_is_set_without_a_warning(tmp_path: Path) -> None:
    code, complaints = compiled(ARTICLE % (PREAMBLE, latex.table(hostile(shelved("table1", share=0.5)))), tmp_path)
    assert (code, complaints) == (0, [])


def hostile(board: Board) -> Board:
    """A table whose every word is one that nobody should write, and in which every cell fails for its own reason."""
    rows = tuple(row.model_copy(update={"label": ENDLESS[place:]}) for place, row in enumerate(board.rows))
    columns = tuple(column.model_copy(update={"label": f"* {HOSTILE[:40]}"}) for column in board.columns)
    table = board.table.model_copy(update={"title": "* [x]", "caption": HOSTILE})
    cells = {
        key: replace(cell, verdict=Verdict.FAILED, seeds={}, reason=f"{ENDLESS} (log: /a/b/{'0' * 60}/{place}.txt)")
        for place, (key, cell) in enumerate(board.cells.items())
    }
    rules = replace(board.rules, changed=(ENDLESS, "policy.level was 0.05 and is 0.1\n\\end{table}"))
    return replace(board, table=table, rows=rows, columns=columns, cells=cells, rules=rules)


def tabulars(text: str) -> list[list[str]]:
    """The lines of each tabular of a document, without those that hold no cells."""
    found = re.findall(r"\\begin\{tabular\}.*?\n(.*?)\\end\{tabular\}", text, re.DOTALL)
    return [[line for line in part.splitlines() if line.endswith(r"\\") and "&" in line] for part in found]


def test_a_table_that_is_wide_has_ours_below_reported() -> None:
    text = latex.table(shelved("table1", judges="cells", share=0.5))
    assert r"\caption{Table 1 of the paper, reported above and ours below. Top-1 accuracy on" in text
    assert "mean $\\pm$ standard deviation over seeds 0, 1, 2." in text
    head, *lines = tabulars(text)[0]
    assert head.startswith("Model & ")
    assert r"\shortstack{Stylized-\\ImageNet}" in head
    first = next(place for place, line in enumerate(lines) if line.startswith("MoCo-v2 - "))
    assert "77.88+-0.28" in lines[first]
    assert lines[first + 1].startswith((" & ", "k = 16384 & "))


def test_a_table_of_one_column_has_them_abreast() -> None:
    text = latex.table(shelved("table4", judges="cells"))
    over, head, *lines = tabulars(text)[0]
    assert over == r" & \multicolumn{3}{c}{Top-1 accuracy} \\"
    assert head == r"Model & {reported} & \multicolumn{2}{c}{ours} \\"
    assert re.fullmatch(r"SimCLR \[7\] & 80\.16 & [\d.]+\+-[\d.]+ & (\$\\\w+\$)? \\\\", lines[0])
    assert lines[3].startswith("SimCLR + Patch-based NS & {not reported} & ")
    assert r"\caption{Table 4 of the paper, reported and ours. " in text


def test_what_is_measured_on_other_data_is_not_for_comparison() -> None:
    told = "Measured on stand-in data; not to be compared with the reported numbers."
    assert told in latex.table(shelved("table4"))
    assert told not in latex.table(shelved("table4", judges="cells"))


def test_units_that_differ_are_named() -> None:
    assert "Unit: percent; ImageNet-C (mCE): mCE.\\par" in latex.table(shelved("table2", share=0.0))
    assert "Unit: cosine.\\par" in latex.table(shelved("figure2", share=0.0))


def test_a_verdict_that_holds_of_the_cell_alone_stands_in_parentheses() -> None:
    board = shelved("table4", judges="cells")
    key, cell = next((key, cell) for key, cell in board.cells.items() if cell.judgement)
    alone = replace(cell, verdict=Verdict.DIFFERS, flags=(Flag.ALONE,))
    text = latex.table(replace(board, cells={**board.cells, key: alone}))
    assert r" & ($\times$) \\" in text
    assert "; in parentheses: so by itself, but within chance among all cells of the table." in text


def test_many_reasons_are_told_in_part() -> None:
    board = shelved("table1", share=0.0)
    cells = {
        key: replace(cell, verdict=Verdict.FAILED, reason=f"fault {place}")
        for place, (key, cell) in enumerate(board.cells.items(), start=1)
    }
    text = latex.table(replace(board, cells=cells))
    assert "\\textsuperscript{20}\\,fault 20\\par" in text
    assert "\\textsuperscript{21}\\,one of 70 other reasons; the export as CSV has them all\\par" in text
    ours = [line for line in tabulars(text)[0] if "failed" in line]
    assert [line.count("failed") for line in ours] == [5, 5, 5, 5] + [1] * 14
    assert r"{failed} & \textsuperscript{20} \\" in ours[3]
    assert all(r"\multicolumn{10}{c}{failed\textsuperscript{21}}" in line for line in ours[4:])


def test_rows_beyond_a_page_go_on_in_another_table() -> None:
    board = shelved("table1", share=0.0)
    rows = [row.model_copy(update={"id": f"{row.id}-{copy}"}) for copy in range(5) for row in board.rows]
    cells = {
        (row.id, key[1]): replace(cell, row=row.id)
        for row in rows
        for key, cell in board.cells.items()
        if row.id.startswith(f"{key[0]}-") and row.id[:-2] == key[0]
    }
    text = latex.table(replace(board, rows=tuple(rows), cells=cells, claims=()))
    assert re.findall(r"\\label\{(.*?)\}", text) == ["tab:table1", *(f"tab:table1-{page}" for page in range(2, 6))]
    assert text.count("reported above and ours below, continued.}") == 4
    assert sum(len(lines) - 1 for lines in tabulars(text)) == 2 * 90


@pytest.mark.parametrize(
    ("numbers", "form"),
    [
        (("77.88±0.28", "9.1"), "2.2(2)"),
        (("77.88±11.46", "80.86"), "2.2(4)"),
        (("0.94257", "0.3997±0.0083", "-0.0002±0.0100"), "-1.5(5)"),
        (("100.00±28.87",), "3.2(4)"),
        (("87.7", "not run"), "2.1"),
        (("3",), "1"),
        (("not reported",), "1"),
    ],
)
def test_a_column_is_as_wide_as_its_numbers(numbers: tuple[str, ...], form: str) -> None:
    assert Strip("", tuple(map(Entry, numbers))).form == form


def test_columns_that_do_not_fit_stand_below_in_even_groups() -> None:
    strips = [Strip(f"column {place}", (Entry("0.1234±0.1234", r"$\sim$", 9.7),)) for place in range(8)]
    found = fit(strips, ["a row"], lines=2)
    assert (found.size, found.groups) == (SIZES[-1], ((0, 1, 2, 3), (4, 5, 6, 7)))
    assert fit(strips[:1], ["a row"], lines=2).size == SIZES[0]


def test_words_that_several_columns_share_stand_once() -> None:
    line = [Entry("1.0"), Entry("1.0"), Entry("not run"), Entry("not run"), Entry("not run", "x")]
    assert runs(line) == [(0, 1), (1, 2), (2, 4), (4, 5)]
