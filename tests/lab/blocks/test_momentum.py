"""The slow copy, embeddings by groups, and what shuffling is for: that batch statistics do not tell query and key."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Generator, Tensor, nn

from repro.errors import JobFailed
from repro.lab.batch import Setting
from repro.lab.blocks.momentum import check_groups, embed, embed_shuffled, follow, slow_copy


class Company(nn.Module):
    """Gives (1, what the image shows, the mean of what all images of its forward pass show)."""

    def forward(self, images: Tensor) -> Tensor:
        shown = images.flatten(1).mean(1)
        return torch.stack([torch.ones_like(shown), shown, shown.mean().expand_as(shown)], dim=1)


def read(embedded: Tensor) -> tuple[Tensor, Tensor]:
    """What each image showed and what its company showed, from embeddings of unit length."""
    return embedded[:, 1] / embedded[:, 0], embedded[:, 2] / embedded[:, 0]


def pictures(count: int, seed: int) -> Tensor:
    """Images of one colour each, all different."""
    return torch.rand(count, generator=Generator().manual_seed(seed)).view(-1, 1, 1, 1).expand(-1, 3, 2, 2)


def setting(batch: int) -> Setting:
    return Setting(batch=batch, images=64, classes=2, epoch_steps=4, steps=40, seed=0)


def test_embeddings_have_unit_length_and_the_companions_of_their_group() -> None:
    shown = torch.tensor([1.0, 3.0, 5.0, 7.0, 2.0, 4.0, 6.0, 8.0])
    images = shown.view(-1, 1, 1, 1).expand(-1, 3, 2, 2)
    for groups, companies in ((1, [4.5] * 8), (2, [4.0] * 4 + [5.0] * 4), (4, [2.0, 2, 6, 6, 3, 3, 7, 7])):
        embedded = embed(Company(), images, groups=groups)
        torch.testing.assert_close(embedded.norm(dim=1), torch.ones(8))
        found, company = read(embedded)
        torch.testing.assert_close(found, shown)
        torch.testing.assert_close(company, torch.tensor(companies))


def test_half_precision_is_widened_before_it_is_normalised() -> None:
    assert embed(nn.Identity(), torch.rand(4, 3).bfloat16(), groups=1).dtype == torch.float32


def test_shuffled_images_come_back_in_their_places_with_the_companions_of_the_shuffle() -> None:
    images = pictures(12, 0)
    found, company = read(embed_shuffled(Company(), images, groups=3, generator=Generator().manual_seed(5)))
    torch.testing.assert_close(found, images[:, 0, 0, 0])
    order = torch.randperm(12, generator=Generator().manual_seed(5)).tolist()
    for start in (0, 4, 8):
        members = order[start : start + 4]
        mean = sum(float(images[member, 0, 0, 0]) for member in members) / 4
        assert [float(company[member]) for member in members] == pytest.approx([mean] * 4)


def test_without_the_shuffle_the_batch_statistics_tell_which_keys_a_query_may_have() -> None:
    """What a network could cheat by: of all keys those whose company is most like the query's.

    Not shuffled, they are 16 of the 32 and the right one is always among them. Shuffled, the company of no key is that
    of any query, and the right one is among the likeliest as often as by chance, 1 in 2, or a little more where more
    than 8 of the query's companions came to one half: 9.1 of 16 in the mean.
    """
    hits = []
    for seed in range(50):
        first = pictures(32, seed)
        second = first + 0.001 * pictures(32, seed + 1000)  # another view of the same
        _, of_queries = read(embed(Company(), first, groups=2))
        _, plain = read(embed(Company(), second, groups=2))
        _, shuffled = read(embed_shuffled(Company(), second, groups=2, generator=Generator().manual_seed(seed)))
        likeliest = nearest(of_queries, plain)
        assert likeliest.sum(1).tolist() == [16] * 32
        assert likeliest.diagonal().all()
        assert not set((of_queries * 1e5).long().tolist()) & set((shuffled * 1e5).long().tolist())
        hits.append(float(nearest(of_queries, shuffled).diagonal().float().mean()))
    assert 0.45 < sum(hits) / len(hits) < 0.6


def nearest(queries: Tensor, keys: Tensor) -> Tensor:
    """(N, N) which keys' company is as like that of each query as any is."""
    apart = (queries[:, None] - keys).abs()
    return apart < apart.min(1, keepdim=True).values + 1e-6


def test_a_shuffle_leaves_about_half_of_the_companions() -> None:
    """Of the 15 companions of a query in its half of 32 images, 15 x 15 / 31 are expected in the half of its key."""
    kept = []
    for seed in range(400):
        order = torch.randperm(32, generator=Generator().manual_seed(seed))
        images = torch.zeros(32, 3, 2, 2)
        images[1:16] = 1  # the companions of query 0 in the first half
        _, company = read(embed_shuffled(Company(), images, groups=2, generator=Generator().manual_seed(seed)))
        kept.append(float(company[0]) * 16)
        assert round(kept[-1]) == len({*range(1, 16)} & set(order.view(2, 16)[int(order.argsort()[0]) // 16].tolist()))
    assert sum(kept) / len(kept) == pytest.approx(15 * 15 / 31, abs=4 * 1.4 / math.sqrt(400))


def test_one_group_is_not_shuffled_and_draws_nothing() -> None:
    random = Generator().manual_seed(1)
    before = random.get_state()
    images = pictures(8, 0)
    assert torch.equal(
        embed_shuffled(Company(), images, groups=1, generator=random), embed(Company(), images, groups=1)
    )
    assert torch.equal(random.get_state(), before)


def test_the_slow_copy_follows_by_the_momentum_and_no_gradient_reaches_it() -> None:
    fast = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    slow = slow_copy(fast)
    first = [parameter.detach().tolist() for parameter in fast.parameters()]
    for step in range(3):
        with torch.no_grad():
            for parameter in fast.parameters():
                parameter.add_(step + 1.0)
            fast[1].running_mean.fill_(9.0)
            follow(slow, fast, momentum=0.75)
    rise = 0.75 * (0.75 * (0.25 * 1) + 0.25 * 3) + 0.25 * 6  # of 1, 3 and 6 above the first
    for parameter, start in zip(slow.parameters(), first, strict=True):
        assert not parameter.requires_grad
        torch.testing.assert_close(parameter, torch.tensor(start) + rise)
    assert slow[1].running_mean.tolist() == [0.0, 0.0]  # statistics are its own
    slow(torch.ones(2, 2)).sum()
    assert all(parameter.requires_grad for parameter in fast.parameters())


def test_groups_that_do_not_fit_are_told() -> None:
    check_groups(4, setting(16))
    with pytest.raises(JobFailed) as caught:
        check_groups(3, setting(16))
    assert str(caught.value) == "method.shuffle_groups: a batch of 16 cannot be cut into 3 equal groups"
