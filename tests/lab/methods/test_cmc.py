"""Contrastive multiview coding against a plain restatement of NCEAverage with `use_softmax`."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repro.errors import JobFailed
from repro.lab.batch import Batch, Setting
from repro.lab.blocks import bank
from repro.lab.blocks.pair import Pair
from repro.lab.jobs import Context, pretrain
from repro.lab.methods import cmc
from tests.lab.methods.test_moco import Tiny

RECIPE = cmc.Recipe(samples=7, momentum=0.5, temperature=0.07, loss="softmax")
SETTING = Setting(batch=8, images=24, classes=2, epoch_steps=3, steps=30, seed=0)


def half(channels: int, seed: int) -> Tiny:
    net = Tiny(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net.layers[0] = nn.Conv2d(channels, 4, 3)
    return net


def pair(seed: int = 0) -> Pair:
    return Pair(half(1, seed), half(2, seed + 100))


def given(step: int) -> Batch:
    random = torch.Generator().manual_seed(step)
    views = (torch.randn(8, 3, 6, 6, generator=random),)
    places = torch.randperm(24, generator=random)[:8]
    return Batch(views, (), places, torch.full((8,), -1), step)


class Official:
    """One step of train_CMC.py: both embeddings, each against the other's memory, then both memories move."""

    def __init__(self, l_to_ab: nn.Module, ab_to_l: nn.Module, memory_l: Tensor, memory_ab: Tensor) -> None:
        self.l_to_ab, self.ab_to_l = l_to_ab, ab_to_l
        self.memory_l, self.memory_ab = memory_l.clone(), memory_ab.clone()

    def loss(self, x: Tensor, y: Tensor, idx: Tensor) -> Tensor:
        feat_l, feat_ab = self.l_to_ab(x[:, :1]), self.ab_to_l(x[:, 1:])
        feat_l = feat_l / feat_l.pow(2).sum(1, keepdim=True).sqrt()
        feat_ab = feat_ab / feat_ab.pow(2).sum(1, keepdim=True).sqrt()
        weight_l = self.memory_l[idx.view(-1)].view(len(y), idx.shape[1], -1)
        weight_ab = self.memory_ab[idx.view(-1)].view(len(y), idx.shape[1], -1)
        out_ab = torch.bmm(weight_l, feat_ab.unsqueeze(2)).squeeze(2) / 0.07
        out_l = torch.bmm(weight_ab, feat_l.unsqueeze(2)).squeeze(2) / 0.07
        with torch.no_grad():
            for memory, feat in ((self.memory_l, feat_l), (self.memory_ab, feat_ab)):
                moved = memory[y] * 0.5 + feat * 0.5
                memory.index_copy_(0, y, moved / moved.pow(2).sum(1, keepdim=True).sqrt())
        label = torch.zeros(len(y), dtype=torch.long)
        return F.cross_entropy(out_l, label) + F.cross_entropy(out_ab, label)


def test_steps_are_those_of_the_published_code() -> None:
    ours, net = cmc.build(RECIPE, pair(), setting=SETTING), pair()
    theirs = Official(net.lightness, net.colour, ours.lightness_bank.rows, ours.colour_bank.rows)
    descend = [torch.optim.SGD(one.parameters(), lr=0.1, momentum=0.9) for one in (ours.encoder, net)]
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
        torch.testing.assert_close(ours.lightness_bank.rows, theirs.memory_l)
        torch.testing.assert_close(ours.colour_bank.rows, theirs.memory_ab)
    torch.testing.assert_close(ours.encoder.state_dict(), net.state_dict())


def test_loss_is_the_same_with_the_two_halves_exchanged() -> None:
    """Exchange the networks, the banks and what they see: a grey image of three like channels looks alike to both."""
    first = cmc.build(RECIPE, Pair(half(1, 0), half(2, 1)), setting=SETTING)
    shown = given(0)
    first.encoder.colour.layers[0] = Grey(half(1, 1).layers[0])
    second = cmc.build(RECIPE, Pair(half(1, 1), half(2, 0)), setting=SETTING)
    second.encoder.colour.layers[0] = Grey(half(1, 0).layers[0])
    second.encoder.lightness.layers[4] = copy.deepcopy(first.encoder.colour.layers[4])
    second.encoder.colour.layers[4] = copy.deepcopy(first.encoder.lightness.layers[4])
    second.lightness_bank.rows.copy_(first.colour_bank.rows)
    second.colour_bank.rows.copy_(first.lightness_bank.rows)
    grey = Batch((shown.views[0][:, :1].expand(-1, 3, -1, -1),), (), shown.places, shown.labels, 0)
    losses = [one(grey, generator=torch.Generator().manual_seed(0)) for one in (first, second)]
    torch.testing.assert_close(*losses)


class Grey(nn.Module):
    """A layer that sees the first of its two like channels."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, images: Tensor) -> Tensor:
        return self.layer(images[:, :1])


def test_gradients_flow_through_both_encoders_and_into_no_bank() -> None:
    method = cmc.build(RECIPE, pair(), setting=SETTING)
    method(given(0), generator=torch.Generator().manual_seed(0)).backward()
    for encoder in (method.encoder.lightness, method.encoder.colour):
        assert all(
            float(part.grad.abs().sum()) > 0 for name, part in encoder.named_parameters() if "0.bias" not in name
        )
    assert not method.lightness_bank.rows.requires_grad
    assert not method.colour_bank.rows.requires_grad
    assert not torch.equal(method.lightness_bank.rows, method.colour_bank.rows)


def test_state_is_whole() -> None:
    method = cmc.build(RECIPE, pair(), setting=SETTING)
    for step in range(2):
        method(given(step), generator=torch.Generator().manual_seed(step))
    other = cmc.build(RECIPE, pair(5), setting=SETTING)
    other.load_state_dict(copy.deepcopy(method.state_dict()))
    losses = [one(given(2), generator=torch.Generator().manual_seed(2)) for one in (method, other)]
    assert torch.equal(*losses)
    assert torch.equal(method.colour_bank.rows, other.colour_bank.rows)


def test_a_network_that_is_no_pair_is_told() -> None:
    with pytest.raises(JobFailed) as caught:
        cmc.build(RECIPE, Tiny(0), setting=SETTING)
    assert str(caught.value) == (
        "method.name: cmc needs a network of two encoders, one for lightness and one for colour; set net.name to "
        "resnet50_pair or small_pair"
    )


def test_it_learns(recipe: Any, folder: Path, tmp_path: Path) -> None:
    recipe["method"] = {"name": "cmc", "samples": 16, "momentum": 0.5, "temperature": 0.2, "loss": "softmax"}
    recipe["negatives"] = {"name": "none"}
    recipe["net"]["name"] = "small_pair"
    recipe["views"] = {
        "name": "lab",
        "crop_scale": [0.4, 1.0],
        "crop_ratio": [0.75, 1.3333],
        "flip_probability": 0.5,
        "mean": [50.0, 6.025, -6.6895],
        "std": [50.0, 92.208, 101.1675],
    }
    losses = []
    for epochs in (1, 10):
        recipe["training"]["epochs"] = epochs
        spec, into = {"recipe": recipe, "pixels": 16}, tmp_path / str(epochs)
        into.mkdir()
        outcome = pretrain.run(spec, seed=0, inputs={"data": folder}, folder=into, context=Context(device="cpu"))
        losses.append(outcome.values["loss"])
    assert losses[1] < losses[0] - 0.1
