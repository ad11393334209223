"""The shipped tables are those that others published."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from repro.reference import alexnet_errors, geirhos16


def test_the_sixteen_categories_hold_207_classes_none_of_them_twice() -> None:
    indices = [index for category in geirhos16().values() for index in category]
    assert len(geirhos16()) == 16
    assert len(indices) == len(set(indices)) == 207
    assert list(geirhos16()) == sorted(geirhos16())


def test_alexnet_has_five_severities_of_fifteen_corruptions() -> None:
    errors = alexnet_errors()
    assert {len(severities) for severities in errors.corruptions.values()} == {5}
    assert len(errors.corruptions) == 15
    assert errors.clean == 0.4348


def test_tables_equal_the_published_ones(shared: Path) -> None:
    categories = json.loads((shared / "reference" / "geirhos_16_classes.json").read_text())["categories"]
    assert geirhos16() == {name: tuple(entry["imagenet_indices"]) for name, entry in categories.items()}
    published = json.loads((shared / "reference" / "alexnet_errors.json").read_text())
    assert alexnet_errors().clean == published["clean_error"]
    for name, severities in alexnet_errors().corruptions.items():
        assert list(severities) == published["per_severity_error"][name]
        assert sum(severities) / 5 == pytest.approx(published["average_error"][name], abs=1e-9)
