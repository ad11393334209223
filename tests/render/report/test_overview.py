"""The head of the page: what was judged, and how many of what verdict."""

from __future__ import annotations

from dataclasses import replace

import pytest

from repro.judge.cells import Verdict
from repro.render.report import words
from repro.render.report.contents import Report
from repro.render.report.overview import outcome, overview
from tests.render.report.conftest import PLAIN
from tests.render.report.tree import Node, read


@pytest.fixture
def section(report: Report) -> Node:
    return read(overview(report))


def test_the_facts(report: Report, section: Node) -> None:
    facts = section.one("dl", class_="facts")
    told = {term.text: told.text for term, told in zip(facts.all("dt"), facts.all("dd"), strict=True)}
    assert told == {
        "profile": f"mini: {PLAIN}",
        "seeds": "0, 1, 2",
        "networks": "trained here",
        "records": str(report.store.root),
        "made": "from 2026-01-02 03:04 UTC to 2026-01-03 00:00 UTC",
        "cost": "30 jobs, 3:40 of work, 1:50 of processor time",  # 3 of 60 s, 27 of 1.5 s
        "on": f"{PLAIN}, 2 cores, no graphics card; Python 3.11.7, torch 2.6, commit 0123456789 with changes",
    }


def test_each_table_has_its_counts_and_all_of_them_their_sum(section: Node) -> None:
    table = section.one("table", class_="counts")
    (row,) = table.one("tbody").all("tr")
    cells = [cell.text for cell in row.all("td")]
    assert cells[:-2] == ["1"] * 12 + ["1", "1"]  # a cell of each verdict; a claim refuted and one open
    assert cells[-2:] == ["differs: 1 cell differs and 1 claim is not supported (C1)", "0123456789ab"]
    foot = [cell.text for cell in table.one("tfoot").all("td")]
    assert foot == [*cells[:-2], "12 cells, 2 claims", ""]
    groups = table.one("thead").all("th", scope="colgroup")
    assert [(node.text, node.attributes["colspan"]) for node in groups] == [
        ("Cells", "12"),
        ("Claims of the paper, on our numbers", "2"),
    ]


def test_a_change_of_the_rules_is_told(section: Node) -> None:
    warning = section.one(class_="warning")
    assert warning.text.startswith("The rules of judging changed after there were results.")
    assert warning.one("li").text == f"Table 9: seeds was 0 and is {PLAIN}"


def test_a_small_profile_says_what_it_does_not_say(report: Report, section: Node) -> None:
    assert section.one("p", class_="lead").text == (
        "The profile mini is a small world of its own. It says whether the paper's orderings and trends hold there, "
        "with 3 seeds. It does not say whether the paper's numbers can be had again: none of its numbers may be set "
        "beside a reported one, and a claim that fails here can still hold at the paper's scale."
    )
    board = report.chapters[0].board
    whole = replace(board, profile=board.profile.model_copy(update={"judges": "cells"}))
    assert words.says(whole) == (
        "The profile mini runs on the paper's data at the paper's scale: each of our numbers, of 3 seeds, is set "
        "beside the reported one and judged by the spread of both."
    )
    alone = replace(board, options=replace(board.options, seeds=[0]))
    assert "with 1 seed, whose spread nobody knows." in words.says(alone)


def test_a_limit_and_the_networks_of_others_are_told(report: Report) -> None:
    (chapter,) = report.chapters
    options = replace(chapter.board.options, limit=50, source="download")
    board = replace(chapter.board, options=options)
    text = read(overview(replace(report, chapters=(replace(chapter, board=board),)))).text
    assert "about 50 images of each set: every number is partial" in text
    assert "those that others published" in text


def test_a_store_without_a_record_says_so(report: Report) -> None:
    (chapter,) = report.chapters
    bare = replace(chapter, origin=replace(chapter.origin, works=()))
    text = read(overview(replace(report, chapters=(bare,)))).text
    assert "no job has a record yet" in text
    assert "of processor time" not in text


def test_a_table_without_cells_is_not_judged(report: Report) -> None:
    board = report.chapters[0].board
    assert outcome(replace(board, cells={})) == "nothing to judge"
    only = {key: cell for key, cell in board.cells.items() if cell.verdict is Verdict.REPRODUCED}
    assert outcome(replace(board, cells=only, claims=())) == "holds: no cell differs and no claim is contradicted"
