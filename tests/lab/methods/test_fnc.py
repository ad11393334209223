"""FNC in the batch against a plain restatement of objective.py, and against SimCLR, which it is with nothing found."""

from __future__ import annotations

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
from repro.lab.losses import false_negatives
from repro.lab.methods import fnc, simclr
from tests.lab.methods.checks import fallen, goes_on_to_the_bit
from tests.lab.methods.test_moco import Tiny, given, setting
from tests.lab.several import together

DIALS: dict[str, Any] = {"temperature": 0.2, "support_size": 2, "topk": 3, "threshold": 0.5, "strategy": "attract"}
STRATEGIES = ("eliminate", "attract")


def method(seed: int = 0, **changes: Any) -> fnc.FNC:
    return fnc.build(fnc.Recipe(**{**DIALS, **changes}), Tiny(seed), setting=setting())


def images(step: int, count: int = 4) -> list[Tensor]:
    random = torch.Generator().manual_seed(step)
    return [torch.randn(8, 3, 6, 6, generator=random) for _ in range(count)]


def released(hidden: list[Tensor], ns: list[Tensor], strategy: str, *, alpha: float) -> Tensor:
    """add_contrastive_loss as one replica runs it, its masks and its order, over 2; elimination and `ns` are ours."""
    views, batch, large = len(hidden), len(hidden[0]), 1e9
    masks = torch.eye(batch)
    masks_all = masks.tile(1, views)
    everything = torch.cat(hidden)
    all_scores = torch.stack([part @ everything.T for part in hidden], dim=1).amax(dim=1).detach()
    all_scores = all_scores - masks_all * large
    dense_mask = (all_scores > 0.5).float()
    dense_mask *= torch.zeros_like(all_scores).scatter(1, all_scores.topk(3, dim=1).indices, 1.0)
    assert dense_mask.any()
    total = torch.zeros(())
    for anchor in range(views):
        view_list, log_numerator = [], torch.zeros(batch)
        for view in range(views):
            anchor_view = hidden[anchor] @ hidden[view].T / 0.2
            if view == anchor:
                anchor_view = anchor_view - masks * large
            else:
                log_numerator = log_numerator + (anchor_view * masks).sum(1)
            view_list.append(anchor_view)
        denominator, count = torch.cat(view_list, dim=1), torch.full((batch,), views - 1.0)
        if strategy == "attract":
            log_numerator = log_numerator + (denominator * dense_mask).sum(1)
            count = count + dense_mask.sum(1)
        else:
            denominator = denominator - dense_mask * large
        extra = [(alpha * (hidden[anchor] * other).sum(1, keepdim=True)) / 0.2 for other in ns]
        total = total + (torch.cat([denominator, *extra], dim=1).logsumexp(1) - log_numerator / count).mean()
    return total * 2.0 / views / 2


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("negatives", [0, 1])
def test_steps_are_those_of_the_released_code(strategy: str, negatives: int) -> None:
    ours, net = method(strategy=strategy), Tiny(0)
    optimizers = [torch.optim.SGD(part.parameters(), lr=0.1, momentum=0.9) for part in (ours, net)]
    for step in range(3):
        *views, other = images(step, 5)
        added = tuple(Negative(part, 2.0) for part in [other][:negatives])
        loss = ours(given(*views, negatives=added), generator=torch.Generator())
        hidden = [F.normalize(net(view), dim=1) for view in views]
        ns = [F.normalize(net(part.images), dim=1) for part in added]
        expected = released(hidden, ns, strategy, alpha=2.0)
        assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
        for value, optimizer in zip((loss, expected), optimizers, strict=True):
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
    torch.testing.assert_close(ours.encoder.state_dict(), net.state_dict(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_with_two_views_and_nothing_found_it_is_simclr(strategy: str) -> None:
    first, second, other, _ = images(0)
    world = given(first, second, negatives=(Negative(other, 2.0),))
    ours = method(support_size=0, threshold=1.001, strategy=strategy)
    plain = simclr.build(simclr.Recipe(temperature=0.2), Tiny(0), setting=setting())
    losses = [net(world, generator=torch.Generator()) for net in (ours, plain)]
    assert losses[0].item() == pytest.approx(losses[1].item(), rel=1e-6)


def test_views_are_two_and_the_support() -> None:
    assert [method(support_size=size).views for size in (0, 2, 8)] == [2, 4, 10]


def test_gradients_flow_through_all_views_and_the_negatives() -> None:
    *views, other = (part.requires_grad_() for part in images(0, 5))
    ours = method()
    ours(given(*views, negatives=(Negative(other, 2.0),)), generator=torch.Generator()).backward()
    assert all(float(part.grad.abs().sum()) > 0 for part in (*views, other))
    assert all(parameter.grad is not None for parameter in ours.parameters())


def seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Tensor, Tensor]]:
    """What detection is given and what it finds, call by call."""
    calls: list[tuple[Tensor, Tensor]] = []
    detect = false_negatives.detect

    def spy(scores: Tensor, **dials: Any) -> Tensor:
        calls.append((scores, detect(scores, **dials)))
        return calls[-1][1]

    monkeypatch.setattr(false_negatives, "detect", spy)
    return calls


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_non_semantic_negative_is_never_a_false_negative(strategy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even one that is the query itself: what is found stays the same, and the loss grows by its term alone."""
    calls, views = seen(monkeypatch), images(0)
    plain = method(strategy=strategy)(given(*views), generator=torch.Generator())
    world = given(*views, negatives=(Negative(views[0], 1.0),))
    more = method(strategy=strategy)(world, generator=torch.Generator())
    (scores, found), (_, again) = calls
    assert scores.shape == found.shape == (8, 4 * 8)
    assert found.any()
    assert torch.equal(found, again)
    assert more > plain
    assert not scores.requires_grad


def test_no_view_of_an_image_is_its_own_false_negative(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = seen(monkeypatch)
    same = images(0, 1)[0][:1].expand(8, -1, -1, -1)  # every candidate has a cosine of 1 with every view
    method(topk=100)(given(*[same] * 4), generator=torch.Generator())
    own = torch.eye(8).tile(1, 4).bool()
    assert torch.equal(calls[0][1], ~own)


def stepped(net: nn.Module, optimizer: torch.optim.Optimizer, step: int) -> Tensor:
    *views, other = images(step, 5)
    loss: Tensor = net(given(*views, negatives=(Negative(other, 2.0),)), generator=torch.Generator())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


def test_a_loaded_state_goes_on_to_the_bit() -> None:
    whole, fresh = method(0), method(1)
    goes_on_to_the_bit(whole, fresh, lambda net: torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9), stepped)


def one_of_several(rank: int) -> tuple[float, dict[str, Tensor]]:
    """A step on this process's rows: mean loss, gradients."""
    with processes.joined("cpu"):
        ours = norm.synchronise(method(), device="cpu")
        *views, other = images(0, 5)
        own: Batch = processes.share().part(given(*views, negatives=(Negative(other, 2.0),)))
        loss = ours(own, generator=torch.Generator())
        loss.backward()
        processes.average_gradients(ours)
        return float(processes.average(loss.detach())), {n: part.grad for n, part in ours.encoder.named_parameters()}


def test_two_processes_do_what_one_does(tmp_path: Path) -> None:
    ours = method()
    *views, other = images(0, 5)
    loss = ours(given(*views, negatives=(Negative(other, 2.0),)), generator=torch.Generator())
    loss.backward()
    for found, grads in together(one_of_several, tmp_path / "two"):
        assert found == pytest.approx(loss.item(), rel=1e-5)
        for name, parameter in ours.encoder.named_parameters():
            torch.testing.assert_close(grads[name], parameter.grad, rtol=1e-4, atol=1e-5)


def test_a_topk_of_none_is_told() -> None:
    with pytest.raises(JobFailed) as caught:
        method(topk=0)
    assert str(caught.value) == (
        "method.topk: expected at least 1, found 0; with method.threshold above 1 none are found"
    )


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_job_trains_it_and_the_loss_falls(strategy: str, recipe: Any, folder: Path, tmp_path: Path) -> None:
    recipe["method"] = {"name": "fnc", **DIALS, "support_size": 1, "threshold": 0.9, "strategy": strategy}
    recipe["training"] |= {"epochs": 8, "warmup_epochs": 0.0}
    assert fallen(recipe, folder, tmp_path, lr=0.06) < 0.97
