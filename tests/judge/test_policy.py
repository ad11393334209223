"""A profile may change the rules of judging: the same results under three of them, and the change is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from repro.errors import SpecError
from repro.judge import rules
from repro.judge.board import assemble
from repro.judge.cells import Verdict
from repro.judge.policy import STANDARD, of
from repro.plan.expand import Options, Plan, expand
from repro.spec import load
from repro.spec.profile import Profile
from repro.store import Record, Store
from tests.conftest import CHECKOUT

SPECS = load.specs()
MINI = load.profile("mini")
ROW = "moco-k16384"
CASES = {  # of the tolerance rules, reported 77.88 ± 0.28: by the deviation of the column, and by the cell's own
    "A": ((77.61, 77.95, 78.10), Verdict.REPRODUCED, Verdict.REPRODUCED),
    "B": ((77.05, 77.30, 77.42), Verdict.DIFFERS, Verdict.INCONCLUSIVE),
    "C": ((75.9, 76.2, 76.4), Verdict.DIFFERS, Verdict.DIFFERS),
    "D": ((76.2, 77.9, 79.0), Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE),
    "E": ((78.9, 79.1, 79.2), Verdict.EXCEEDS, Verdict.EXCEEDS),
}


def profile(**policy: Any) -> Profile:
    changed = {"policy": {"why": "a test", **policy}} if policy else {}
    return Profile.model_validate({**MINI.model_dump(by_alias=True), "id": "cells", "judges": "cells", **changed})


def plan_of(means: Profile) -> Plan:
    options = Options(seeds=(0, 1, 2), rows=(ROW,), columns=("imagenet",))
    return expand(SPECS.tables, SPECS.table("table1"), means, options)


def measured(folder: Path, values: tuple[float, ...]) -> Store:
    store, plan = Store(folder), plan_of(profile())
    for seed, value in enumerate(values):
        job = plan.jobs[plan.cells[ROW, "imagenet"][seed]]
        store.write(Record(job.id, job.content, job.label, {"top1": value}, {}, "2026-01-01T00:00:00+00:00", 1, 1, {}))
    return store


@pytest.mark.parametrize("case", CASES)
def test_the_same_results_under_three_policies(case: str, tmp_path: Path) -> None:
    values, pooled, own = CASES[case]
    store = measured(tmp_path, values)
    for policy, expected in (({}, pooled), ({"noise": "own", "ddof": 1}, own)):
        board = assemble(SPECS.tables, plan_of(profile(**policy)), store)
        assert board.cells[ROW, "imagenet"].verdict is expected
    strict = assemble(SPECS.tables, plan_of(profile(level=0.001)), store).cells[ROW, "imagenet"].verdict
    assert strict is {"C": Verdict.DIFFERS, "E": Verdict.EXCEEDS}.get(case, Verdict.INCONCLUSIVE)


def test_what_a_profile_leaves_out_is_standard() -> None:
    assert of(profile()) == STANDARD
    changed = of(profile(level=0.01, noise="own"))
    assert (changed.level, changed.noise, changed.gate) == (0.01, "own", STANDARD.gate)


def test_a_policy_that_changed_after_results_is_told(tmp_path: Path) -> None:
    store = measured(tmp_path, (77.61, 77.95, 78.10))
    rules.note(plan_of(profile()), store)
    told = assemble(SPECS.tables, plan_of(profile(level=0.2)), store).rules
    assert told.changed == ("policy.level was 0.05 and is 0.2 (now)",)
    assert told.stamp != assemble(SPECS.tables, plan_of(profile()), store).rules.stamp


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("level = 0.7", "policy.level: expected less than 0.5, found 0.7"),
        ("nois = 'own'", 'policy: unknown key "nois"; expected one of band, ddof, gate, level, most_seeds, noise, '),
        ("noise = 'mine'", "policy.noise: expected 'pooled' or 'own', found 'mine'"),
    ],
)
def test_a_fault_of_a_policy_is_told(line: str, sentence: str, tmp_path: Path) -> None:
    text = (CHECKOUT / "profiles" / "mini.toml").read_text(encoding="utf-8")
    (tmp_path / "mini.toml").write_text(f"{text}\n[policy]\nwhy = 'a test'\n{line}\n", encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        load.profile(str(tmp_path / "mini.toml"))
    assert any(sentence in fault for fault in caught.value.faults), caught.value.faults
