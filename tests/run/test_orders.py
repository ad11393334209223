"""What a submitted array finds in the results folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from repro.errors import StoreError
from repro.run import orders
from repro.run.arrays import Array
from repro.store import Store
from tests.run.test_arrays import FIRST, PROBES, SECOND


def test_what_is_written_is_read(tmp_path: Path) -> None:
    folder = orders.write(
        Store(tmp_path), Array("probe", {0: (FIRST, SECOND), 7: (PROBES[0],)}, "afterany:3"), {"threads": 2}
    )
    assert folder.parent == tmp_path / "slurm"
    assert orders.tasks(folder) == {0: [FIRST, SECOND], 7: [PROBES[0]]}
    assert orders.tasks(folder)[7][0].label == PROBES[0].label
    assert orders.means(folder) == {"kind": "probe", "after": "afterany:3", "threads": 2}


def test_an_order_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as raised:
        orders.means(tmp_path / "x")
    assert str(raised.value) == (
        f"{tmp_path}/x: expected the order of a submitted array, found none "
        f"([Errno 2] No such file or directory: '{tmp_path}/x/order.json')"
    )


def test_tasks_that_are_cut(tmp_path: Path) -> None:
    (tmp_path / "tasks.jsonl").write_text('{"jobs": []}\n')
    with pytest.raises(StoreError) as raised:
        orders.tasks(tmp_path)
    assert str(raised.value) == f"{tmp_path}: expected the tasks of a submitted array, found none ('task')"


def test_what_is_told_is_read_on_and_half_a_line_waits(tmp_path: Path) -> None:
    told = orders.Told(tmp_path / "events-0.jsonl")
    assert list(told.read()) == []
    told.path.write_text(json.dumps({"event": "begun"}) + "\ncut by a death\n" + '{"event": "mo')
    assert list(told.read()) == [{"event": "begun"}]
    with told.path.open("a") as stream:
        stream.write('ved"}\n')
    assert list(told.read()) == [{"event": "moved"}]


def test_a_cancelled_array_says_so(tmp_path: Path) -> None:
    assert not orders.is_cancelled(tmp_path)
    orders.cancel(tmp_path)
    assert orders.is_cancelled(tmp_path)
