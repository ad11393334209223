"""The paper against itself: all that was found by hand is found from the specs, and stands as it was worked out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from repro.judge.audit import Audit, Remark, audit
from repro.spec import load

SPECS = load.specs()
LISTED = re.compile(r"^\| ([AB]\d+) \| ([HML]) \|", re.MULTILINE)


@pytest.fixture(scope="module")
def found() -> Audit:
    return audit(SPECS.tables)


def remark(found: Audit, id: str, table: str = "table1") -> Remark:
    (one,) = [each for each in found.remarks if (each.id, each.table) == (id, table)]
    return one


def standings(one: Remark) -> dict[str, str]:
    return {each.claim.id: each.standing for each in one.evidence}


def test_all_that_was_found_by_hand_is_there_with_its_severity(shared: Path, found: Audit) -> None:
    listed = LISTED.findall((shared / "paper" / "audit.md").read_text(encoding="utf-8"))
    assert len(listed) == 39
    told = {(each.id, each.severity) for each in found.remarks}
    assert set(listed) - told == set()


def test_the_gravest_come_first(found: Audit) -> None:
    order = [each.severity for each in found.remarks]
    assert order == sorted(order, key="HML".index)


@pytest.mark.parametrize(
    ("id", "table", "expected"),
    [
        ("A1", "table1", {"C08": "fails", "C07": "holds", "C09": "holds", "C10": "holds"}),
        (
            "A2",
            "table1",
            {"C16": "fails", "C14": "by sign only", "C15": "by sign only", "C16b": "holds", "C36": "fails"},
        ),
        ("A3", "table1", {"C35": "fails", "C37": "holds"}),
        ("A4", "table1", {"C38": "fails", "C39": "by sign only", "C18": "by sign only"}),
        ("A5", "table1", {"C19": "fails"}),
        ("A7", "table1", {"C20": "by sign only"}),
        ("A9", "table1", {"C13": "by sign only", "C13b": "fails"}),
        ("A10", "table1", {"C11": "holds", "C40": "fails"}),
        ("A18", "table1", {"C34": "holds"}),
        ("A11", "table2", {"C21": "by sign only", "C22": "by sign only"}),
    ],
)
def test_what_numbers_can_show_stands_as_worked_out_by_hand(
    found: Audit, id: str, table: str, expected: dict[str, str]
) -> None:
    assert standings(remark(found, id, table)) == expected


@pytest.mark.parametrize(
    ("id", "table", "claim", "estimates"),
    [
        ("A1", "table1", "C08", ["3.97"]),  # 36.89 - 32.92
        ("A4", "table1", "C38", ["-0.62", "-0.72", "-0.45", "-0.55", "-0.79", "-1.05", "-0.13", "-0.57", "-0.48"]),
        ("A9", "table1", "C13b", ["-0.14", "-0.21", "-0.63", "-0.27"]),
        ("A10", "table1", "C40", ["2.30", "-1.37"]),
        ("A13", "table3", "C23", ["5.98"]),
        ("A13", "table3", "C23b", ["4.51"]),  # 7.44 - 2.93
    ],
)
def test_the_arithmetic_is_that_of_the_printed_digits(
    found: Audit, id: str, table: str, claim: str, estimates: list[str]
) -> None:
    (one,) = [each for each in remark(found, id, table).evidence if each.claim.id == claim]
    assert [str(finding.estimate) for finding in one.reading.findings] == estimates


def test_two_claims_of_the_paper_fail_on_its_own_numbers(found: Audit) -> None:
    failing = [one.claim.id for one in found.claims if one.claim.of_paper and one.standing == "fails"]
    assert failing == ["C08", "C16"]


def test_a_failing_claim_that_no_note_speaks_of_is_a_remark_of_its_own() -> None:
    silent = SPECS.tables["table1"].model_copy(update={"notes": []})
    found = audit({**SPECS.tables, "table1": silent}, only="table1")
    assert [(each.id, each.severity, standings(each)) for each in found.remarks] == [
        ("C08", "M", {"C08": "fails"}),
        ("C16", "M", {"C16": "fails"}),
    ]
    assert {one.table for one in found.claims} == {"table1"}
