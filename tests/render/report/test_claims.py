"""Claims on the page: the paper's words, both readings with their reasons, and what they can be filtered by."""

from __future__ import annotations

from dataclasses import replace

import pytest

from repro.render.report.claims import TOLD, claims
from repro.render.report.contents import Report
from tests.render.report.conftest import PLAIN
from tests.render.report.tree import Node, read


@pytest.fixture
def rows(report: Report) -> list[Node]:
    return read(claims(report)).one("tbody").all("tr")


def test_a_claim_has_its_standing_on_both_sides_in_words(rows: list[Node]) -> None:
    told = [[cell.text for cell in row.all() if cell.name in ("th", "td")] for row in rows]
    assert [[*line[:2], *line[3:]] for line in told] == [
        ["C1", "Table 9", "✓ holds", "✗ not supported"],
        ["C2", "Table 9", "✗ fails", "~ undecided; fails in the paper"],
        ["C3", "Table 9", "· no numbers", "· not applicable"],
    ]


def test_its_words_and_its_reasons_unfold(rows: list[Node]) -> None:
    first = rows[0].one("details")
    assert first.one("summary").text == f"C1: {PLAIN}"
    assert first.one("blockquote").text == "We are better.section 4"
    theirs, ours = first.all("dd")
    assert [node.text for node in first.all("dt")] == ["on the paper's numbers: supported", "on ours: not supported"]
    assert theirs.text == "theirs 0"
    assert [item.text for item in ours.all("li")] == [*(f"ours {n}" for n in range(TOLD)), "and 4 more"]


def test_what_the_paper_only_implies_is_no_quote_and_a_caution_of_ours_is_told(rows: list[Node]) -> None:
    assert not rows[1].all("blockquote")
    assert "(implied) Both help. (section 4)" in rows[1].text
    assert "Ours, not the paper's: a caution, counted nowhere." in rows[2].text
    assert [item.text for item in rows[2].all("dd")[1].all("li")] == ["n/a 0", "and 2 more"]


def test_they_are_filtered_by_standing_and_table(report: Report, rows: list[Node]) -> None:
    ours, theirs, tables = read(claims(report)).all("select")
    assert [node.text for node in ours.all("option")] == [
        "any",
        "not supported (1)",
        "undecided (1)",
        "not applicable (1)",
    ]
    assert [node.text for node in theirs.all("option")] == ["any", "holds (1)", "fails (1)", "no numbers (1)"]
    assert [node.text for node in tables.all("option")] == ["any", "Table 9"]
    assert [row.attributes["data-ours"] for row in rows] == ["not-supported", "undecided", "not-applicable"]
    assert {row.attributes["data-table"] for row in rows} == {"table9"}


def test_tables_without_a_claim_say_so(report: Report) -> None:
    (chapter,) = report.chapters
    section = read(claims(replace(report, chapters=(replace(chapter, board=replace(chapter.board, claims=())),))))
    assert not section.all("table")
    assert "hidden" not in section.one("p", class_="none").attributes
    assert "These tables make no claim." in section.text
