"""What a submitted array finds in the results folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from repro.errors import StoreError
from repro.run.slurm import orders
from repro.run.slurm.arrays import Array
from repro.store import Store
from tests.run.slurm.test_arrays import FIRST, PROBES, SECOND


def test_what_is_written_is_read(tmp_path: Path) -> None:
    folder = orders.write(
        Store(tmp_path),
        Array("probe", {0: (FIRST, SECOND), 7: (PROBES[0],)}, "afterany:3"),
        {"threads": 2},
        {SECOND.id: 1, "x": 5},
    )
    assert folder.parent == tmp_path / "slurm"
    assert orders.tasks(folder) == {0: [FIRST, SECOND], 7: [PROBES[0]]}
    assert orders.tasks(folder)[7][0].label == PROBES[0].label
    assert orders.means(folder) == {"kind": "probe", "after": "afterany:3", "threads": 2, "tries": {SECOND.id: 1}}
    assert orders.task(folder, 7) == [PROBES[0]]
    assert [(at, list(tasks)) for at, tasks in orders.listed(Store(tmp_path))] == [(folder, [0, 7])]


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


def test_tries_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "order.json").write_text('{"tries": {"a": "often"}}')
    with pytest.raises(StoreError) as raised:
        orders.means(tmp_path)
    assert str(raised.value) == f"{tmp_path}: expected the order of a submitted array, found none (tries)"


def test_a_task_that_is_not_there(tmp_path: Path) -> None:
    folder = orders.write(Store(tmp_path), Array("probe", {1: (FIRST,), 11: (SECOND,)}, ""), {}, {})
    assert orders.task(folder, 1) == [FIRST]
    with pytest.raises(StoreError) as raised:
        orders.task(folder, 2)
    assert str(raised.value) == f"{folder}: expected task 2 of a submitted array, found none ()"


def test_a_task_is_over_when_that_was_its_last_word(tmp_path: Path) -> None:
    path = orders.events(tmp_path, 3)
    assert not orders.is_over(tmp_path, 3)
    path.write_text('{"event": "begun"}\n{"event": "over"}\n')
    assert orders.is_over(tmp_path, 3)
    path.write_text(path.read_text() + '7\n{"event": "begun"}\n')  # requeued by the scheduler
    assert not orders.is_over(tmp_path, 3)


def test_a_folder_is_removed_whole_or_stays(tmp_path: Path) -> None:
    store = Store(tmp_path)
    folder = orders.write(store, Array("probe", {0: (FIRST,)}, ""), {}, {})
    orders.discard(folder)
    assert list(orders.root(store).iterdir()) == []
    orders.discard(folder)
    assert list(orders.listed(store)) == []
