"""Numbers that a profile is expected to give: judged as runs of our own, over the table, and told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from repro.errors import SpecError
from repro.judge import cases
from repro.judge.board import Board, assemble
from repro.judge.cells import Verdict
from repro.judge.expected import machines
from repro.plan.expand import Options, Plan, expand
from repro.render import expected as render
from repro.spec import load
from repro.spec.profile import Expected, Profile
from repro.store import Record, Store

SPECS = load.specs()
PLAIN = load.profile("mini").model_copy(update={"expected": {}})
ROWS = ("moco-k16384", "moco-k8192")
NUMBERS = {ROWS[0]: {"imagenet": "70.00 ± 1.00"}, ROWS[1]: {"imagenet": "72.00 ± 1.00"}}
MACHINE = {"processor": "8086", "cores": 2, "system": "Linux 6.1 x86_64", "python": "3.12", "packages": {"torch": "2"}}


def profile(numbers: Mapping[str, Mapping[str, str]] = NUMBERS) -> Profile:
    one = Expected(command="repro run table1", machine="a machine", seeds=[0, 1, 2, 3, 4], cells=dict(numbers))
    return PLAIN.model_copy(update={"expected": {"table1": one}})


def plan_of(means: Profile, **options: Any) -> Plan:
    asked = Options(**{"seeds": (0, 1, 2), "rows": ROWS, "columns": ("imagenet",), **options})
    return expand(SPECS.tables, SPECS.table("table1"), means, asked)


def board(folder: Path, values: Mapping[str, Sequence[float]], means: Profile, **options: Any) -> Board:
    store, plan = Store(folder), plan_of(means, **options)
    for row, found in values.items():
        for seed, value in enumerate(found):
            job = plan.jobs[plan.cells[row, "imagenet"][seed]]
            when = "2026-01-01T00:00:00+00:00"
            store.write(Record(job.id, job.content, job.label, {"top1": value}, {}, when, 1.0, 1.0, MACHINE))
    return assemble(SPECS.tables, plan, store)


def test_a_guard_is_a_prediction_interval_with_the_columns_deviation(tmp_path: Path) -> None:
    """Both deviations are 1, so the pooled one is 1 with 8 degrees of freedom; 3 new runs beside 5."""
    found = board(tmp_path, {ROWS[0]: (71.0, 72.0, 70.0)}, profile())
    guard = found.cells[ROWS[0], "imagenet"].guard
    assert guard is not None
    assert found.cells[ROWS[0], "imagenet"].verdict is Verdict.MEASURED
    error = (1 / 3 + 1 / 5 + 0.01**2 / 12) ** 0.5
    assert guard.judgement.difference_p == pytest.approx(2 * stats.t.sf(1.0 / error, 8), rel=1e-6)
    assert guard.judgement.interval == pytest.approx([70 + sign * stats.t.ppf(0.975, 8) * error for sign in (-1, 1)])
    assert not guard.differs
    assert found.outcome()[0] == 3  # the other row is not run


@pytest.mark.parametrize("values", [(64.0, 65.0, 66.0), (76.0, 75.0, 74.0)])
def test_numbers_that_moved_either_way_fail_a_check(tmp_path: Path, values: tuple[float, ...]) -> None:
    found = board(tmp_path, {ROWS[0]: values, ROWS[1]: (72.0, 71.5, 72.5)}, profile())
    assert found.findings()["unexpected"] == "1 cell is not as expected of mini"
    told = list(render.sentences(found))
    assert told[0] == "expected of mini from 5 seeds: 1 of 2 cells are as expected"
    assert told[1].startswith(f"{ROWS[0]}:imagenet is {values[1]:.2f}±1.00, expected 70.00±1.00 (p = ")
    states = {case.name: case for case in cases.cases(found) if case.group == "table1.cells"}
    assert states[f"{ROWS[0]}:imagenet"].state == "failed"
    assert "; not as expected: ours" in states[f"{ROWS[0]}:imagenet"].message
    assert states[f"{ROWS[1]}:imagenet"].state == "passed"


def test_what_one_cell_of_many_may_do_by_chance_is_no_fault(tmp_path: Path) -> None:
    """p is 0.04 alone and 0.08 as the smaller of two."""
    error = (1 / 3 + 1 / 5) ** 0.5
    shift = stats.t.isf(0.02, 8) * error
    values = {ROWS[0]: [70 + shift + each for each in (-1, 0, 1)], ROWS[1]: (72.0, 71.0, 73.0)}
    found = board(tmp_path, values, profile())
    guard = found.cells[ROWS[0], "imagenet"].guard
    assert guard is not None
    assert guard.judgement.difference_p == pytest.approx(0.04, abs=1e-4)
    assert guard.table_p == pytest.approx(0.08, abs=2e-4)
    assert not guard.differs


def test_what_is_not_whole_has_no_guard(tmp_path: Path) -> None:
    found = board(tmp_path, {ROWS[0]: (60.0,)}, profile())
    assert found.cells[ROWS[0], "imagenet"].verdict is Verdict.PARTIAL
    assert all(cell.guard is None for cell in found.cells.values())
    assert list(render.sentences(found)) == []


def test_a_cell_that_the_table_has_not_is_told(tmp_path: Path) -> None:
    numbers = {"moco-k1638": {"imagenet": "70.00 ± 1.00"}, ROWS[1]: {"imagnet": "70.00 ± 1.00"}}
    with pytest.raises(SpecError) as caught:
        board(tmp_path, {}, profile(numbers))
    assert caught.value.faults == [
        'expected/mini.toml, table1: no row "moco-k1638"; did you mean "moco-k16384"?',
        'expected/mini.toml, table1, row "moco-k8192": no column "imagnet"; did you mean "imagenet"?',
    ]


def test_the_numbers_are_part_of_the_rules(tmp_path: Path) -> None:
    values = {ROWS[0]: (70.0, 71.0, 69.0)}
    stamps = {board(tmp_path, values, means).rules.stamp for means in (PLAIN, profile(), profile({}))}
    assert len(stamps) == 3


def test_a_table_is_written_as_it_is_read(tmp_path: Path) -> None:
    found = board(tmp_path, {ROWS[0]: (70.0, 71.0, 72.5), ROWS[1]: (60.0,)}, PLAIN)
    text = render.toml(found, command="repro run table1", machines=machines(plan_of(PLAIN), Store(tmp_path)))
    assert text.splitlines()[1:] == [
        "[tables.table1]",
        'command = "repro run table1"',
        'machine = "8086, 2 cores, Linux x86_64, Python 3.12, torch 2"',
        "seeds   = [0, 1, 2]",
        "[tables.table1.cells]",
        'moco-k16384 = { imagenet = "71.17 ± 1.26" }',
    ]


def test_the_shipped_numbers_are_of_five_seeds_and_of_cells_there_are() -> None:
    mini = load.profile("mini")
    assert "table1" in mini.expected
    for name, one in mini.expected.items():
        assert len(one.seeds) >= 5
        assert one.command == f"repro run {name} --seeds {','.join(map(str, one.seeds))}"
        table = SPECS.table(name)
        assert one.cells.keys() <= {row.id for row in table.rows}
        assert all(cells.keys() <= {column.id for column in table.columns} for cells in one.cells.values())


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            "seeds   = [0, 1, 2, 3, 4]",
            "seeds   = [0, 1, 2]",
            "List should have at least 5 items after validation, not 3",
        ),
        ("seeds   = [0, 1, 2, 3, 4]", "seeds   = [0, 1, 2, 3, 3]", "expected seeds that differ, found 0, 1, 2, 3, 3"),
        ("70.00 ± 1.00", "70.00", 'expected a mean and its deviation, such as "69.83 ± 3.29", found "70.00"'),
        ("70.00 ± 1.00", "many", 'expected a printed number such as "77.88 ± 0.28" or "87.7", found "many"'),
    ],
)
def test_a_fault_of_the_file_is_told(
    old: str, new: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "expected").mkdir()
    text = (load.home.shipped() / "profiles" / "mini.toml").read_text(encoding="utf-8")
    (tmp_path / "mini.toml").write_text(text, encoding="utf-8")
    file = tmp_path / "expected" / "mini.toml"
    whole = (
        'schema = 1\n[tables.table1]\ncommand = "c"\nmachine = "m"\nseeds   = [0, 1, 2, 3, 4]\n'
        '[tables.table1.cells]\nmoco-k16384 = { imagenet = "70.00 ± 1.00" }\n'
    )
    file.write_text(whole, encoding="utf-8")
    assert load.profile(str(tmp_path / "mini.toml")).expected["table1"].seeds == [0, 1, 2, 3, 4]
    file.write_text(whole.replace(old, new), encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        load.profile(str(tmp_path / "mini.toml"))
    assert any(sentence in fault for fault in caught.value.faults), caught.value.faults
