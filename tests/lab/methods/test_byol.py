"""BYOL against a plain restatement of Grill et al.: targets, optimiser, and then the move of the target network."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repro.lab import processes
from repro.lab.batch import Batch, Negative, Setting
from repro.lab.blocks import norm
from repro.lab.methods import byol
from tests.lab.methods.checks import fallen, goes_on_to_the_bit
from tests.lab.methods.test_moco import Tiny, given
from tests.lab.several import together

STEPS = 10
SETTING = Setting(batch=8, images=64, classes=2, epoch_steps=4, steps=STEPS, seed=0)
RECIPE = byol.Recipe(momentum=0.9, predictor_hidden=6)


def method(net: nn.Module, *, seed: int = 0) -> byol.BYOL:
    setting = Setting(batch=8, images=64, classes=2, epoch_steps=4, steps=STEPS, seed=seed)
    return byol.build(RECIPE, net, setting=setting)


def images(step: int) -> list[Tensor]:
    random = torch.Generator().manual_seed(step)
    return [torch.randn(8, 3, 6, 6, generator=random) for _ in range(4)]


def at(step: int, *views: Tensor, negatives: tuple[Negative, ...] = ()) -> Batch:
    plain = given(*views, negatives=negatives)
    return Batch(plain.views, plain.negatives, plain.places, plain.labels, step)


class Published:
    """The order of the published code: gradients at step k, update, and only then the target, of momentum tau_k."""

    def __init__(self, net: nn.Module, predictor: nn.Module) -> None:
        self.net, self.predictor, self.target = net, copy.deepcopy(predictor), copy.deepcopy(net)
        self.optimizer = torch.optim.SGD([*net.parameters(), *self.predictor.parameters()], lr=0.3, momentum=0.9)

    def step(self, k: int, v1: Tensor, v2: Tensor, others: list[Tensor], alpha: float) -> float:
        z1, z2 = (F.normalize(self.predictor(self.net(view)), dim=1) for view in (v1, v2))
        with torch.no_grad():
            p1, p2 = (F.normalize(self.target(view), dim=1) for view in (v1, v2))
            pushed = [F.normalize(self.target(other), dim=1) for other in others]
        loss = ((z1 - p2) ** 2).sum(1).mean() + ((z2 - p1) ** 2).sum(1).mean()
        for ns in pushed:
            loss = loss - alpha * (((z1 - ns) ** 2).sum(1).mean() + ((z2 - ns) ** 2).sum(1).mean())
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        tau = 1 - (1 - 0.9) * (math.cos(math.pi * k / STEPS) + 1) / 2
        with torch.no_grad():
            for slow, fast in zip(self.target.parameters(), self.net.parameters(), strict=True):
                slow.add_(fast - slow, alpha=1 - tau)
        return loss.item()


@pytest.mark.parametrize("negatives", [0, 1, 2])
def test_steps_are_those_of_the_published_order(negatives: int) -> None:
    ours = method(Tiny(0))
    theirs = Published(Tiny(0), ours.predictor)
    optimizer = torch.optim.SGD([p for p in ours.parameters() if p.requires_grad], lr=0.3, momentum=0.9)
    targets = [copy.deepcopy(theirs.target.state_dict())]
    for step in range(4):
        first, second, *others = images(step)
        added = tuple(Negative(other, 0.05) for other in others[:negatives])
        loss = ours(at(step, first, second, negatives=added), generator=torch.Generator())
        for name, slow in ours.target.named_parameters():
            torch.testing.assert_close(slow, targets[-1][name], rtol=1e-4, atol=1e-5)
        assert loss.item() == pytest.approx(theirs.step(step, first, second, others[:negatives], 0.05), rel=1e-4)
        targets.append(copy.deepcopy(theirs.target.state_dict()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    torch.testing.assert_close(ours.encoder.state_dict(), theirs.net.state_dict(), rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(ours.predictor.state_dict(), theirs.predictor.state_dict(), rtol=1e-3, atol=1e-5)


def test_the_target_is_a_copy_until_the_first_step_is_done() -> None:
    ours = method(Tiny(0))
    ours(at(0, *images(0)[:2]), generator=torch.Generator())
    for slow, fast in zip(ours.target.parameters(), ours.encoder.parameters(), strict=True):
        assert torch.equal(slow, fast)


def test_gradients_flow_through_the_predictions_alone() -> None:
    ours = method(Tiny(0))
    other = images(0)[2].requires_grad_()
    first, second = images(0)[:2]
    ours(at(1, first, second, negatives=(Negative(other, 0.05),)), generator=torch.Generator()).backward()
    assert other.grad is None
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in ours.target.parameters())
    assert all(parameter.grad is not None for part in (ours.encoder, ours.predictor) for parameter in part.parameters())


def test_each_view_is_a_query_once() -> None:
    """The loss is symmetric: views changed about, the same sum."""
    first, second = images(0)[:2]
    both = [
        method(Tiny(0))(at(0, *pair), generator=torch.Generator()).item() for pair in ((first, second), (second, first))
    ]
    assert both[0] == pytest.approx(both[1], rel=1e-5)


def test_negatives_of_alpha_zero_change_no_loss_and_those_of_another_do() -> None:
    first, second, other, _ = images(0)
    losses = []
    for negatives in ((), (Negative(other, 0.0),), (Negative(other, 0.05),)):
        losses.append(method(Tiny(0))(at(0, first, second, negatives=negatives), generator=torch.Generator()).item())
    assert losses[0] == losses[1] > losses[2]


def test_the_predictor_depends_on_the_seed_alone() -> None:
    state = torch.get_rng_state()
    weights = [method(Tiny(0), seed=seed).predictor[0].weight for seed in (0, 0, 1)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    assert torch.equal(state, torch.get_rng_state())
    assert weights[0].shape == (6, 5)


def test_momentum_rises_by_half_a_cosine_to_one() -> None:
    found = [byol.rising(0.99, step=step, steps=1000) for step in range(1001)]
    assert found[0] == pytest.approx(0.99, rel=1e-12)
    assert found[500] == pytest.approx(0.995, rel=1e-12)
    assert found[1000] == 1.0
    assert found == sorted(found)


def stepped(net: byol.BYOL, optimizer: torch.optim.Optimizer, step: int) -> Tensor:
    first, second, other, _ = images(step)
    loss = net(at(step, first, second, negatives=(Negative(other, 0.05),)), generator=torch.Generator())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


def test_a_loaded_state_goes_on_to_the_bit() -> None:
    whole, fresh = method(Tiny(0)), method(Tiny(1), seed=1)
    goes_on_to_the_bit(
        whole,
        fresh,
        lambda part: torch.optim.SGD([p for p in part.parameters() if p.requires_grad], lr=0.3, momentum=0.9),
        stepped,
    )


@pytest.mark.parametrize("negatives", ["none", "patch"])
def test_a_job_trains_it_with_lars_and_the_loss_falls(
    negatives: str, recipe: Any, folder: Path, tmp_path: Path
) -> None:
    recipe["method"] = {"name": "byol", "momentum": 0.9, "predictor_hidden": 16}
    recipe["negatives"] = {**recipe["negatives"], "alpha": 0.05} if negatives == "patch" else {"name": "none"}
    recipe["optimizer"] = {"name": "lars", "momentum": 0.9, "weight_decay": 1e-6, "trust": 0.02, "clip": True}
    recipe["training"] |= {"epochs": 12, "warmup_epochs": 0.0}
    assert fallen(recipe, folder, tmp_path, lr=0.3) < 0.8


def one_step(rank: int) -> list[Tensor]:
    """The mean loss over all processes, and the gradients, of a step of which each does its rows."""
    with processes.joined("cpu"):
        ours = norm.synchronise(method(Tiny(0)), device="cpu")
        first, second, other, _ = images(0)
        whole = at(1, first, second, negatives=(Negative(other, 0.05),))
        loss = ours(processes.share().part(whole), generator=torch.Generator())
        loss.backward()
        processes.average_gradients(ours)
        gradients = [parameter.grad for parameter in ours.parameters() if parameter.requires_grad]
        return [processes.average(loss.detach()), *gradients]


def test_two_processes_do_what_one_does(tmp_path: Path) -> None:
    alone = one_step(0)
    for found in together(one_step, tmp_path / "two"):
        torch.testing.assert_close(found, alone, rtol=1e-4, atol=1e-6)
