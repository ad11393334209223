"""InfoMin against MoCo where the jigsaw weighs nothing, and against a plain restatement of PyContrast's loop."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repro.errors import JobFailed
from repro.lab.batch import Batch, Negative, Setting
from repro.lab.blocks import jigsaw
from repro.lab.jobs import Context, pretrain
from repro.lab.methods import infomin, moco

SETTING = Setting(batch=8, images=24, classes=2, epoch_steps=3, steps=30, seed=0)


class Tiny(nn.Module):
    """Any size of image to 4 features and 5 outputs."""

    feature_size = 4
    outputs = 5

    def __init__(self, seed: int) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
            self.head = nn.Linear(4, 5)

    def features(self, images: Tensor) -> Tensor:
        return self.layers(images).mean((2, 3))

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images))


def recipe(**changes: Any) -> infomin.Recipe:
    values: dict[str, Any] = {"queue": 24, "momentum": 0.9, "temperature": 0.2, "shuffle_groups": 1}
    values |= {"jigsaw_weight": 0.3, "jigsaw_grid": 3, "jigsaw_piece": 4}
    return infomin.Recipe(**{**values, **changes})


def given(step: int, *, count: int = 0) -> Batch:
    random = torch.Generator().manual_seed(step)
    views = (
        *(torch.randn(8, 3, 6, 6, generator=random) for _ in range(2)),
        torch.randn(8, 3, 17, 17, generator=random),
    )
    negatives = tuple(Negative(torch.randn(8, 3, 6, 6, generator=random), 2.0) for _ in range(count))
    return Batch(views, negatives, torch.arange(8), torch.full((8,), -1), step)


class Official:
    """PyContrast's _train_moco with args.jigsaw on one GPU: no shuffling, the key encoder moves after the step."""

    def __init__(self, net: nn.Module, head: nn.Module, memory: Tensor) -> None:
        self.net, self.head, self.net_ema, self.memory, self.index = net, head, copy.deepcopy(net), memory.clone(), 0
        self.optimizer = torch.optim.SGD([*net.parameters(), *head.parameters()], lr=0.3, momentum=0.9)

    def step(self, x1: Tensor, x2: Tensor, pieces: Tensor, orders: Tensor) -> float:
        with torch.no_grad():
            k = F.normalize(self.net_ema(x2))
        q = F.normalize(self.net(x1))
        x = self.head.each(self.net.features(pieces))
        shuffle_ids = torch.cat([order + 9 * i for i, order in enumerate(orders)])
        q_jig = F.normalize(self.head.together(x[shuffle_ids].view(len(orders), -1)))
        logits = [
            torch.cat([(one * k).sum(1, keepdim=True), one @ self.memory.clone().T], dim=1) / 0.2 for one in (q, q_jig)
        ]
        loss = 0.7 * F.cross_entropy(logits[0], torch.zeros(8).long()) + 0.3 * F.cross_entropy(
            logits[1], torch.zeros(8).long()
        )
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.memory[self.index : self.index + 8] = k
        self.index = (self.index + 8) % len(self.memory)
        with torch.no_grad():
            for p1, p2 in zip(self.net.parameters(), self.net_ema.parameters(), strict=True):
                p2.mul_(0.9).add_(p1 * 0.1)
        return float(loss.detach())


def test_steps_are_those_of_the_published_code() -> None:
    ours = infomin.build(recipe(), Tiny(0), setting=SETTING)
    theirs = Official(Tiny(0), copy.deepcopy(ours.jigsaw_head), ours.queue.rows)
    optimizer = torch.optim.SGD([p for p in ours.parameters() if p.requires_grad], lr=0.3, momentum=0.9)
    for step in range(5):  # the queue of three batches comes round
        batch = given(step)
        done = jigsaw.draw(8, grid=3, room=17 // 3 - 4, generator=torch.Generator().manual_seed(step))
        pieces = jigsaw.cut(batch.views[2], done, grid=3, piece=4)
        loss = ours(batch, generator=torch.Generator().manual_seed(step))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        expected = theirs.step(batch.views[0], batch.views[1], pieces, done.order)
        assert loss.item() == pytest.approx(expected, rel=1e-5)
        torch.testing.assert_close(ours.queue.rows, theirs.memory)
    torch.testing.assert_close(ours.encoder.state_dict(), theirs.net.state_dict())
    torch.testing.assert_close(ours.jigsaw_head.state_dict(), theirs.head.state_dict())


@pytest.mark.parametrize("groups", [1, 2])
def test_without_weight_on_the_jigsaw_it_is_moco(groups: int) -> None:
    plain = moco.Recipe(queue=24, momentum=0.9, temperature=0.2, shuffle_groups=groups)
    methods = [
        infomin.build(recipe(jigsaw_weight=0.0, shuffle_groups=groups), Tiny(0), setting=SETTING),
        moco.build(plain, Tiny(0), setting=SETTING),
    ]
    for step in range(4):
        losses = [one(given(step, count=1), generator=torch.Generator().manual_seed(step)) for one in methods]
        assert torch.equal(*losses)
        for one, loss in zip(methods, losses, strict=True):
            one.zero_grad()
            loss.backward()
            with torch.no_grad():
                for part in one.encoder.parameters():
                    part.sub_(0.3 * part.grad)
        assert torch.equal(*(one.queue.rows for one in methods))
        for mine, other in zip(*(one.encoder.parameters() for one in methods), strict=True):
            assert torch.equal(mine, other)


def test_pieces_of_a_group_have_batch_statistics_of_their_own() -> None:
    method = infomin.build(recipe(shuffle_groups=2, jigsaw_weight=1.0), Tiny(0), setting=SETTING)
    batch = given(0)
    generator = torch.Generator().manual_seed(1)
    torch.randperm(8, generator=generator)  # of the keys
    done = jigsaw.draw(8, grid=3, room=1, generator=generator)
    pieces, net = jigsaw.cut(batch.views[2], done, grid=3, piece=4), Tiny(0)
    features = torch.cat([net.features(pieces[:36]), net.features(pieces[36:])])  # 4 images of 9 pieces
    seen = method._jigsaw(batch.views[2], _after_keys())
    torch.testing.assert_close(seen, method.jigsaw_head(features, done.order))


def _after_keys() -> torch.Generator:
    generator = torch.Generator().manual_seed(1)
    torch.randperm(8, generator=generator)
    return generator


def test_gradients_flow_through_both_queries_alone() -> None:
    method = infomin.build(recipe(), Tiny(0), setting=SETTING)
    batch = given(0, count=1)
    images = [image.requires_grad_() for image in (*batch.views, batch.negatives[0].images)]
    method(batch, generator=torch.Generator().manual_seed(0)).backward()
    reached = [image.grad is not None and float(image.grad.abs().sum()) > 0 for image in images]
    assert reached == [True, False, True, False]
    assert all(part.grad is None for part in method.key_encoder.parameters())
    assert all(part.grad is not None for part in method.encoder.parameters())
    assert all(part.grad is not None for part in method.jigsaw_head.parameters())


def test_state_is_whole() -> None:
    method = infomin.build(recipe(shuffle_groups=2), Tiny(0), setting=SETTING)
    for step in range(2):
        method(given(step), generator=torch.Generator().manual_seed(step))
    other = infomin.build(recipe(shuffle_groups=2), Tiny(3), setting=SETTING)
    other.load_state_dict(copy.deepcopy(method.state_dict()))
    losses = [one(given(2), generator=torch.Generator().manual_seed(2)) for one in (method, other)]
    assert torch.equal(*losses)
    assert torch.equal(method.queue.rows, other.queue.rows)


def test_the_head_depends_on_the_seed_alone() -> None:
    state = torch.get_rng_state()
    first, again = (infomin.build(recipe(), Tiny(seed), setting=SETTING).jigsaw_head for seed in (0, 1))
    assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(first.together.weight, again.together.weight)


def test_pieces_that_do_not_fit_are_told() -> None:
    with pytest.raises(JobFailed) as caught:
        infomin.build(recipe(jigsaw_piece=6), Tiny(0), setting=SETTING)(given(0), generator=torch.Generator())
    assert str(caught.value) == (
        "method.jigsaw_piece: 6 pixels do not fit into a cell of 5, one of 3 along a side of 17; lower it or raise "
        "views.jigsaw_pixels"
    )


def test_groups_that_do_not_fit_are_told() -> None:
    with pytest.raises(JobFailed) as caught:
        infomin.build(recipe(shuffle_groups=3), Tiny(0), setting=SETTING)
    assert str(caught.value) == "method.shuffle_groups: a batch of 8 cannot be cut into 3 equal groups"


def test_it_learns(recipe: Any, folder: Path, tmp_path: Path) -> None:
    recipe["method"] |= {"name": "infomin", "jigsaw_weight": 0.5, "jigsaw_grid": 3, "jigsaw_piece": 5}
    recipe["negatives"] = {"name": "none"}
    recipe["views"] |= {"name": "infomin", "randaugment": [2, 10], "randaugment_spread": 0.5}
    recipe["views"] |= {"randaugment_probability": 0.5, "jigsaw_scale": [0.6, 1.0], "jigsaw_pixels": 18}
    losses = []
    for epochs in (1, 10):
        recipe["training"]["epochs"] = epochs
        spec, into = {"recipe": recipe, "pixels": 16}, tmp_path / str(epochs)
        into.mkdir()
        outcome = pretrain.run(spec, seed=0, inputs={"data": folder}, folder=into, context=Context(device="cpu"))
        losses.append(outcome.values["loss"])
    assert losses[1] < losses[0] - 0.1
