"""Provenance on the page: cost, machines, data, what the profile changed, every network."""

from __future__ import annotations

from dataclasses import replace

import pytest

from repro.render.report.contents import Report
from repro.render.report.costs import machine
from repro.render.report.provenance import provenance
from tests.render.report.conftest import PLAIN, job
from tests.render.report.tree import Node, read


@pytest.fixture
def section(report: Report) -> Node:
    return read(provenance(report))


def lines(section: Node, caption: str) -> list[list[str]]:
    """The cells of the table with this caption, its foot included."""
    (table,) = [one for one in section.all("table") if one.one("caption").text.startswith(caption)]
    rows = [row for row in table.all("tr") if row.parent and row.parent.name != "thead"]
    return [[cell.text for cell in row.children if isinstance(cell, Node)] for row in rows]


def test_cost_by_kind_of_job_and_in_all(section: Node) -> None:
    assert lines(section, "What the finished jobs took") == [
        ["data", "1", "1:00", "0:30", "1.5 MB"],
        ["pretrain", "1", "1:00", "0:30", "1.5 MB"],
        ["probe", "1", "1:00", "0:30", "1.5 MB"],
        ["evaluate", "27", "0:40", "0:20", "40.5 MB"],
        ["in all", "30", "3:40", "1:50", "45 MB"],
    ]


def test_environments_have_a_letter(section: Node) -> None:
    assert lines(section, "Where the records were made") == [
        [
            "A",
            f"{PLAIN}, 2 cores, no graphics card; Python 3.11.7, torch 2.6, commit 0123456789 with changes",
            PLAIN,
            "torch 2.6, numpy 2.0",
            "2026-01-02 03:04 UTC",
            "30",
        ]
    ]


def test_what_stands_for_a_data_set_of_the_paper(section: Node) -> None:
    assert lines(section, "Data sets") == [["d", "name = shapes, count = 6", "6", "d1gest", job("data", None).id]]


def test_what_the_profile_changed_and_why_and_in_which_rows(section: Node) -> None:
    assert lines(section, "Table 9: 2 changes of its recipes by the profile mini") == [
        ["optimizer.lr", "0.03", "0.06", PLAIN, "every row"],
        ["net", "name = big", "name = small", "fits", "row-0"],
    ]
    assert "1 row with a note" in section.text
    assert "row-3: A note." in [item.text for item in section.all("li")]


def test_every_network_has_its_jobs_its_code_its_machine_and_its_time(section: Node) -> None:
    data = job("data", None).id
    network, probe = job("pretrain", 0, data=data).id, job("probe", 0, data=data).id
    assert lines(section, "Table 9: 1 of 1 network with a record") == [
        ["row-0", "0", network, "c0de", probe, "2026-01-02 03:04 UTC", "A", "2:04", "1:02"]  # 2 of 60 s, 3 of 1.5 s
    ]


def test_what_is_not_there_is_said(report: Report) -> None:
    (chapter,) = report.chapters
    (run,) = chapter.origin.runs
    undone = replace(
        run, network=None, probe=None, evaluations=tuple(replace(one, record=None) for one in run.evaluations)
    )
    sets = {"d": replace(chapter.origin.sets["d"], record=None)}
    origin = replace(chapter.origin, runs=(undone,), works=(), changes={"row-0": ()}, sets=sets)
    section = read(provenance(replace(report, chapters=(replace(chapter, origin=origin),))))
    assert "No job of these tables has a record yet." in section.text
    assert "No network of it has a record yet." in section.text
    assert "The profile mini changes nothing of its recipes." in section.text
    assert lines(section, "Data sets")[0][2] == "no record"
    none = replace(origin, runs=(), sets={})
    assert "It has no network." in read(provenance(replace(report, chapters=(replace(chapter, origin=none),)))).text


def test_a_run_of_images_alone_has_no_network(report: Report) -> None:
    (chapter,) = report.chapters
    (run,) = chapter.origin.runs
    origin = replace(chapter.origin, runs=(replace(run, network=None, probe=None),))
    section = read(provenance(replace(report, chapters=(replace(chapter, origin=origin),))))
    assert lines(section, "Table 9: 1 of 1 network")[0][2:5] == ["none", "none", "none"]


def test_a_machine_of_which_little_is_known() -> None:
    assert machine({}) == "processor not known, no graphics card; Python of unknown version"
    assert machine({"card": "H100", "processor": "x", "python": "3.12"}) == "x, H100; Python 3.12"
