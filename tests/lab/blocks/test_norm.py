"""Batch normalisation over processes against torch's own on the whole batch."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from repro.lab import processes
from repro.lab.blocks import norm
from tests.lab.several import together

SHAPES = {"rows": (8, 5), "images": (8, 5, 3, 4), "channels last": (8, 5, 3, 4), "plain": (8, 5), "half": (8, 5, 3, 4)}
STEPS = 3


def layer(kind: str) -> nn.Module:
    made = nn.BatchNorm2d if len(SHAPES[kind]) == 4 else nn.BatchNorm1d
    one = made(5, momentum=0.3, eps=1e-3, affine=kind != "plain")
    if one.weight is not None:
        with torch.no_grad():
            one.weight.copy_(torch.linspace(-1, 2, 5))
            one.bias.copy_(torch.linspace(0, 3, 5))
    return one if kind == "half" else one.double()


def given(kind: str, step: int) -> tuple[Tensor, Tensor]:
    """Inputs of mean 3 and what the loss weighs the outputs with, of the whole batch."""
    random = torch.Generator().manual_seed(step)
    inputs, weights = (torch.randn(SHAPES[kind], generator=random, dtype=torch.float64) for _ in range(2))
    inputs = 2 * inputs + 3
    if kind == "channels last":
        inputs = inputs.to(memory_format=torch.channels_last)
    return (inputs.bfloat16(), weights.float()) if kind == "half" else (inputs, weights)


def run(kind: str, one: nn.Module) -> dict[str, Any]:
    """Some steps of training and a look in evaluation mode; this process's part."""
    share, found = processes.share(), {}
    for step in range(STEPS):
        inputs, weights = given(kind, step)
        inputs = share.part(inputs).clone().requires_grad_()
        outputs = one(inputs)
        (outputs * share.part(weights)).sum().backward()
        found[f"outputs {step}"], found[f"inputs {step}"] = outputs.detach(), inputs.grad
    with torch.no_grad():
        found["without gradient"] = one(share.part(given(kind, STEPS)[0]))
    found["evaluated"] = one.eval()(share.part(given(kind, 0)[0])).detach()
    found["gradients"] = {name: parameter.grad for name, parameter in one.named_parameters()}
    found["state"] = one.state_dict()
    return found


def work(rank: int) -> dict[str, Any]:
    with processes.joined("cpu"):
        found: dict[str, Any] = {}
        for kind in SHAPES:
            net = norm.synchronise(nn.Sequential(layer(kind)), device="cpu")
            assert isinstance(net[0], norm.SharedNorm)
            found[kind] = run(kind, net[0])
        found["frozen"] = frozen()
        found["shared"] = shared()
    return found


def frozen() -> tuple[bool, list[str]]:
    """What was in evaluation mode stays there."""
    net = nn.Sequential(nn.Linear(2, 5), layer("rows").eval())
    names = list(net.state_dict())
    net = norm.synchronise(net, device="cpu")
    return net[1].training, [*names, "|", *net.state_dict()]


def shared() -> tuple[bool, bool, bool]:
    """One normalisation that is part of two modules stays one, with the parameters that it had."""
    one = layer("rows")
    net = nn.ModuleDict({"first": nn.Sequential(one), "second": nn.Sequential(nn.Linear(2, 5), one)})
    norm.synchronise(net, device="cpu")
    found = net["first"][0]
    return isinstance(found, norm.SharedNorm), found is net["second"][1], found.weight is one.weight


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return together(work, tmp_path_factory.mktemp("two"))


@pytest.mark.parametrize("kind", SHAPES)
def test_it_is_torchs_on_the_whole_batch(kind: str, found: Any) -> None:
    expected = run(kind, layer(kind))
    close = {"rtol": 0, "atol": 0.05 if kind == "half" else 1e-10}
    parts = [part[kind] for part in found]
    for name in [*(f"outputs {step}" for step in range(STEPS)), "without gradient", "evaluated"]:
        whole = torch.cat([part[name] for part in parts])
        assert whole.dtype == expected[name].dtype
        torch.testing.assert_close(whole, expected[name], **close)
    for step in range(STEPS):
        whole = torch.cat([part[f"inputs {step}"] for part in parts])
        torch.testing.assert_close(whole, expected[f"inputs {step}"], **close)
    for name, gradient in expected["gradients"].items():
        torch.testing.assert_close(sum(part["gradients"][name] for part in parts), gradient, **close)
    for part in parts:
        torch.testing.assert_close(part["state"], expected["state"], **close)
    assert all(torch.equal(value, parts[1]["state"][name]) for name, value in parts[0]["state"].items())


def test_statistics_are_those_of_a_slow_loop(found: Any) -> None:
    """The running variance is the unbiased one: divided by one less than all numbers of all processes."""
    mean, variance = torch.zeros(5, dtype=torch.float64), torch.ones(5, dtype=torch.float64)
    for step in range(STEPS + 1):
        inputs, _ = given("images", step)
        for channel in range(5):
            numbers = [float(number) for number in inputs[:, channel].flatten()]
            average = sum(numbers) / len(numbers)
            spread = sum((number - average) ** 2 for number in numbers) / (len(numbers) - 1)
            mean[channel] += 0.3 * (average - mean[channel])
            variance[channel] += 0.3 * (spread - variance[channel])
    for part in found:
        torch.testing.assert_close(part["images"]["state"]["running_mean"], mean, rtol=0, atol=1e-10)
        torch.testing.assert_close(part["images"]["state"]["running_var"], variance, rtol=0, atol=1e-10)
        assert int(part["images"]["state"]["num_batches_tracked"]) == STEPS + 1


def test_modes_and_names_and_shared_layers_stay(found: Any) -> None:
    for part in found:
        training, names = part["frozen"]
        assert not training
        before, after = " ".join(names).split(" | ")
        assert before == after
        assert part["shared"] == (True, True, True)


def test_one_process_keeps_torchs_own() -> None:
    net = nn.Sequential(nn.Linear(2, 5), nn.BatchNorm1d(5))
    assert norm.synchronise(net, device="cpu") is net
    assert type(net[1]) is nn.BatchNorm1d


def test_on_cards_torchs_own_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "share", lambda: processes.Share(0, 2))
    net = norm.synchronise(nn.Sequential(nn.Linear(2, 5), nn.BatchNorm1d(5)), device="cuda")
    assert isinstance(net[1], nn.SyncBatchNorm)
