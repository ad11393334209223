"""Which weight files are a row's: those its table names, those that say so, one for each run."""

from __future__ import annotations

from typing import Any

import pytest

from repro.spec import lists, load
from repro.spec.checkpoint import Checkpoint

TABLES = load.specs().tables


def _file(name: str, *serves: str, **more: Any) -> Checkpoint:
    known = {"url": "https://a", "hash_by": "none", "licence": "MIT", "layout": "torchvision", "source": "here"}
    return Checkpoint(name=name, serves=list(serves), **{**known, **more})


def _names(row: str, *files: Checkpoint) -> list[str]:
    return [each.name for each in lists.of_row(TABLES, row, {each.name: each for each in files})]


def test_files_come_in_the_order_of_their_runs() -> None:
    third, first = _file("c", "table1/byol", run=3), _file("a", "table1/byol")  # the first where nothing is said
    assert _names("table1/byol", third, first, _file("other", "table1/cmc")) == ["a", "c"]


def test_a_file_counts_for_every_row_of_its_network() -> None:
    of_figure, of_table = _file("f", "figure6/a0", run=2), _file("t", "table1/moco-k16384")
    for row in ("table1/moco-k16384", "figure6/a0", "figure3/a0"):
        assert lists.network(TABLES, row) == "table1/moco-k16384"
        assert _names(row, of_figure, of_table) == ["t", "f"]
    assert _names("figure6/a1", of_figure, of_table) == []


def test_a_file_that_a_table_names_need_not_say_which_row_it_serves() -> None:
    assert _names("table2/moco-v2", _file("moco-v2-200ep")) == ["moco-v2-200ep"]
    assert _names("figure2/moco-v2", _file("moco-v2-200ep")) == ["moco-v2-200ep"]


def test_the_later_of_two_for_one_run_counts() -> None:
    shipped, own = _file("moco-v2-200ep", "table2/moco-v2", run=1), _file("mine", "table2/moco-v2")
    assert _names("table2/moco-v2", shipped, own) == ["mine"]
    assert _names("table2/moco-v2", own, shipped) == ["moco-v2-200ep"]


@pytest.mark.parametrize("name", ["insdis", "cmc", "moco", "pirl", "moco-v2", "infomin-800ep"])
def test_each_encoder_of_pycontrast_has_its_classifier(name: str) -> None:
    known = {each.name: each for each in load.specs().checkpoints.checkpoints}
    encoder = known[f"pycontrast-{name}"]
    both = lists.with_classifiers([encoder, encoder], known)
    assert [each.name for each in both] == [encoder.name, f"pycontrast-{name.removesuffix('-800ep')}-classifier"]
    assert [each.layout for each in both] == ["pycontrast", "pycontrast-classifier"]


def test_the_infomin_network_of_200_epochs_has_none() -> None:
    known = {each.name: each for each in load.specs().checkpoints.checkpoints}
    assert known["pycontrast-infomin-200ep"].classifier is None
