"""The memory bank against loops over its words, and two processes against one."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from repro.lab import processes
from repro.lab.batch import Setting
from repro.lab.blocks import bank
from repro.lab.processes import Share


def setting(images: int = 12, seed: int = 0) -> Setting:
    return Setting(batch=4, images=images, classes=2, epoch_steps=3, steps=30, seed=seed)


def unit(rows: int, columns: int, seed: int) -> Tensor:
    return F.normalize(torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed)), dim=1)


def test_rows_are_uniform_in_the_cube_of_the_source_at_first() -> None:
    rows = bank.Bank("images", dimensions=12, setting=setting(5000)).rows
    half = 1 / math.sqrt(12 / 3)
    assert rows.shape == (5000, 12)
    assert float(rows.abs().max()) <= half
    assert float(rows.abs().max()) > 0.999 * half
    assert float(rows.mean()) == pytest.approx(0, abs=0.005)
    assert float(rows.square().sum(1).mean()) == pytest.approx(1, abs=0.02)  # of length one on average, not each
    assert float(rows.norm(dim=1).std()) > 0.05


def test_rows_depend_on_seed_and_name() -> None:
    first, again, other, named = (
        bank.Bank(name, dimensions=4, setting=setting(seed=seed)).rows
        for name, seed in (("a", 0), ("a", 0), ("a", 1), ("b", 0))
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(first, named)


def test_update_moves_the_rows_of_these_images_and_no_others() -> None:
    memory = bank.Bank("images", dimensions=5, setting=setting())
    before, places, embeddings = memory.rows.clone(), [7, 0, 11], unit(3, 5, 1)
    memory.update(embeddings, torch.tensor(places), momentum=0.3)
    for row in range(12):
        if row not in places:
            assert torch.equal(memory.rows[row], before[row])
            continue
        new = embeddings[places.index(row)]
        moved = [0.3 * float(old) + 0.7 * float(part) for old, part in zip(before[row], new, strict=True)]
        length = math.sqrt(sum(part * part for part in moved))
        assert memory.rows[row].tolist() == pytest.approx([part / length for part in moved], rel=1e-5)


def test_similarities_are_those_of_the_chosen_rows_and_no_gradient_reaches_the_bank() -> None:
    memory = bank.Bank("images", dimensions=5, setting=setting())
    rows, queries = memory.rows.clone(), unit(3, 5, 2).requires_grad_()
    chosen = torch.tensor([[1, 1, 4], [0, 11, 3], [5, 2, 2]])
    found = memory.similarities(queries, chosen)
    memory.update(unit(3, 5, 3), torch.tensor([1, 0, 5]), momentum=0.5)  # before the gradient, as the methods do
    found.sum().backward()
    for i in range(3):
        for j in range(3):
            row = rows[int(chosen[i, j])]
            dot = sum(a * b for a, b in zip(queries[i].tolist(), row.tolist(), strict=True))
            assert float(found[i, j].detach()) == pytest.approx(dot, abs=1e-6)
    assert queries.grad is not None
    torch.testing.assert_close(queries.grad, torch.stack([rows[row].sum(0) for row in chosen]))
    assert not memory.rows.requires_grad


def test_own_row_first_then_any_row_with_replacement() -> None:
    places = torch.tensor([9, 2, 5])
    chosen = bank.choose(places, images=10, samples=4000, generator=torch.Generator().manual_seed(0))
    assert chosen.shape == (3, 4001)
    assert chosen[:, 0].tolist() == [9, 2, 5]
    for row in chosen[:, 1:]:
        counts = torch.bincount(row, minlength=10)
        assert len(counts) == 10
        assert float(counts.min()) > 300  # each of ten about 400 times, the own row among them
    assert not torch.equal(chosen[0, 1:], chosen[1, 1:])


def test_two_processes_choose_and_update_as_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    places, embeddings = torch.tensor([9, 2, 5, 0]), unit(4, 5, 4)
    alone = bank.Bank("images", dimensions=5, setting=setting())
    drawn = bank.choose(places, images=12, samples=6, generator=torch.Generator().manual_seed(1))
    alone.update(embeddings, places, momentum=0.5)
    for rank in (0, 1):
        share, whole = Share(rank, 2), {torch.float32: embeddings, torch.int64: places}
        monkeypatch.setattr(processes, "share", lambda share=share: share)
        monkeypatch.setattr(processes, "gather", lambda part, whole=whole: whole[part.dtype])
        memory = bank.Bank("images", dimensions=5, setting=setting())
        part = bank.choose(share.part(places), images=12, samples=6, generator=torch.Generator().manual_seed(1))
        memory.update(share.part(embeddings), share.part(places), momentum=0.5)
        assert torch.equal(part, share.part(drawn))
        assert torch.equal(memory.rows, alone.rows)
