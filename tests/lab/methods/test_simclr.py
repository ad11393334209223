"""SimCLR, its debiased and its hard-negative variant against a plain restatement of the released training loop."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from repro.errors import JobFailed
from repro.lab import processes
from repro.lab.batch import Negative, Setting
from repro.lab.blocks import norm
from repro.lab.methods import debiased, hard, simclr
from tests.lab.methods.checks import fallen, goes_on_to_the_bit
from tests.lab.methods.test_moco import Tiny, given
from tests.lab.several import together

SETTING = Setting(batch=8, images=64, classes=2, epoch_steps=4, steps=40, seed=0)
RECIPES = {
    "simclr": simclr.Recipe(temperature=0.5),
    "debiased": debiased.Recipe(temperature=0.5, tau_plus=0.1),
    "hard": hard.Recipe(temperature=0.5, tau_plus=0.1, beta=1.0),
}
MODULES = {"simclr": simclr, "debiased": debiased, "hard": hard}


def method(name: str, net: nn.Module) -> nn.Module:
    return MODULES[name].build(RECIPES[name], net, setting=SETTING)


def images(step: int, count: int = 4) -> list[Tensor]:
    random = torch.Generator().manual_seed(step)
    return [torch.randn(8, 3, 6, 6, generator=random) for _ in range(count)]


def released(name: str, out_1: Tensor, out_2: Tensor, ns: list[Tensor], alpha: float) -> Tensor:
    """The criterion of HCL and DCL on normalised outputs of a batch of 8, T = 0.5; each view's negatives added."""
    out = torch.cat([out_1, out_2], dim=0)
    neg = torch.exp(torch.mm(out, out.t()) / 0.5)
    mask = torch.tensor([[i % 8 != j % 8 for j in range(16)] for i in range(16)])
    neg = neg.masked_select(mask).view(16, -1)
    pos = torch.exp((out_1 * out_2).sum(-1) / 0.5)
    pos = torch.cat([pos, pos])
    if name == "simclr":
        rest = neg.sum(-1)
    else:
        imp = (1.0 * neg.log()).exp() if name == "hard" else torch.ones_like(neg)
        rest = (-0.1 * 14 * pos + (imp * neg).sum(-1) / imp.mean(-1)) / 0.9
        rest = torch.clamp(rest, min=14 * math.e ** (-1 / 0.5))
    for other in ns:
        rest = rest + torch.exp(alpha * (out * torch.cat([other, other])).sum(-1) / 0.5)
    return (-torch.log(pos / (pos + rest))).mean()


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("negatives", [0, 1, 2])
def test_steps_are_those_of_the_released_code(name: str, negatives: int) -> None:
    ours, net = method(name, Tiny(0)), Tiny(0)
    optimizers = [torch.optim.SGD(part.parameters(), lr=0.3, momentum=0.9) for part in (ours, net)]
    for step in range(3):
        first, second, *others = images(step)
        added = tuple(Negative(other, 2.0) for other in others[:negatives])
        loss = ours(given(first, second, negatives=added), generator=torch.Generator())
        outputs = [nn.functional.normalize(net(part), dim=-1) for part in (first, second, *others[:negatives])]
        expected = released(name, outputs[0], outputs[1], outputs[2:], 2.0)
        assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
        for value, optimizer in zip((loss, expected), optimizers, strict=True):
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
    torch.testing.assert_close(ours.encoder.state_dict(), net.state_dict(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", MODULES)
def test_gradients_flow_through_both_views_and_the_negatives(name: str) -> None:
    ours = method(name, Tiny(0))
    first, second, other, _ = (part.requires_grad_() for part in images(0))
    ours(given(first, second, negatives=(Negative(other, 2.0),)), generator=torch.Generator()).backward()
    assert all(float(part.grad.abs().sum()) > 0 for part in (first, second, other))
    assert all(parameter.grad is not None for parameter in ours.parameters())


@pytest.mark.parametrize("name", MODULES)
def test_without_negatives_alpha_is_nowhere_and_batches_may_be_turned(name: str) -> None:
    first, second, *_ = images(0)
    plain = method(name, Tiny(0))(given(first, second), generator=torch.Generator())
    turned = method(name, Tiny(0))(given(first.flip(0), second.flip(0)), generator=torch.Generator())
    assert plain.item() == pytest.approx(turned.item(), rel=1e-5)


def stepped(net: nn.Module, optimizer: torch.optim.Optimizer, step: int) -> Tensor:
    first, second, other, _ = images(step)
    loss = net(given(first, second, negatives=(Negative(other, 2.0),)), generator=torch.Generator())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


@pytest.mark.parametrize("name", MODULES)
def test_a_loaded_state_goes_on_to_the_bit(name: str) -> None:
    whole, fresh = method(name, Tiny(0)), method(name, Tiny(1))
    goes_on_to_the_bit(whole, fresh, lambda part: torch.optim.Adam(part.parameters(), lr=1e-2), stepped)


@pytest.mark.parametrize("name", ["debiased", "hard"])
def test_a_share_that_is_none_is_told(name: str) -> None:
    dials: dict[str, Any] = {"temperature": 0.5, "tau_plus": 1.0} | ({"beta": 1.0} if name == "hard" else {})
    with pytest.raises(JobFailed) as caught:
        MODULES[name].build(MODULES[name].Recipe(**dials), Tiny(0), setting=SETTING)
    assert str(caught.value) == "method.tau_plus: expected a share of at least 0 and below 1, found 1.0"


@pytest.mark.parametrize("name", MODULES)
def test_a_job_trains_it_and_the_loss_falls(name: str, recipe: Any, folder: Path, tmp_path: Path) -> None:
    dials = {"temperature": 0.5} | ({} if name == "simclr" else {"tau_plus": 0.1})
    recipe["method"] = {"name": name, **dials} | ({"beta": 1.0} if name == "hard" else {})
    recipe["optimizer"] = {"name": "adam", "momentum": 0.9, "second_momentum": 0.999, "weight_decay": 1e-6}
    recipe["training"] |= {"epochs": 8, "warmup_epochs": 0.0}
    assert fallen(recipe, folder, tmp_path, lr=3e-3) < 0.97


def one_step(rank: int, name: str) -> list[Tensor]:
    """The mean loss over all processes, and the gradients, of a step of which each does its rows."""
    with processes.joined("cpu"):
        ours = norm.synchronise(method(name, Tiny(0)), device="cpu")
        first, second, other, _ = images(0)
        whole = given(first, second, negatives=(Negative(other, 2.0),))
        loss = ours(processes.share().part(whole), generator=torch.Generator())
        loss.backward()
        processes.average_gradients(ours)
        return [processes.average(loss.detach()), *(parameter.grad for parameter in ours.parameters())]


@pytest.mark.parametrize("name", MODULES)
def test_two_processes_do_what_one_does(name: str, tmp_path: Path) -> None:
    alone = one_step(0, name)
    for found in together(one_step, tmp_path / "two", name):
        torch.testing.assert_close(found, alone, rtol=1e-4, atol=1e-6)
