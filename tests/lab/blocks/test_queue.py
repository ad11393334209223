"""The queue: first in, first out, against a plain list."""

from __future__ import annotations

import pytest
import torch

from repro.errors import JobFailed
from repro.lab.batch import Setting
from repro.lab.blocks import queue


def setting(batch: int, seed: int = 0) -> Setting:
    return Setting(batch=batch, images=64, classes=2, epoch_steps=4, steps=40, seed=seed)


def test_the_oldest_keys_go_first() -> None:
    made = queue.build(12, dimensions=3, setting=setting(4))
    held = made.rows.tolist()  # the oldest first
    for step in range(7):
        keys = torch.randn(4, 3, generator=torch.Generator().manual_seed(step))
        made.push(keys.clone().requires_grad_())
        held = held[4:] + keys.tolist()
        place = int(made.place)
        assert place == (step + 1) * 4 % 12
        assert torch.cat([made.rows[place:], made.rows[:place]]).tolist() == held
        assert not made.rows.requires_grad


def test_a_queue_of_one_batch_is_that_batch() -> None:
    made = queue.build(4, dimensions=3, setting=setting(4))
    for step in range(2):
        keys = torch.randn(4, 3, generator=torch.Generator().manual_seed(step))
        made.push(keys)
        assert torch.equal(made.rows, keys)
        assert int(made.place) == 0


def test_it_begins_with_unit_length_from_the_seed_alone() -> None:
    with torch.random.fork_rng(devices=[]):
        first = queue.build(64, dimensions=5, setting=setting(4, seed=1)).rows
        torch.manual_seed(1)
        again = queue.build(64, dimensions=5, setting=setting(4, seed=1)).rows
    torch.testing.assert_close(first.norm(dim=1), torch.ones(64))
    assert torch.equal(first, again)
    assert not torch.equal(first, queue.build(64, dimensions=5, setting=setting(4, seed=2)).rows)


def test_its_state_is_its_rows_and_its_place() -> None:
    first = queue.build(8, dimensions=2, setting=setting(4))
    first.push(torch.ones(4, 2))
    second = queue.build(8, dimensions=2, setting=setting(4, seed=9))
    second.load_state_dict(first.state_dict())
    for one in (first, second):
        one.push(torch.full((4, 2), 2.0))
    assert torch.equal(first.rows, second.rows)
    assert first.rows.tolist() == [[1.0, 1.0]] * 4 + [[2.0, 2.0]] * 4


@pytest.mark.parametrize(("size", "batch", "nearest"), [(10, 4, 8), (11, 4, 12), (3, 4, 4), (16394, 512, 16384)])
def test_a_size_that_is_no_multiple_of_the_batch_is_told(size: int, batch: int, nearest: int) -> None:
    with pytest.raises(JobFailed) as caught:
        queue.build(size, dimensions=2, setting=setting(batch))
    assert str(caught.value) == (
        f"method.queue: {size} is not a multiple of the batch of {batch}, so the last keys would not fit; the nearest "
        f"that is one is {nearest}"
    )
