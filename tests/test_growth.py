"""Large grids: the work of planning and judging grows with the number of jobs and no faster; counted, never timed."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from repro.judge import board, claims, measured, provenance
from repro.judge import policy as policies
from repro.judge.matching import matched, side
from repro.judge.printed import Printed
from repro.plan import code
from repro.plan.cost import by_row, stated, tariff
from repro.plan.expand import Options, Plan, expand
from repro.plan.needs import needs
from repro.render import documents
from repro.run.backlog import Backlog
from repro.spec import load, recipes
from repro.spec.model import Claim, Row, Table, Value
from repro.spec.profile import Expected, Profile
from repro.store import Record, Store

SPECS = load.specs()
MINI = load.profile("mini").model_copy(update={"expected": {}})
TABLE = SPECS.table("table1")
EACH, SETS = 7, 6  # jobs of a row with one seed: a network, a probe, five evaluations; data sets of the whole
LINEAR = 2.15  # of twice the jobs, as a ratio of work; a loop over all jobs for each job would make it 4

IDS = {  # as they were before any of this was made fast, the version of the code put as "c"
    "data imagenet-100/train": "c3aebfb22c2f20dab336f8477f314518",
    "pretrain moco-k16384, seed 0": "c97a30dc5d34b2e93d540690c98e05a4",
    "data imagenet-100-texture/train": "e0125312d02a083a58df51942fdd28c0",
    "evaluate imagenet-c of supervised, seed 0": "772e6e3ef3aab5c4342659a4f8fea9e7",
    "evaluate imagenet-r of moco-k8192-patch-a2, seed 1": "b56cdd4ce5b08ce33211c4ea40e408c8",
    "probe byol, seed 1": "2968fffea2c0605ef635883714069eaa",
    "pretrain moco-k16384-patch-a2, seed 2": "95cb7c3fb5c403bd469aad63d5a4a24c",
}


def table(rows: int) -> Table:
    """Table 1 with as many rows over queue and alpha, and a claim that looks along all of them."""
    names = [f"k{1024 * (1 + i // 10)}-a{i % 10}" for i in range(rows)]
    test = {"kind": "monotone", "rows": names, "columns": ["imagenet"], "trend": "falling"}
    told = {"id": "G1", "section": "3", "quote": "q", "statement": "s", "of_paper": False, "note": "n", "test": test}
    grid = [_row(name, 1024 * (1 + i // 10), float(i % 10)) for i, name in enumerate(names)]
    return TABLE.model_copy(update={"id": "grid", "rows": grid, "claims": [Claim.model_validate(told)]})


def expecting(rows: int) -> Profile:
    """The profile `mini`, which expects a number in every cell of as many rows."""
    cells = {row.id: {column.id: "52.00 ± 1.00" for column in TABLE.columns} for row in table(rows).rows}
    one = Expected(command="repro run grid", machine="a machine", seeds=[0, 1, 2, 3, 4], cells=cells)
    return MINI.model_copy(update={"expected": {"grid": one}})


def compared(plan: Plan) -> Plan:
    """The plan with a reported number in every cell, which is judged."""
    numbers = {column.id: "52.0 ± 1.0" for column in TABLE.columns}
    rows = [row.model_copy(update={"runs": 3, "reported": numbers}) for row in plan.rows]
    grid = plan.table.model_copy(update={"rows": rows})
    return replace(plan, table=grid, rows=rows, profile=MINI.model_copy(update={"judges": "cells"}))


def handed_out(plan: Plan) -> Callable[[], None]:
    """To go through all jobs of a plan as an executor with one worker does, each of them done at once."""
    waiting, done = Backlog(plan.jobs), list[str]()

    def work() -> None:
        at_work: list[str] = []
        while waiting:
            waiting.look(at_work, gone=lambda job: False, is_later=lambda job: False, is_alone=lambda job: False)
            at_work = [job.id for job in waiting.ready.take(at_work=[], workers=1)]
            for job in at_work:
                del waiting[job]
            done.extend(at_work)
        assert sorted(done) == sorted(plan.jobs)

    return work


def _row(name: str, queue: int, alpha: float) -> Row:
    recipe = {
        "method": {"queue": Value(value=queue, choice="a grid")},
        "negatives": {"alpha": Value(value=alpha, choice="a grid")},
    }
    return Row(id=name, label=name, runs=0, recipe=recipe)


def planned(rows: int, seeds: int) -> Plan:
    grid = table(rows)
    return expand({**SPECS.tables, "grid": grid}, grid, MINI, Options(seeds=range(seeds)))


def filled(folder: Path, plan: Plan, patch: pytest.MonkeyPatch) -> Store:
    """A store with a record of every job."""
    store = Store(folder)
    store.prepare()
    patch.setattr(os, "fsync", lambda handle: None)  # thousands of waits for the disk
    for number, job in enumerate(plan.jobs.values()):
        values = {"top1": 50.0 + number % 7, "mean_accuracy": 40.0 + number % 5, "digest": job.id}
        store.write(Record(job.id, job.content, job.label, values, {}, "2026-01-01T00:00:00+00:00", 1.0, 1.0, {}))
    return store


def lines(work: Callable[[], object]) -> int:
    """How many lines of Python some work goes through, each turn of a comprehension counted."""
    count = 0

    def line(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        count += event == "line"
        return line

    before = sys.gettrace()
    sys.settrace(line)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """How often each record is read."""
    found: Counter[str] = Counter()
    read = Store.read

    def counted(store: Store, job: str, content: Mapping[str, Any] | None = None) -> Record | None:
        found[job] += 1
        return read(store, job, content)

    monkeypatch.setattr(Store, "read", counted)
    return found


def test_ids_of_jobs_are_what_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "version", lambda entries: "c")
    plan = expand(SPECS.tables, TABLE, load.profile("mini"), Options(seeds=[0, 1, 2]))
    assert {job.label: job.id for job in plan.jobs.values() if job.label in IDS} == IDS


def test_a_recipe_is_worked_out_once_for_all_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: Counter[str] = Counter()
    resolve = recipes.resolve
    monkeypatch.setattr(recipes, "resolve", lambda *given: (asked.update([given[2].id]), resolve(*given))[1])
    plan = planned(6, 20)
    assert len(plan.jobs) == 6 * 20 * EACH + SETS
    assert asked == {row.id: 1 for row in plan.rows}


@pytest.mark.parametrize(("rows", "seeds"), [(20, 8), (10, 16)])
def test_twice_the_rows_or_seeds_is_twice_the_work(
    rows: int, seeds: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned(2, 1)  # what is looked up once in a process

    def work(rows: int, seeds: int) -> dict[str, int]:
        plan = planned(rows, seeds)
        absent, store = Store(tmp_path / "absent"), filled(tmp_path / f"{rows}-{seeds}", plan, monkeypatch)
        todo, done = needs(plan, absent), needs(plan, store)
        assert (len(todo.todo), len(done.reused)) == (len(plan.jobs), len(plan.jobs))
        tables, judged = {**SPECS.tables, "grid": plan.table}, replace(plan, profile=expecting(rows))
        shown = board.assemble(tables, judged, store)
        assert sum(cell.guard is not None for cell in shown.cells.values()) == len(shown.cells) == rows * 5
        sides = side(f"{store.root}:k1024-a0"), side(f"{store.root}:k1024-a1")
        return {
            "expand": lines(lambda: planned(rows, seeds)),
            "needs, nothing done": lines(lambda: needs(plan, absent)),
            "needs, all done": lines(lambda: needs(plan, store)),
            "costs": lines(lambda: by_row(plan, todo, stated(MINI))),
            "judge": lines(lambda: board.assemble(tables, plan, store)),
            "judge what was read": lines(lambda: board.assemble(tables, plan, store, known=done.values)),
            "judge beside what is expected": lines(lambda: board.assemble(tables, judged, store, known=done.values)),
            "judge beside the paper": lines(lambda: board.assemble(tables, compared(plan), store, known=done.values)),
            "export": lines(lambda: documents.check(shown, 0, "")),
            "hand out": lines(handed_out(plan)),
            "trace": lines(lambda: provenance.trace(tables, plan, store)),
            "pair rows": lines(lambda: matched(*sides)),
            "pair folders": lines(lambda: matched(side(str(store.root)), side(str(store.root)))),
        }

    half, whole = work(10, 8), work(rows, seeds)
    assert {name: whole[name] / half[name] for name in half if whole[name] > LINEAR * half[name]} == {}


def test_a_claim_along_twice_the_rows_is_twice_the_work() -> None:
    numbers = {column.id: "52.0 ± 1.0" for column in TABLE.columns}

    def work(rows: int) -> int:
        grid = table(rows)
        printed = [row.model_copy(update={"runs": 3, "reported": numbers}) for row in grid.rows]
        book = Printed({"grid": grid.model_copy(update={"rows": printed})})
        found = claims.read_paper(grid.claims[0], book, table="grid", policy=policies.STANDARD)
        assert len(found.findings) == rows - 1
        return lines(lambda: claims.read_paper(grid.claims[0], book, table="grid", policy=policies.STANDARD))

    assert work(120) < LINEAR * work(60)


def test_each_record_is_read_once_by_each_who_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reads: Counter[str]
) -> None:
    plan = planned(6, 4)
    store = filled(tmp_path, plan, monkeypatch)
    found = needs(plan, store)
    assert reads == dict.fromkeys(plan.jobs, 1)
    reads.clear()
    tables = {**SPECS.tables, "grid": plan.table}
    assert tariff(plan, found).rates["pretrain"].why == f"measured: {6 * 4} records of this plan"
    told = board.assemble(tables, plan, store, known=found.values)
    assert reads == {}
    read = board.assemble(tables, plan, store)
    assert reads == {name: 1 for name, job in plan.jobs.items() if job.kind == "evaluate"}
    assert [cell.seeds for cell in told.cells.values()] == [cell.seeds for cell in read.cells.values()]
    assert told == read
    reads.clear()
    pairs = matched(side(f"{tmp_path}:k1024-a0"), side(f"{tmp_path}:k1024-a1"))
    assert len(pairs) == 5 * 4
    assert reads == {name: 1 + (job.kind == "data" and "train" not in job.label) for name, job in plan.jobs.items()}


def test_the_deviations_of_a_column_are_gathered_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = planned(12, 3)
    store = filled(tmp_path, plan, monkeypatch)
    calls, summarise = Counter[str](), measured.summarise
    monkeypatch.setattr(measured, "summarise", lambda values: (calls.update(["summarise"]), summarise(values))[1])
    judged = board.assemble({**SPECS.tables, "grid": plan.table}, plan, store)
    assert len(judged.claims[0].ours.findings) == 11
    assert calls["summarise"] == 12 + 2 * 11  # each row's once for the column, and both sides of each contrast


def test_no_folder_holds_more_than_its_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = planned(10, 20)
    store = filled(tmp_path, plan, monkeypatch)
    held = [len(list(part.iterdir())) for part in tmp_path.iterdir() if part.is_dir()]
    assert sum(held) == len(plan.jobs) == 10 * 20 * EACH + SETS
    assert len(held) <= 256
    assert max(held) < 25  # 5.5 on average
    assert store.jobs() == sorted(plan.jobs)
