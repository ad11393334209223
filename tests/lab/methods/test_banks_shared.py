"""Two processes do what one does: the methods with a bank, and the one with a jigsaw."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from repro.lab import processes
from repro.lab.batch import Batch, Setting
from repro.lab.blocks import norm
from repro.lab.blocks.pair import Pair
from repro.lab.methods import cmc, infomin, insdis, supervised
from tests.lab.methods.test_infomin import Tiny
from tests.lab.several import together

SETTING = Setting(batch=8, images=24, classes=3, epoch_steps=3, steps=30, seed=0)


def half(channels: int) -> Tiny:
    net = Tiny(channels)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(channels)
        net.layers[0] = nn.Conv2d(channels, 4, 3)
    return net


def methods() -> dict[str, Any]:
    bank: dict[str, Any] = {"samples": 7, "momentum": 0.5, "temperature": 0.2, "loss": "softmax"}
    queue: dict[str, Any] = {"queue": 24, "momentum": 0.9, "temperature": 0.2, "shuffle_groups": 2}
    pieces = {"jigsaw_weight": 0.5, "jigsaw_grid": 3, "jigsaw_piece": 4}
    return {
        "insdis": insdis.build(insdis.Recipe(**bank), Tiny(0), setting=SETTING),
        "cmc": cmc.build(cmc.Recipe(**bank), Pair(half(1), half(2)), setting=SETTING),
        "infomin": infomin.build(infomin.Recipe(**queue, **pieces), Tiny(0), setting=SETTING),
        "supervised": supervised.build(supervised.Recipe(), Tiny(0), setting=SETTING),
    }


def train(_rank: int) -> dict[str, dict[str, Tensor]]:
    """The state of each method after three steps, and the loss of the last over all processes."""
    found = {}
    with processes.joined("cpu"):
        share = processes.share()
        for name, method in methods().items():
            if method.groups == 1:
                method = norm.synchronise(method, device="cpu")
            for step in range(3):
                random = torch.Generator().manual_seed(step)
                sides = (6, 6, 17)[: method.views]
                views = tuple(torch.randn(8, 3, side, side, generator=random) for side in sides)
                places = torch.randperm(24, generator=random)[:8]
                batch = share.part(Batch(views, (), places, places % 3, step))
                loss = method(batch, generator=torch.Generator().manual_seed(step))
                method.zero_grad()
                loss.backward()
                processes.average_gradients(method)
                with torch.no_grad():
                    for part in method.parameters():
                        if part.grad is not None:
                            part.sub_(0.3 * part.grad)
            running = ("running_mean", "running_var")  # with groups they are those of the process
            state = {key: part for key, part in method.state_dict().items() if not key.endswith(running)}
            found[name] = {**state, "loss": processes.average(loss.detach())}
    return found


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, dict[str, Tensor]]]:
    return together(train, tmp_path_factory.mktemp("two"))


@pytest.mark.parametrize("name", ["insdis", "cmc", "infomin", "supervised"])
def test_two_processes_do_what_one_does(name: str, found: list[dict[str, dict[str, Tensor]]]) -> None:
    alone = train(0)[name]
    for shared in (found[0][name], found[1][name]):
        for key, part in alone.items():
            if "num_batches" not in key:
                torch.testing.assert_close(shared[key], part, rtol=1e-4, atol=1e-5, msg=lambda t, k=key: f"{k}: {t}")
    memory = [key for key in alone if key.endswith("rows")]
    assert all(torch.equal(found[0][name][key], found[1][name][key]) for key in memory)
