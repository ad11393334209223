"""A table judged from a store: worked cases of three seeds, every state a cell can be in, and the exit codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from repro.judge.board import Board, assemble
from repro.judge.cells import Flag, Verdict
from repro.plan.expand import Options, Plan, expand
from repro.spec import load
from repro.spec.profile import Profile
from repro.store import Record, Store

SPECS = load.specs()
MINI = load.profile("mini").model_copy(update={"expected": {}})  # made-up numbers are not what is expected
CELLS = Profile.model_validate({**MINI.model_dump(by_alias=True), "id": "cells", "judges": "cells"})
ROW = "moco-k16384"


def _plan(
    profile: Profile, seeds: Sequence[int] = (0, 1, 2), limit: int | None = None, rows: Sequence[str] = (ROW,)
) -> Plan:
    return expand(SPECS.tables, SPECS.table("table1"), profile, Options(seeds=seeds, rows=rows, limit=limit))


def _measure(
    store: Store, plan: Plan, column: str, values: Mapping[int, float], metric: str = "top1", row: str = ROW
) -> None:
    """Put results into the store as a worker would."""
    for seed, value in values.items():
        job = plan.jobs[plan.cells[row, column][seed]]
        store.write(
            Record(job.id, job.content, job.label, {metric: value}, {}, "2026-01-01T00:00:00+00:00", 1.0, 1.0, {})
        )


def _board(store: Store, plan: Plan) -> Board:
    return assemble(SPECS.tables, plan, store)


@pytest.mark.parametrize(
    ("values", "verdict", "literal"),
    [
        ((77.61, 77.95, 78.10), Verdict.REPRODUCED, True),
        ((77.05, 77.30, 77.42), Verdict.DIFFERS, False),
        ((75.9, 76.2, 76.4), Verdict.DIFFERS, False),
        ((76.2, 77.9, 79.0), Verdict.INCONCLUSIVE, True),
        ((78.9, 79.1, 79.2), Verdict.EXCEEDS, False),
    ],
)
def test_the_worked_cases_of_three_seeds(
    tmp_path: Path, values: tuple[float, ...], verdict: Verdict, literal: bool
) -> None:
    """Cases A to E of the tolerance rules, against the reported 77.88 ± 0.28."""
    store, plan = Store(tmp_path), _plan(CELLS)
    _measure(store, plan, "imagenet", dict(enumerate(values)))
    cell = _board(store, plan).cells[ROW, "imagenet"]
    assert cell.verdict is verdict
    assert cell.judgement is not None
    assert cell.judgement.literal is literal


@pytest.mark.parametrize(
    ("values", "is_alone"),
    [((77.05, 77.30, 77.42), True), ((75.9, 76.2, 76.4), False)],  # cases B, p = 0.012, and C, p < 0.0001
)
def test_a_difference_is_also_read_as_one_of_the_tables(
    tmp_path: Path, values: tuple[float, ...], is_alone: bool
) -> None:
    store, plan = Store(tmp_path), _plan(CELLS)
    _measure(store, plan, "imagenet", dict(enumerate(values)))
    _measure(store, plan, "imagenet-c", {0: 43.0, 1: 43.1, 2: 43.14}, metric="mean_accuracy")
    for column, mean in (("imagenet-s", 28.24), ("stylized-imagenet", 16.2), ("imagenet-r", 32.92)):
        _measure(store, plan, column, {0: mean - 0.1, 1: mean, 2: mean + 0.1})
    cells = _board(store, plan).cells
    cell = cells[ROW, "imagenet"]
    assert cell.verdict is Verdict.DIFFERS
    assert (Flag.ALONE in cell.flags) is is_alone
    assert cell.judgement is not None
    assert cell.judgement.difference_p is not None
    assert cell.table_p == pytest.approx(5 * cell.judgement.difference_p)  # the smallest of five
    rest = [other for (row, column), other in cells.items() if row == ROW and column != "imagenet"]
    assert len(rest) == 4
    assert all(other.table_p == 1.0 and Flag.ALONE not in other.flags for other in rest)


def test_one_of_three_seeds_is_partial_and_says_so(tmp_path: Path) -> None:
    store, plan = Store(tmp_path), _plan(CELLS)
    _measure(store, plan, "imagenet", {1: 77.9})
    cell = _board(store, plan).cells[ROW, "imagenet"]
    assert (cell.verdict, cell.reason, cell.seeds) == (Verdict.PARTIAL, "1 of 3 seeds; the rest not run", {1: 77.9})


@pytest.mark.parametrize(("value", "shown"), [(1e200, "1e+200"), (True, "True"), ("77", "77"), (None, "None")])
def test_what_is_no_measurement_is_told(tmp_path: Path, value: Any, shown: str) -> None:
    store, plan = Store(tmp_path), _plan(CELLS)
    _measure(store, plan, "imagenet", {0: value, 1: value, 2: value})
    cell = _board(store, plan).cells[ROW, "imagenet"]
    reason = f"seed 2: expected a number for top1 in its record, found {shown}"
    assert (cell.verdict, cell.reason, cell.seeds) == (Verdict.FAILED, reason, {})


def test_a_limited_result_is_partial_and_does_not_count_for_the_whole(tmp_path: Path) -> None:
    store, part = Store(tmp_path), _plan(CELLS, limit=100)
    _measure(store, part, "imagenet", {0: 77.9, 1: 77.8, 2: 78.0})
    cell = _board(store, part).cells[ROW, "imagenet"]
    assert (cell.verdict, cell.reason) == (Verdict.PARTIAL, "at most 100 images of each set")
    assert _board(store, _plan(CELLS)).cells[ROW, "imagenet"].verdict is Verdict.NOT_RUN


def test_a_failed_input_fails_the_cell_with_its_log(tmp_path: Path) -> None:
    store, plan = Store(tmp_path), _plan(CELLS, seeds=[0])
    pretrain = next(job for job in plan.jobs.values() if job.kind == "pretrain")
    store.fail(pretrain.id, "loss is nan at step 3")
    cell = _board(store, plan).cells[ROW, "imagenet"]
    assert (cell.verdict, cell.reason) == (Verdict.FAILED, f"loss is nan at step 3 (log: {store.log(pretrain.id)})")


def test_a_suspect_cell_keeps_its_numbers_and_gets_no_verdict(tmp_path: Path) -> None:
    store, plan = Store(tmp_path), _plan(CELLS, rows=["moco-star"])
    _measure(store, plan, "imagenet-r", {0: 34.0, 1: 34.5, 2: 34.2}, row="moco-star")
    cell = _board(store, plan).cells["moco-star", "imagenet-r"]
    assert cell.verdict is Verdict.SUSPECT
    assert cell.judgement is not None
    assert cell.seeds == {0: 34.0, 1: 34.5, 2: 34.2}


def test_a_small_profile_is_measured_and_never_judged_cell_by_cell(tmp_path: Path) -> None:
    store, plan = Store(tmp_path), _plan(MINI)
    _measure(store, plan, "imagenet", {0: 77.88, 1: 77.88, 2: 77.88})
    cell = _board(store, plan).cells[ROW, "imagenet"]
    assert (cell.verdict, cell.judgement) == (Verdict.MEASURED, None)


def _all_columns(store: Store, plan: Plan, values: Mapping[str, Sequence[float]]) -> None:
    for column in plan.columns:
        for row, numbers in values.items():
            _measure(store, plan, column.id, dict(enumerate(numbers)), column.metric, row)


def test_the_exit_codes_of_a_check(tmp_path: Path) -> None:
    rows = [ROW, "moco-k16384-patch-a2"]
    plan = _plan(MINI, rows=rows)
    assert _board(Store(tmp_path / "empty"), plan).outcome()[0] == 3
    better, worse = Store(tmp_path / "better"), Store(tmp_path / "worse")
    _all_columns(better, plan, {rows[0]: (50.0, 50.3, 49.8), rows[1]: (55.0, 55.4, 54.9)})
    _all_columns(worse, plan, {rows[0]: (50.0, 50.3, 49.8), rows[1]: (45.0, 45.4, 44.9)})
    assert _board(better, plan).outcome() == (0, "no cell differs and no claim is contradicted")
    code, reason = _board(worse, plan).outcome()
    assert code == 1
    assert "C02" in reason
    paper = expand(SPECS.tables, SPECS.table("table1"), load.profile("paper"), Options(seeds=[0]))
    assert _board(Store(tmp_path / "empty"), paper).outcome()[0] == 4


def test_a_claim_with_its_evidence_is_supported_and_rests_on_named_cells(tmp_path: Path) -> None:
    rows = [ROW, "moco-k16384-patch-a2"]
    store, plan = Store(tmp_path), _plan(MINI, rows=rows)
    _all_columns(store, plan, {rows[0]: (50.0, 50.3, 49.8), rows[1]: (55.0, 55.4, 54.9)})
    reading = next(reading for reading in _board(store, plan).claims if reading.claim.id == "C02")
    assert str(reading.ours.verdict) == "supported"
    assert f"table1/{ROW}:imagenet-c" in reading.ours.cells
