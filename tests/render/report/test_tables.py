"""Tables on the page: the numbers of the board, each verdict in words, the reasons below, what sorts and filters."""

from __future__ import annotations

from base64 import b64decode
from csv import DictReader
from dataclasses import replace
from io import StringIO

import pytest

from repro.judge.cells import Verdict
from repro.render.report.contents import Report
from repro.render.report.tables import tables
from tests.render.report.conftest import PLAIN, VERDICTS
from tests.render.report.tree import Node, read


@pytest.fixture
def section(report: Report) -> Node:
    return read(tables(report))


@pytest.fixture
def lines(section: Node) -> list[list[Node]]:
    """The rows of the table, cell by cell."""
    body = section.one("table", class_="numbers").one("tbody")
    return [[cell for cell in row.children if isinstance(cell, Node)] for row in body.all("tr")]


def test_reported_stands_beside_ours_where_the_paper_reports_a_column(section: Node, lines: list[list[Node]]) -> None:
    first, second = section.one("table", class_="numbers").one("thead").all("tr")
    assert [node.text for node in first.all("th")] == [
        "Network",
        "Onehigher is better",
        f"{PLAIN}no better side",
        "Cosinelower is better, cosine",
    ]
    assert [node.text.split()[0] for node in second.all("th")] == ["reported", "ours", "reported", "ours", "ours"]
    assert [cell.text for cell in lines[0]] == [
        "Row 0row-0",
        "77.88±0.28",
        "77.89±0.25 ✓ reproduced",
        "80.86",
        "77.89±0.25 ~ consistent, inconclusive",
        "77.8867±0.2511 ≈ within tolerance",
    ]
    assert [cell.text for cell in lines[3]][1:3] == ["77.88±0.28? suspect", "77.89±0.25 not reported"]


def test_every_verdict_is_a_word_and_its_sign_is_not_read_out(lines: list[list[Node]]) -> None:
    buttons = [button for line in lines for cell in line for button in cell.all("button")]
    assert len(buttons) == len(VERDICTS)
    for verdict, button in zip(VERDICTS, buttons, strict=True):
        assert str(verdict) in button.text
        signs = button.all("span", aria_hidden="true")
        assert [sign.text for sign in signs] == [
            sign for sign in ["✓~≈↑✗ ◔ !  ?"[VERDICTS.index(verdict)]] if sign != " "
        ]


def test_why_there_is_no_number_stands_below_with_its_number(section: Node, lines: list[list[Node]]) -> None:
    assert [node.text for node in section.one("ol", class_="notes").all("li")] == [
        f"{verdict} because of {PLAIN}" for verdict in ("not run", "failed", "not runnable")
    ]
    told = [cell.text for line in lines for cell in line if cell.all("sup")]
    assert told == ["not run1", "! failed2", "not runnable3"]


def test_numbers_are_sorted_by_their_value_and_rows_filtered_by_their_verdicts(section: Node) -> None:
    row = section.one("tr", data_verdict="reproduced consistent-inconclusive within-tolerance")
    values = [cell.attributes.get("data-value") for cell in row.all("td")]
    assert values[::2] == ["77.88", "80.86", "77.88666666666667"]
    options = {node.attributes["value"]: node.text for node in section.one("select").all("option")}
    assert options["consistent-inconclusive"] == "consistent, inconclusive (1)"
    assert len(options) == 1 + len(VERDICTS)


def test_a_block_begins_with_a_rule_and_the_legend_tells_each_verdict(section: Node, lines: list[list[Node]]) -> None:
    rows = section.one("table", class_="numbers").one("tbody").all("tr")
    assert [row.attributes.get("class") for row in rows] == [None, None, "block", None]
    assert [node.text.lstrip("✓~≈↑✗◔!? ") for node in section.one("dl", class_="legend").all("dt")] == VERDICTS


def test_the_numbers_can_be_had_as_csv(section: Node) -> None:
    link = section.one("a", download="table9.csv").attributes["href"]
    text = b64decode(link.removeprefix("data:text/csv;charset=utf-8;base64,")).decode()
    rows = [row for row in DictReader(StringIO(text)) if row["row"]]
    assert [(row["row"], row["column"], row["verdict"]) for row in rows][:2] == [
        ("row-0", "one", "reproduced"),
        ("row-0", "two", "consistent, inconclusive"),
    ]
    assert len(rows) == len(VERDICTS)
    assert (rows[0]["reported_mean"], rows[0]["reported_std"], rows[0]["n"]) == ("77.88", "0.28", "3")


def test_links_say_how_many_claims_and_remarks_a_table_has(section: Node) -> None:
    told = [item.text for item in section.one("ul", class_="links").all("li")]
    assert told == ["2 claims: 1 not supported, 1 undecided", "2 remarks of the audit", "recipes and networks", "CSV"]


def test_a_table_of_which_nothing_was_asked_says_so(report: Report) -> None:
    (chapter,) = report.chapters
    board = replace(chapter.board, rows=(), columns=(), cells={})
    section = read(tables(replace(report, chapters=(replace(chapter, board=board),))))
    assert "No row and column of it was asked for." in section.text
    assert not section.all("table")


def test_a_measured_number_is_heard_to_be_so_and_shown_without_a_word(lines: list[list[Node]]) -> None:
    measured = lines[VERDICTS.index(Verdict.MEASURED) // 3][-1]
    assert measured.text == "77.8867±0.2511 measured"
    assert measured.one("span", class_="heard").text == "measured"
