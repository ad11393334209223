"""Learning rates against the official formula, orders, precision, seeds."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import nn

from repro.lab import training
from repro.lab.seeds import derive, generator


def recipe(**changes: Any) -> training.Recipe:
    values: dict[str, Any] = {
        "batch": 4,
        "epochs": 200,
        "warmup_epochs": 0.0,
        "schedule": "cosine per epoch",
        "drops": (),
        "drop_factor": 1.0,
        "precision": "fp32",
        "compile": False,
        "threads": 0,
    }
    return training.Recipe(**{**values, **changes})


def test_cosine_per_epoch_is_the_official_one() -> None:
    schedule = training.Schedule(recipe(), 0.03, 20, seed=0)
    assert (schedule.epoch_steps, schedule.steps) == (5, 1000)
    for epoch in range(200):
        expected = 0.03 * 0.5 * (1.0 + math.cos(math.pi * epoch / 200))
        for step in range(5 * epoch, 5 * epoch + 5):
            assert schedule.learning_rate(step) == pytest.approx(expected, rel=1e-12)


def test_cosine_per_step_warms_up_and_ends_near_zero() -> None:
    schedule = training.Schedule(recipe(schedule="cosine per step", warmup_epochs=2.0, epochs=20), 0.03, 20, seed=0)
    rates = [schedule.learning_rate(step) for step in range(100)]
    assert rates[:10] == pytest.approx([0.003 * (step + 1) for step in range(10)])
    assert rates[10] == 0.03
    assert rates[55] == pytest.approx(0.015)
    assert all(a > b for a, b in pairwise(rates[10:]))
    assert 0 < rates[-1] < 1e-4 * 0.15


def test_each_epoch_shows_each_image_at_most_once_in_an_order_of_its_own() -> None:
    schedule = training.Schedule(recipe(epochs=3), 0.03, 22, seed=0)
    epochs = [torch.cat([schedule.batch(5 * epoch + place) for place in range(5)]) for epoch in range(3)]
    for order in epochs:
        assert len(set(order.tolist())) == 20  # two are left out
        assert 0 <= int(order.min()) <= int(order.max()) < 22
    assert not torch.equal(epochs[0], epochs[1])
    assert len(set(torch.cat(epochs).tolist())) == 22  # not always the same two
    again = training.Schedule(recipe(epochs=3), 0.03, 22, seed=0)
    assert torch.equal(again.batch(7), schedule.batch(7))
    assert not torch.equal(training.Schedule(recipe(epochs=3), 0.03, 22, seed=1).batch(7), schedule.batch(7))


def test_rate_drops_by_steps() -> None:
    schedule = training.Schedule(recipe(schedule="step", drops=(2, 5), drop_factor=0.1, epochs=6), 0.03, 20, seed=0)
    rates = [schedule.learning_rate(5 * epoch + place) for epoch in range(6) for place in (0, 4)]
    assert rates == pytest.approx([0.03] * 4 + [0.003] * 6 + [0.0003] * 2)


def test_rate_stays_where_there_is_no_drop() -> None:
    schedule = training.Schedule(recipe(schedule="step", epochs=6), 0.001, 20, seed=0)
    assert {schedule.learning_rate(step) for step in range(30)} == {0.001}


def test_precision() -> None:
    layer, x = nn.Linear(4, 4), torch.ones(1, 4)
    for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        with training.precision(recipe(precision=name), "cpu"):
            assert layer(x).dtype == dtype


def test_seeds_depend_on_purpose_and_step_alone() -> None:
    drawn = {
        derive(seed, purpose, step=step) for seed in range(5) for purpose in ("views", "order") for step in range(5)
    }
    assert len(drawn) == 50
    assert all(0 <= seed < 2**63 for seed in drawn)
    assert derive(1, "views", step=11) == derive(1, "views", step=11)
    assert torch.equal(
        torch.rand(3, generator=generator(0, "a", step=1)), torch.rand(3, generator=generator(0, "a", step=1))
    )
