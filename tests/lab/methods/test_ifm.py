"""IFM against a plain restatement of adv_builder.py and its loop, and against MoCo, which it is at epsilon = 0."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repro.errors import JobFailed
from repro.lab.batch import Negative
from repro.lab.methods import ifm, moco
from tests.lab.methods.checks import fallen, goes_on_to_the_bit
from tests.lab.methods.test_moco import Tiny, batch, given, setting

DIALS: dict[str, Any] = {"queue": 24, "momentum": 0.9, "temperature": 0.2, "shuffle_groups": 1}


def method(seed: int = 0, **changes: Any) -> ifm.IFM:
    return ifm.build(ifm.Recipe(**{**DIALS, "epsilon": 0.1, "weight": 0.5, **changes}), Tiny(seed), setting=setting())


class Released:
    """adv_builder.MoCo as one process runs it, and the loss of main_moco.train."""

    def __init__(self, net: nn.Module, queue: Tensor) -> None:
        self.encoder_q, self.encoder_k = net, copy.deepcopy(net)
        self.queue, self.ptr = queue.clone(), 0

    def loss(self, im_q: Tensor, im_k: Tensor) -> Tensor:
        q = F.normalize(self.encoder_q(im_q), dim=1)
        with torch.no_grad():
            for param_q, param_k in zip(self.encoder_q.parameters(), self.encoder_k.parameters(), strict=True):
                param_k.data = param_k.data * 0.9 + param_q.data * (1.0 - 0.9)
            k = F.normalize(self.encoder_k(im_k), dim=1)
        l_pos = torch.einsum("nc,nc->n", [q, k]).unsqueeze(-1)
        l_neg = torch.einsum("nc,ck->nk", [q, self.queue.clone()])
        logits = torch.cat([l_pos, l_neg], dim=1) / 0.2
        logits_adv = torch.cat([l_pos - 0.1, l_neg + 0.1], dim=1) / 0.2
        self.queue[:, self.ptr : self.ptr + len(k)] = k.T
        self.ptr = (self.ptr + len(k)) % self.queue.shape[1]
        labels = torch.zeros(len(q), dtype=torch.long)
        return (F.cross_entropy(logits, labels) + 0.5 * F.cross_entropy(logits_adv, labels)) / (1 + 0.5)


def test_steps_are_those_of_the_released_code() -> None:
    ours = method()
    theirs = Released(Tiny(0), ours.queue.rows.T)
    optimizers = [torch.optim.SGD(net.parameters(), lr=0.3, momentum=0.9) for net in (ours.encoder, theirs.encoder_q)]
    for step in range(5):  # the queue of three batches comes round
        first, second, *_ = batch(step)
        losses = ours(given(first, second), generator=torch.Generator()), theirs.loss(first, second)
        assert losses[0].item() == pytest.approx(losses[1].item(), rel=1e-5)
        for value, optimizer in zip(losses, optimizers, strict=True):
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
        torch.testing.assert_close(ours.queue.rows.T, theirs.queue)
    torch.testing.assert_close(ours.encoder.state_dict(), theirs.encoder_q.state_dict())
    torch.testing.assert_close(ours.key_encoder.state_dict(), theirs.encoder_k.state_dict())


def test_without_perturbation_it_is_moco() -> None:
    ours, plain = method(epsilon=0.0), moco.build(moco.Recipe(**DIALS), Tiny(0), setting=setting())
    for step in range(3):
        first, second, other, _ = batch(step)
        world = given(first, second, negatives=(Negative(other, 2.0),))
        losses = [net(world, generator=torch.Generator()).item() for net in (ours, plain)]
        assert losses[0] == pytest.approx(losses[1], rel=1e-6)  # the encoder is single precision
    assert torch.equal(ours.queue.rows, plain.queue.rows)


def test_gradients_flow_through_the_query_alone() -> None:
    ours = method()
    first, second, other, _ = (images.requires_grad_() for images in batch(0))
    ours(given(first, second, negatives=(Negative(other, 2.0),)), generator=torch.Generator()).backward()
    assert first.grad is not None
    assert float(first.grad.abs().sum()) > 0
    assert second.grad is None
    assert other.grad is None
    assert all(parameter.grad is None for parameter in ours.key_encoder.parameters())
    assert all(parameter.grad is not None for parameter in ours.encoder.parameters())
    assert not ours.queue.rows.requires_grad


def test_negatives_join_the_denominator() -> None:
    first, second, other, _ = batch(0)
    plain = method()(given(first, second), generator=torch.Generator())
    more = method()(given(first, second, negatives=(Negative(other, 2.0),)), generator=torch.Generator())
    assert more > plain


def stepped(net: nn.Module, optimizer: torch.optim.Optimizer, step: int) -> Tensor:
    first, second, other, _ = batch(step)
    world = given(first, second, negatives=(Negative(other, 2.0),))
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


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"queue": 20},
            "method.queue: 20 is not a multiple of the batch of 8, so the last keys would not fit; "
            "the nearest that is one is 16",
        ),
        ({"shuffle_groups": 3}, "method.shuffle_groups: a batch of 8 cannot be cut into 3 equal groups"),
    ],
)
def test_what_does_not_fit_is_told(changes: dict[str, int], message: str) -> None:
    with pytest.raises(JobFailed) as caught:
        method(**changes)
    assert str(caught.value) == message


def test_a_job_trains_it_and_the_loss_falls(recipe: Any, folder: Path, tmp_path: Path) -> None:
    recipe["method"] |= {"name": "ifm", "epsilon": 0.1, "weight": 1.0}
    recipe["training"] |= {"epochs": 8, "warmup_epochs": 0.0}
    assert fallen(recipe, folder, tmp_path, lr=0.06) < 0.97
