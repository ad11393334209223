"""Every fault at its usual size: each trial is survived. At length, with a table: `python -m tests.faults`."""

from __future__ import annotations

import pytest

from tests.faults import __main__ as command
from tests.faults import trials
from tests.faults.trials import Trial
from tests.faults.world import World

FAMILIES = [pytest.param(name, marks=pytest.mark.slow if name in trials.SLOW else ()) for name in trials.names()]


@pytest.mark.parametrize("name", FAMILIES)
def test_every_trial_is_survived(name: str, world: World) -> None:
    family = trials.family(name)
    reason = family.skipped()
    if reason:
        pytest.skip(reason)
    found = list(family.trials(world, times=family.USUAL, seed=0))
    assert [trial for trial in found if not trial.survived] == []
    assert len(found) == family.USUAL


def test_the_table_counts_each_fault() -> None:
    found = [Trial("one", True), Trial("other", True), Trial("one", False, "why")]
    shown = command.table(found)
    assert [list(column.cells) for column in shown.columns] == [
        ["one", "other", "all"],
        ["2", "1", "3"],
        ["1", "1", "2"],
        ["1", "0", "1"],
    ]
