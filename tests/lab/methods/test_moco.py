"""MoCo against a plain restatement of the official builder, written from its order of operations."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repro.errors import JobFailed
from repro.lab.batch import Batch, Negative, Setting
from repro.lab.blocks.momentum import embed, embed_shuffled
from repro.lab.methods import moco


class Tiny(nn.Module):
    """A convolution and batch normalisation: enough for batch statistics to matter."""

    feature_size = 4
    outputs = 5

    def __init__(self, seed: int) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.layers = nn.Sequential(
                nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 5)
            )

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images)


class Official:
    """moco/builder.py and the loop around it, as one process runs it: D x K queue, einsum, cat, cross-entropy."""

    def __init__(self, net: nn.Module, queue: Tensor, *, m: float, T: float) -> None:
        self.encoder_q, self.encoder_k = net, copy.deepcopy(net)
        for parameter in self.encoder_k.parameters():
            parameter.requires_grad = False
        self.queue, self.ptr, self.m, self.T = queue.clone(), 0, m, T

    def forward(self, im_q: Tensor, im_k: Tensor, im_ns: list[Tensor], alpha: float) -> tuple[Tensor, Tensor]:
        q = nn.functional.normalize(self.encoder_q(im_q), dim=1)
        with torch.no_grad():
            for param_q, param_k in zip(self.encoder_q.parameters(), self.encoder_k.parameters(), strict=True):
                param_k.data = param_k.data * self.m + param_q.data * (1.0 - self.m)
            k = nn.functional.normalize(self.encoder_k(im_k), dim=1)
            n = [nn.functional.normalize(self.encoder_k(im), dim=1) for im in im_ns]
        l_pos = torch.einsum("nc,nc->n", [q, k]).unsqueeze(-1)
        l_neg = torch.einsum("nc,ck->nk", [q, self.queue.clone().detach()])
        l_ns = [alpha * torch.einsum("nc,nc->n", [q, one]).unsqueeze(-1) for one in n]
        logits = torch.cat([l_pos, l_neg, *l_ns], dim=1) / self.T
        self.queue[:, self.ptr : self.ptr + len(k)] = k.T
        self.ptr = (self.ptr + len(k)) % self.queue.shape[1]
        return logits, torch.zeros(len(q), dtype=torch.long)


class OfficialOnTwo:
    """The same as two cards run it side by side: shuffling BN, a loss on each card, gradients averaged, one queue.

    Weights are equal on both cards, so one copy serves here; each forward pass is one card's, with its statistics.
    """

    def __init__(self, net: nn.Module, queue: Tensor, *, m: float, T: float) -> None:
        self.encoder_q, self.encoder_k = net, copy.deepcopy(net)
        for parameter in self.encoder_k.parameters():
            parameter.requires_grad = False
        self.queue, self.ptr, self.m, self.T = queue.clone(), 0, m, T

    def forward(
        self, im_q: list[Tensor], im_k: list[Tensor], im_ns: list[list[Tensor]], alpha: float, random: torch.Generator
    ) -> Tensor:
        """Each of the images is a list of two, one card's each; the mean of the two cards' losses."""
        q = [nn.functional.normalize(self.encoder_q(im), dim=1) for im in im_q]
        with torch.no_grad():
            for param_q, param_k in zip(self.encoder_q.parameters(), self.encoder_k.parameters(), strict=True):
                param_k.data = param_k.data * self.m + param_q.data * (1.0 - self.m)
            k = self.shuffled(im_k, random)
            n = [self.shuffled(im, random) for im in im_ns]
        losses = []
        for gpu in (0, 1):
            l_pos = torch.einsum("nc,nc->n", [q[gpu], k[gpu]]).unsqueeze(-1)
            l_neg = torch.einsum("nc,ck->nk", [q[gpu], self.queue.clone().detach()])
            l_ns = [alpha * torch.einsum("nc,nc->n", [q[gpu], one[gpu]]).unsqueeze(-1) for one in n]
            logits = torch.cat([l_pos, l_neg, *l_ns], dim=1) / self.T
            losses.append(F.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long)))
        keys = torch.cat(k)  # concat_all_gather
        self.queue[:, self.ptr : self.ptr + len(keys)] = keys.T
        self.ptr = (self.ptr + len(keys)) % self.queue.shape[1]
        return (losses[0] + losses[1]) / 2

    def shuffled(self, im: list[Tensor], random: torch.Generator) -> list[Tensor]:
        """_batch_shuffle_ddp, the key encoder on each card, _batch_unshuffle_ddp."""
        x_gather = torch.cat(im)
        idx_shuffle = torch.randperm(len(x_gather), generator=random)
        idx_unshuffle = torch.argsort(idx_shuffle)
        k = [nn.functional.normalize(self.encoder_k(x_gather[idx_shuffle.view(2, -1)[gpu]]), dim=1) for gpu in (0, 1)]
        return [torch.cat(k)[idx_unshuffle.view(2, -1)[gpu]] for gpu in (0, 1)]


def recipe(**changes: object) -> moco.Recipe:
    values: dict[str, object] = {"queue": 24, "momentum": 0.9, "temperature": 0.2, "shuffle_groups": 1}
    return moco.Recipe(**{**values, **changes})  # type: ignore[arg-type]


def setting(batch: int = 8, seed: int = 0) -> Setting:
    return Setting(batch=batch, images=64, classes=2, epoch_steps=4, steps=40, seed=seed)


def given(*views: Tensor, negatives: tuple[Negative, ...] = ()) -> Batch:
    count = len(views[0])
    return Batch(views, negatives, torch.arange(count), torch.full((count,), -1), 0)


def batch(step: int) -> list[Tensor]:
    random = torch.Generator().manual_seed(step)
    return [torch.randn(8, 3, 6, 6, generator=random) for _ in range(4)]


@pytest.mark.parametrize("negatives", [0, 1, 2])
def test_steps_are_those_of_the_official_code(negatives: int) -> None:
    ours = moco.build(recipe(), Tiny(0), setting=setting(seed=5))
    theirs = Official(Tiny(0), ours.queue.rows.T, m=0.9, T=0.2)
    descend = [torch.optim.SGD(net.parameters(), lr=0.3, momentum=0.9) for net in (ours.encoder, theirs.encoder_q)]
    for step in range(5):  # the queue of three batches comes round
        first, second, *others = batch(step)
        added = [Negative(images, 2.0) for images in others[:negatives]]
        loss = ours(given(first, second, negatives=tuple(added)), generator=torch.Generator())
        expected = F.cross_entropy(*theirs.forward(first, second, others[:negatives], 2.0))
        assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
        for value, optimizer in zip((loss, expected), descend, strict=True):
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
        torch.testing.assert_close(ours.queue.rows.T, theirs.queue)
    torch.testing.assert_close(ours.encoder.state_dict(), theirs.encoder_q.state_dict())
    torch.testing.assert_close(ours.key_encoder.state_dict(), theirs.encoder_k.state_dict())
    assert int(ours.queue.place) == theirs.ptr == 40 % 24


@pytest.mark.parametrize("negatives", [0, 1, 2])
def test_steps_in_two_groups_are_those_of_the_official_code_on_two_cards(negatives: int) -> None:
    ours = moco.build(recipe(shuffle_groups=2, queue=32), Tiny(0), setting=setting(seed=5))
    theirs = OfficialOnTwo(Tiny(0), ours.queue.rows.T, m=0.9, T=0.2)
    descend = [
        torch.optim.SGD(net.parameters(), lr=0.3, momentum=0.9, weight_decay=1e-2)
        for net in (ours.encoder, theirs.encoder_q)
    ]
    for step in range(6):  # the queue of four batches comes round
        first, second, *others = batch(step)
        added = tuple(Negative(images, 2.0) for images in others[:negatives])
        loss = ours(given(first, second, negatives=added), generator=torch.Generator().manual_seed(step))
        cards = [list(images.chunk(2)) for images in (first, second, *others)]
        random = torch.Generator().manual_seed(step)
        expected = theirs.forward(cards[0], cards[1], cards[2 : 2 + negatives], 2.0, random)
        assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
        for value, optimizer in zip((loss, expected), descend, strict=True):
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
        torch.testing.assert_close(ours.queue.rows.T, theirs.queue)
        assert int(ours.queue.place) == theirs.ptr == (step + 1) * 8 % 32
    torch.testing.assert_close(ours.encoder.state_dict(), theirs.encoder_q.state_dict())
    torch.testing.assert_close(ours.key_encoder.state_dict(), theirs.encoder_k.state_dict())


def test_gradients_flow_through_the_query_alone() -> None:
    method = moco.build(recipe(), Tiny(0), setting=setting(seed=0))
    first, second, other, _ = (images.requires_grad_() for images in batch(0))
    method(given(first, second, negatives=(Negative(other, 2.0),)), generator=torch.Generator()).backward()
    assert first.grad is not None
    assert float(first.grad.abs().sum()) > 0
    assert second.grad is None
    assert other.grad is None
    assert all(parameter.grad is None for parameter in method.key_encoder.parameters())
    assert all(parameter.grad is not None for parameter in method.encoder.parameters())


def test_negatives_do_not_join_the_queue() -> None:
    queues = []
    for added in ((), (Negative(batch(0)[2], 2.0),)):
        method = moco.build(recipe(), Tiny(0), setting=setting(seed=0))
        method(given(*batch(0)[:2], negatives=added), generator=torch.Generator())
        queues.append(method.queue.rows.clone())
    assert torch.equal(*queues)


def test_queue_starts_normalised_and_depends_on_the_seed() -> None:
    queues = [moco.build(recipe(), Tiny(0), setting=setting(seed=seed)).queue.rows for seed in (0, 0, 1)]
    torch.testing.assert_close(queues[0].norm(dim=1), torch.ones(24))
    assert torch.equal(queues[0], queues[1])
    assert not torch.equal(queues[0], queues[2])


def test_groups_have_batch_statistics_of_their_own_and_keys_are_shuffled() -> None:
    """With two groups the queries are those of two halves; the keys are those of two random halves, put back."""
    method = moco.build(recipe(shuffle_groups=2), Tiny(0), setting=setting(seed=0)).train()
    first, second, *_ = batch(0)
    net = Tiny(0).train()
    halves = F.normalize(torch.cat([net(first[:4]), net(first[4:])]), dim=1)
    torch.testing.assert_close(embed(method.encoder, first, groups=2), halves)
    order = torch.randperm(8, generator=torch.Generator().manual_seed(7))
    expected = torch.empty(8, 5)
    expected[order] = F.normalize(torch.cat([net(second[order][:4]), net(second[order][4:])]), dim=1).detach()
    found = embed_shuffled(method.key_encoder, second, groups=2, generator=torch.Generator().manual_seed(7))
    torch.testing.assert_close(found, expected)
    assert not torch.allclose(found, F.normalize(net(second), dim=1))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"queue": 16394},
            "method.queue: 16394 is not a multiple of the batch of 512, so the last keys would not fit; "
            "the nearest that is one is 16384",
        ),
        (
            {"queue": 100},
            "method.queue: 100 is not a multiple of the batch of 512, so the last keys would not fit; "
            "the nearest that is one is 512",
        ),
        (
            {"queue": 1024, "shuffle_groups": 3},
            "method.shuffle_groups: a batch of 512 cannot be cut into 3 equal groups",
        ),
    ],
)
def test_what_does_not_fit_is_told(changes: dict[str, object], message: str) -> None:
    with pytest.raises(JobFailed) as caught:
        moco.build(recipe(**changes), Tiny(0), setting=setting(512))
    assert str(caught.value) == message
