"""Which images meet, and their cosines, against loops over the definition in float64."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch

from repro.errors import JobFailed
from repro.lab import similarity

RECIPE = similarity.Recipe(
    pairs=0, images="", group=4, query="view", sizes=(2, 5), overlap=True, last_offset=True, seed=0
)


def cosine(left: list[float], right: list[float]) -> float:
    dot = sum(a * b for a, b in zip(left, right, strict=True))
    return dot / math.sqrt(sum(a * a for a in left)) / math.sqrt(sum(b * b for b in right))


def test_each_cosine_is_that_of_its_pair() -> None:
    random = torch.Generator().manual_seed(0)
    query, positive, patch, texture = (torch.randn(5, 7, generator=random) for _ in range(4))
    found = similarity.compare(query, positive, patch=patch, texture=texture)
    q, p, c, t = (part.double().tolist() for part in (query, positive, patch, texture))
    every = []
    for i in range(5):
        others = [cosine(q[i], p[j]) for j in range(5) if j != i]
        every += others
        assert found.positive[i] == pytest.approx(cosine(q[i], p[i]), abs=1e-6)
        assert found.patch[i] == pytest.approx(cosine(q[i], c[i]), abs=1e-6)
        assert found.texture is not None
        assert found.texture[i] == pytest.approx(cosine(q[i], t[i]), abs=1e-6)
        assert found.standard[i] == pytest.approx(sum(others) / 4, abs=1e-6)
        assert found.standard_squares[i] == pytest.approx(sum(value**2 for value in others) / 4, abs=1e-6)
    assert found.others.tolist() == [4] * 5
    assert [int(place) for place in np.flatnonzero(found.counts)] == sorted({int((v + 1) * 1000) for v in every})


def test_length_does_not_count_and_direction_does() -> None:
    axes = torch.eye(3)
    found = similarity.compare(axes, 7 * axes, patch=axes.roll(1, 0), texture=-axes)
    assert found.positive.tolist() == [1.0] * 3
    assert found.standard.tolist() == found.patch.tolist() == [0.0] * 3
    assert found.texture is not None
    assert found.texture.tolist() == [-1.0] * 3


@pytest.mark.parametrize(
    ("count", "group", "sizes"), [(8, 4, [4, 4]), (9, 4, [3, 3, 3]), (5, 4, [3, 2]), (2, 4, [2]), (3, 2, [3])]
)
def test_every_image_meets_another(count: int, group: int, sizes: list[int]) -> None:
    groups = similarity.draw(count, dataclasses.replace(RECIPE, group=group), limit=None)
    assert [len(places) for places in groups] == sizes
    assert sorted(np.concatenate(groups).tolist()) == list(range(count))


def test_images_are_drawn_in_random_order_by_the_seed_and_a_limit_takes_the_first() -> None:
    every = np.concatenate(similarity.draw(100, RECIPE, limit=None))
    assert not np.array_equal(every, np.sort(every))
    some = dataclasses.replace(RECIPE, pairs=30)
    assert np.array_equal(np.concatenate(similarity.draw(100, some, limit=None)), every[:30])
    assert np.array_equal(np.concatenate(similarity.draw(100, some, limit=12)), every[:12])
    other = np.concatenate(similarity.draw(100, dataclasses.replace(RECIPE, seed=1), limit=None))
    assert not np.array_equal(other, every)


def test_a_summary_by_hand() -> None:
    one = similarity.compare(
        torch.tensor([[1.0, 0.0], [1.0, 0.0]]),
        torch.tensor([[1.0, 0.0], [0.0, 1.0]]),
        patch=torch.tensor([[0.0, 1.0], [0.0, -1.0]]),
        texture=None,
    )
    values = similarity.summary(similarity.joined([one, one]))
    assert values["queries"] == 4
    assert (values["positive"], values["positive-sd"], values["positive-n"]) == (0.5, 0.5, 4)
    assert (values["standard"], values["standard-sd"], values["standard-n"]) == (0.5, 0.5, 4)
    assert values["standard-q95"] == pytest.approx(1.0, abs=0.001)
    assert (values["patch"], values["patch-q95"]) == (0.0, 0.0)
    assert not any(name.startswith("texture") for name in values)
    bars = values["histograms"]
    assert list(bars) == ["edges", "positive", "standard", "patch"]
    assert (len(bars["edges"]), bars["edges"][0], bars["edges"][50], bars["edges"][-1]) == (101, -1.0, 0.0, 1.0)
    assert (bars["positive"][50], bars["positive"][99], sum(bars["positive"])) == (2, 2, 4)
    assert (bars["standard"][50], bars["standard"][99], sum(bars["standard"])) == (2, 2, 4)
    assert bars["patch"][50] == 4


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda: similarity.draw(10, dataclasses.replace(RECIPE, pairs=11), limit=None),
            "similarity.pairs: 11 images asked of a set of 10; lower it, or 0 for all",
        ),
        (
            lambda: similarity.draw(10, RECIPE, limit=1),
            "similarity: a standard negative needs two images that meet, found 1 images in groups of 4",
        ),
        (
            lambda: similarity.draw(10, dataclasses.replace(RECIPE, group=1), limit=None),
            "similarity: a standard negative needs two images that meet, found 10 images in groups of 1",
        ),
        (
            lambda: similarity.unit(torch.tensor([[1.0, float("nan")]])),
            "the network's embeddings are no numbers on these images, so there is nothing to compare",
        ),
        (
            lambda: similarity.unit(torch.zeros(2, 3)),
            "the network gives an embedding of length 0, which has no angle with another",
        ),
    ],
)
def test_what_cannot_be_compared_is_told(call: object, sentence: str) -> None:
    with pytest.raises(JobFailed) as told:
        call()  # type: ignore[operator]
    assert str(told.value) == sentence
