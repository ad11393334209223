"""The rules of judging are kept with the results, and a change that comes after results is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from repro.errors import StoreError
from repro.judge import rules
from repro.judge.policy import STANDARD
from repro.plan.expand import Options, Plan, expand
from repro.spec import load
from repro.store import Record, Store

SPECS = load.specs()
LOOSE = replace(STANDARD, level=0.2)


def plan(*, margin: float | None = None) -> Plan:
    table = SPECS.table("table1")
    if margin is not None:
        columns = [
            column.model_copy(update={"margin": column.margin.model_copy(update={"value": margin})})
            if column.id == "imagenet" and column.margin
            else column
            for column in table.columns
        ]
        table = table.model_copy(update={"columns": columns})
    options = Options(seeds=[0], rows=["moco-k16384"], columns=["imagenet"])
    return expand({**SPECS.tables, "table1": table}, table, load.profile("mini"), options)


def measure(asked: Plan, store: Store) -> None:
    job = asked.jobs[asked.cells["moco-k16384", "imagenet"][0]]
    store.write(Record(job.id, job.content, job.label, {"top1": 70.0}, {}, "2026-01-01T00:00:00+00:00", 1.0, 1.0, {}))


def test_rules_that_stay_are_noted_once_and_nothing_is_told(tmp_path: Path) -> None:
    store = Store(tmp_path)
    rules.note(plan(), store)
    measure(plan(), store)
    rules.note(plan(), store)
    assert len(store.rules("table1-mini")) == 1
    found = rules.read(plan(), store)
    assert found.changed == ()
    assert found.stamp == store.rules("table1-mini")[0]["stamp"]
    assert found.content["margins"]["imagenet"] == 0.735
    assert found.content["policy"]["level"] == 0.05


def test_a_change_before_there_are_results_is_no_matter(tmp_path: Path) -> None:
    store = Store(tmp_path)
    rules.note(plan(), store)
    assert rules.read(plan(margin=2.0), store).changed == ()
    rules.note(plan(margin=2.0), store)
    measure(plan(), store)
    assert rules.read(plan(margin=2.0), store).changed == ()


def test_a_change_after_results_is_told_at_once_and_ever_after(tmp_path: Path) -> None:
    store = Store(tmp_path)
    rules.note(plan(), store)
    measure(plan(), store)
    assert rules.read(plan(margin=2.0), store).changed == ("margins.imagenet was 0.735 and is 2.0 (now)",)
    assert rules.read(plan(), store, policy=LOOSE).changed == ("policy.level was 0.05 and is 0.2 (now)",)
    rules.note(plan(margin=2.0), store)
    day = store.rules("table1-mini")[-1]["noted"][:10]
    assert rules.read(plan(margin=2.0), store).changed == (f"margins.imagenet was 0.735 and is 2.0 ({day})",)
    rules.note(plan(), store)
    assert rules.read(plan(), store).changed == (
        f"margins.imagenet was 0.735 and is 2.0 ({day})",
        f"margins.imagenet was 2.0 and is 0.735 ({day})",
    )


def test_other_rules_have_another_stamp(tmp_path: Path) -> None:
    store = Store(tmp_path)
    stamps = {
        rules.read(plan(), store).stamp,
        rules.read(plan(margin=2.0), store).stamp,
        rules.read(plan(), store, policy=LOOSE).stamp,
    }
    assert len(stamps) == 3


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/table1-mini.json").write_text("[{]")
    with pytest.raises(StoreError) as caught:
        rules.read(plan(), Store(tmp_path))
    words = f"{tmp_path}/rules/table1-mini.json: expected the rules that results were begun under, found what cannot be"
    assert str(caught.value).startswith(f"{words} read (")
    assert "delete it" in str(caught.value)
