"""The table of FNC against the notes on its sources: every number, each in its column."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from repro.spec.model import Table
from tests.conftest import CHECKOUT

COLUMNS = {  # line of the notes -> columns of its two numbers
    "linear eval, ImageNet": ("imagenet", "imagenet-top5"),
    "semi-supervised 1%": ("semi-1", "semi-1-top5"),
    "semi-supervised 10%": ("semi-10", "semi-10-top5"),
}


@pytest.fixture(name="table", scope="module")
def _table() -> Table:
    return Table.model_validate(tomllib.loads((CHECKOUT / "tables" / "fnc.toml").read_text(encoding="utf-8")))


def test_the_reported_numbers_are_those_of_the_notes(table: Table, shared: Path) -> None:
    notes = (shared / "paper" / "fnc.md").read_text(encoding="utf-8")
    expected = {}
    for line, columns in COLUMNS.items():
        match = re.search(rf"^\| {re.escape(line)} \| ([\d.]+) \| ([\d.]+) \|", notes, re.MULTILINE)
        assert match, line
        expected.update(zip(columns, match.groups(), strict=True))
    assert {row.id: row.reported for row in table.rows if row.reported} == {"fnc": expected}
    assert len(expected) == 6


def test_rows_of_ours_report_nothing(table: Table) -> None:
    own = [row for row in table.rows if row.origin == "own"]
    assert len(own) == len(table.rows) - 1 == 9
    assert all(row.runs == 0 and not row.reported for row in own)


def test_fine_tuning_says_why_it_cannot_be_run(table: Table) -> None:
    reasons = {column.id: column.not_runnable for column in table.columns}
    assert {name for name, reason in reasons.items() if reason} == {name for name in reasons if "semi" in name}
    assert all("fine-tuning" in reason for reason in reasons.values() if reason)


def test_a_column_of_five_asks_for_top5(table: Table) -> None:
    assert all((column.metric == "top5") == column.id.endswith("top5") for column in table.columns)


def test_the_gain_of_the_abstract_stands_in_it(table: Table, shared: Path) -> None:
    abstract = " ".join((shared / "paper" / "fnc-abstract.txt").read_text(encoding="utf-8").split())
    [gain] = table.texts
    assert gain.quote in abstract
    assert gain.printed in gain.quote
    for claim in table.claims:
        assert " ".join(claim.quote.removeprefix("(implied) ").split()).rstrip(".") in abstract, claim.id


def test_own_rows_differ_from_the_reported_one_in_what_they_are_for(table: Table) -> None:
    """The same dials in every FNC row of the table but for the one that a row is there to change."""
    free = {"name", "strategy", "threshold", "queue", "momentum"}
    dials = [
        {key: value.value for key, value in row.recipe["method"].items() if key not in free}
        for row in table.rows
        if str(row.recipe["method"]["name"].value).startswith("fnc")
    ]
    assert all(found == {"temperature": 0.1, "support_size": 8, "topk": 10} for found in dials)
    thresholds = {row.id: row.recipe["method"]["threshold"].value for row in table.rows if "views" in row.id}
    assert thresholds == {"views": 2.0, "queue-views": 2.0}
