"""The audit on the page: severity in a letter and in words, quotes, arithmetic."""

from __future__ import annotations

from dataclasses import replace

from repro.judge.audit import Audit
from repro.render.report.contents import Report
from repro.render.report.remarks import remarks
from tests.render.report.conftest import PLAIN
from tests.render.report.tree import read


def test_a_remark_has_its_evidence(report: Report) -> None:
    section = read(remarks(report))
    first, second = section.one("tbody").all("tr")
    cells = [cell.text for cell in first.children]
    assert cells[:3] == ["H", "A1", "Table 9"]
    assert first.one("summary").text == PLAIN
    assert first.all("p")[0].text == f"C2 ✗ fails: C2: {PLAIN}"
    assert [node.text for node in first.all("li")] == ["fails 0", "theirs 0"]
    assert first.one("blockquote").text == "We are better.section 4"
    assert first.all("a")[1].attributes["href"] == "#claim/table9/C2"
    assert second.text == "LA2Table 9A comma."
    assert "H changes what to check or train; M needs a decision; L cosmetic." in section.text


def test_they_are_filtered_by_severity_and_table(report: Report) -> None:
    severity, table = read(remarks(report)).all("select")
    assert [node.text for node in severity.all("option")] == ["any", "H (1)", "L (1)"]
    assert [node.attributes["value"] for node in table.all("option")] == ["", "table9"]


def test_nothing_to_remark_is_said(report: Report) -> None:
    section = read(remarks(replace(report, audit=Audit((), ()))))
    assert "Nothing to remark." in section.text
    assert not section.all("table")
