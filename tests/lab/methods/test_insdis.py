"""Instance discrimination against a plain restatement of MemoryInsDis with `--softmax`."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from repro.lab.batch import Batch, Setting
from repro.lab.blocks import bank
from repro.lab.jobs import Context, pretrain
from repro.lab.losses import nce
from repro.lab.methods import insdis
from tests.lab.methods.test_moco import Tiny

RECIPE = insdis.Recipe(samples=7, momentum=0.5, temperature=0.07, loss="softmax")
SETTING = Setting(batch=8, images=24, classes=2, epoch_steps=3, steps=30, seed=0)


def given(step: int) -> Batch:
    random = torch.Generator().manual_seed(step)
    views = (torch.randn(8, 3, 6, 6, generator=random),)
    places = torch.randperm(24, generator=random)[:8]
    return Batch(views, (), places, torch.full((8,), -1), step)


class Official:
    """The loop of train_ins with MemoryInsDis: rows gathered for each query, bmm, then the update."""

    def __init__(self, net: torch.nn.Module, memory: Tensor, recipe: insdis.Recipe) -> None:
        self.net, self.memory, self.recipe = net, memory.clone(), recipe

    def loss(self, x: Tensor, y: Tensor, idx: Tensor) -> Tensor:
        feat = self.net(x)
        feat = feat.div(feat.pow(2).sum(1, keepdim=True).pow(0.5))
        weight = torch.index_select(self.memory, 0, idx.view(-1)).view(len(y), idx.shape[1], -1)
        out = torch.bmm(weight, feat.view(len(y), -1, 1)) / self.recipe.temperature
        with torch.no_grad():
            weight_pos = torch.index_select(self.memory, 0, y)
            weight_pos.mul_(self.recipe.momentum).add_(feat * (1 - self.recipe.momentum))
            self.memory.index_copy_(0, y, weight_pos / weight_pos.pow(2).sum(1, keepdim=True).pow(0.5))
        return F.cross_entropy(out.squeeze(2), torch.zeros(len(y), dtype=torch.long))


def test_steps_are_those_of_the_published_code() -> None:
    ours = insdis.build(RECIPE, Tiny(0), setting=SETTING)
    theirs = Official(Tiny(0), ours.bank.rows, RECIPE)
    descend = [torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9) for net in (ours.encoder, theirs.net)]
    for step in range(5):
        batch = given(step)
        chosen = bank.choose(batch.places, images=24, samples=7, generator=torch.Generator().manual_seed(step))
        loss = ours(batch, generator=torch.Generator().manual_seed(step))
        expected = theirs.loss(batch.views[0], batch.places, chosen)
        assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
        for value, optimizer in zip((loss, expected), descend, strict=True):
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
        torch.testing.assert_close(ours.bank.rows, theirs.memory)
    torch.testing.assert_close(ours.encoder.state_dict(), theirs.net.state_dict())


@pytest.mark.parametrize(("count", "samples"), [(1, 3), (4, 1), (5, 9)])
def test_loss_is_the_softmax_over_the_own_row_and_the_samples(count: int, samples: int) -> None:
    """In float64: the mean of -log exp(v.own / T) / (exp(v.own / T) + sum exp(v.sample / T))."""
    random = torch.Generator().manual_seed(count)
    memory = bank.Bank("images", dimensions=5, setting=SETTING).double()
    queries = F.normalize(torch.randn(count, 5, generator=random).double(), dim=1)
    chosen = bank.choose(torch.arange(count), images=24, samples=samples, generator=random)
    total = 0.0
    for i in range(count):
        terms = [
            math.exp(sum(a * b for a, b in zip(queries[i].tolist(), memory.rows[place].tolist(), strict=True)) / 0.3)
            for place in chosen[i].tolist()
        ]
        total -= math.log(terms[0] / sum(terms))
    found = nce.nce(memory.similarities(queries, chosen), temperature=0.3)
    assert float(found) == pytest.approx(total / count, rel=1e-12)


def test_gradients_flow_through_the_encoder_alone() -> None:
    method = insdis.build(RECIPE, Tiny(0), setting=SETTING)
    method(given(0), generator=torch.Generator().manual_seed(0)).backward()
    assert all(parameter.grad is not None for parameter in method.encoder.parameters())
    assert not method.bank.rows.requires_grad
    assert {name for name, _ in method.named_parameters()} == {
        f"encoder.{name}" for name, _ in method.encoder.named_parameters()
    }


def test_state_is_whole() -> None:
    method = insdis.build(RECIPE, Tiny(0), setting=SETTING)
    for step in range(2):
        method(given(step), generator=torch.Generator().manual_seed(step))
    state = copy.deepcopy(method.state_dict())
    other = insdis.build(RECIPE, Tiny(1), setting=SETTING)
    other.load_state_dict(state)
    losses = [one(given(2), generator=torch.Generator().manual_seed(2)) for one in (method, other)]
    assert torch.equal(*losses)
    assert torch.equal(method.bank.rows, other.bank.rows)


def test_it_learns(recipe: Any, folder: Path, tmp_path: Path) -> None:
    """Each image is the only one of its row, so the loss falls below that of the untrained network."""
    recipe["method"] = {"name": "insdis", "samples": 16, "momentum": 0.5, "temperature": 0.2, "loss": "softmax"}
    recipe["negatives"] = {"name": "none"}
    losses = []
    for epochs in (1, 10):
        recipe["training"]["epochs"] = epochs
        spec, into = {"recipe": recipe, "pixels": 16}, tmp_path / str(epochs)
        into.mkdir()
        outcome = pretrain.run(spec, seed=0, inputs={"data": folder}, folder=into, context=Context(device="cpu"))
        losses.append(outcome.values["loss"])
    assert losses[1] < losses[0] - 0.1
