"""MoCHi against a plain restatement, query by query, and against MoCo, which it is without points."""

from __future__ import annotations

import copy
import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repro.errors import JobFailed
from repro.lab import processes
from repro.lab.batch import Batch, Negative
from repro.lab.blocks import norm
from repro.lab.methods import mochi, moco
from tests.lab.methods.checks import fallen, goes_on_to_the_bit
from tests.lab.methods.test_moco import Tiny, batch, setting
from tests.lab.methods.test_moco import given as at_first
from tests.lab.several import together

DIALS: dict[str, Any] = {"queue": 24, "momentum": 0.9, "temperature": 0.2, "shuffle_groups": 1}
MIXED: dict[str, Any] = {"hardest": 6, "between_negatives": 5, "with_query": 3, "warmup_epochs": 0}


def method(seed: int = 0, **changes: Any) -> mochi.MoCHi:
    return mochi.build(mochi.Recipe(**{**DIALS, **MIXED, **changes}), Tiny(seed), setting=setting())


def given(*views: Tensor, negatives: tuple[Negative, ...] = (), step: int = 0) -> Batch:
    return dataclasses.replace(at_first(*views, negatives=negatives), step=step)


def draws(seed: int) -> tuple[Tensor, Tensor]:
    """What a step draws: which of the hardest, i, j and j' side by side, and how much, a and 2 b."""
    random = torch.Generator().manual_seed(seed)
    return torch.randint(6, (8, 13), generator=random), torch.rand(8, 8, generator=random)


def restated(z: Tensor, key: Tensor, queue: Tensor, picked: Tensor, weights: Tensor, ns: list[Tensor]) -> Tensor:
    """Loss of one query: its hardest keys in order, its five and three points one by one, then log-sum-exp."""
    hard = sorted(queue, key=lambda n: -float(z.detach() @ n))[:6]
    points = []
    for k in range(5):
        a = weights[k]
        points.append(a * hard[int(picked[k])] + (1 - a) * hard[int(picked[5 + k])])
    for k in range(3):
        b = weights[5 + k] / 2
        points.append(b * z.detach() + (1 - b) * hard[int(picked[10 + k])])
    points = [point / point.norm() for point in points]
    others = [z @ n for n in [*queue, *points]] + [2.0 * (z @ n) for n in ns]
    logits = torch.stack([z @ key, *others]) / 0.2
    return logits.logsumexp(0) - logits[0]


@pytest.mark.parametrize("negatives", [0, 1])
def test_steps_are_those_of_the_paper(negatives: int) -> None:
    ours, net = method(), Tiny(0)
    slow, queue, place = copy.deepcopy(net), ours.queue.rows.clone(), 0
    optimizers = [torch.optim.SGD(part.parameters(), lr=0.3, momentum=0.9) for part in (ours.encoder, net)]
    for step in range(4):
        first, second, *others = batch(step)
        added = tuple(Negative(other, 2.0) for other in others[:negatives])
        world = given(first, second, negatives=added, step=step)
        loss = ours(world, generator=torch.Generator().manual_seed(step))
        q = F.normalize(net(first), dim=1)
        with torch.no_grad():
            for behind, ahead in zip(slow.parameters(), net.parameters(), strict=True):
                behind.copy_(0.9 * behind + (1 - 0.9) * ahead)
            keys = F.normalize(slow(second), dim=1)
            ns = [F.normalize(slow(other), dim=1) for other in others[:negatives]]
        picked, weights = draws(step)
        of_queries = [
            restated(q[i], keys[i], queue.clone(), picked[i], weights[i], [other[i] for other in ns]) for i in range(8)
        ]
        expected = torch.stack(of_queries).mean()
        queue[place : place + 8], place = keys, (place + 8) % 24
        assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
        for value, optimizer in zip((loss, expected), optimizers, strict=True):
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
    torch.testing.assert_close(ours.encoder.state_dict(), net.state_dict(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("changes", [{"between_negatives": 0, "with_query": 0}, {"warmup_epochs": 1}])
def test_without_points_it_is_moco(changes: dict[str, int]) -> None:
    """Also before the warm-up is done: an epoch has four steps."""
    ours, plain = method(**changes), moco.build(moco.Recipe(**DIALS), Tiny(0), setting=setting())
    for step in range(4):
        first, second, other, _ = batch(step)
        world = given(first, second, negatives=(Negative(other, 2.0),), step=step)
        losses = [net(world, generator=torch.Generator().manual_seed(0)) for net in (ours, plain)]
        assert losses[0].item() == losses[1].item()


def test_points_join_once_the_warm_up_is_done_and_make_the_loss_larger() -> None:
    first, second, *_ = batch(0)
    plain = moco.build(moco.Recipe(**DIALS), Tiny(0), setting=setting())(given(first, second), generator=None)
    for step, larger in ((0, False), (7, False), (8, True), (30, True)):
        found = method(warmup_epochs=2)(given(first, second, step=step), generator=torch.Generator())
        assert bool(found > plain) == larger


def test_gradients_flow_through_the_query_and_not_through_the_points() -> None:
    ours = method()
    first, second, other, _ = (images.requires_grad_() for images in batch(0))
    ours(given(first, second, negatives=(Negative(other, 2.0),)), generator=torch.Generator()).backward()
    assert first.grad is not None
    assert float(first.grad.abs().sum()) > 0
    assert second.grad is None
    assert other.grad is None
    assert all(parameter.grad is None for parameter in ours.key_encoder.parameters())
    queries, queue = F.normalize(torch.randn(8, 5), dim=1), ours.queue.rows
    points = ours._mixed(queries, torch.cat([queries[:, :1], queries @ queue.T], dim=1), queue, torch.Generator())
    assert points.shape == (8, 8, 5)
    assert not points.requires_grad


def test_points_are_mixed_from_the_queue_alone() -> None:
    """A non-semantic negative may be nearer than any key; it is in the denominator once, and nowhere mixed in."""
    first, second, *_ = batch(0)
    losses = []
    for other in (batch(3)[0], first):  # with alpha = 0 its own term is 1, whatever image it is
        world = given(first, second, negatives=(Negative(other, 0.0),))
        losses.append(method()(world, generator=torch.Generator().manual_seed(0)).item())
    assert losses[0] == losses[1]


def stepped(net: nn.Module, optimizer: torch.optim.Optimizer, step: int) -> Tensor:
    first, second, other, _ = batch(step)
    world = given(first, second, negatives=(Negative(other, 2.0),), step=step)
    loss: Tensor = net(world, generator=torch.Generator().manual_seed(step))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


def test_a_loaded_state_goes_on_to_the_bit() -> None:
    whole, fresh = method(0, shuffle_groups=2), method(1, shuffle_groups=2)
    goes_on_to_the_bit(
        whole, fresh, lambda net: torch.optim.SGD(net.encoder.parameters(), lr=0.1, momentum=0.9), stepped
    )


def one_of_several(rank: int) -> tuple[float, dict[str, Tensor], Tensor]:
    """A step on this process's rows: mean loss, gradients, queue."""
    with processes.joined("cpu"):
        ours = norm.synchronise(method(), device="cpu")
        first, second, other, _ = batch(0)
        own: Batch = processes.share().part(given(first, second, negatives=(Negative(other, 2.0),)))
        loss = ours(own, generator=torch.Generator().manual_seed(0))
        loss.backward()
        processes.average_gradients(ours)
        grads = {name: part.grad for name, part in ours.encoder.named_parameters()}
        return float(processes.average(loss.detach())), grads, ours.queue.rows


def test_two_processes_do_what_one_does(tmp_path: Path) -> None:
    ours = method()
    first, second, other, _ = batch(0)
    world = given(first, second, negatives=(Negative(other, 2.0),))
    loss = ours(world, generator=torch.Generator().manual_seed(0))
    loss.backward()
    for found, grads, queue in together(one_of_several, tmp_path / "two"):
        assert found == pytest.approx(loss.item(), rel=1e-5)
        torch.testing.assert_close(queue, ours.queue.rows)
        for name, parameter in ours.encoder.named_parameters():
            torch.testing.assert_close(grads[name], parameter.grad, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hardest": 25}, "method.hardest: expected 1 to 24, as many as method.queue has, found 25"),
        ({"hardest": 0}, "method.hardest: expected 1 to 24, as many as method.queue has, found 0"),
        ({"shuffle_groups": 3}, "method.shuffle_groups: a batch of 8 cannot be cut into 3 equal groups"),
    ],
)
def test_what_does_not_fit_is_told(changes: dict[str, int], message: str) -> None:
    with pytest.raises(JobFailed) as caught:
        method(**changes)
    assert str(caught.value) == message


def test_a_job_trains_it_and_the_loss_falls(recipe: Any, folder: Path, tmp_path: Path) -> None:
    recipe["method"] |= {"name": "mochi", **MIXED, "warmup_epochs": 1}
    recipe["training"] |= {"epochs": 8, "warmup_epochs": 0.0}
    assert fallen(recipe, folder, tmp_path, lr=0.06) < 0.97
