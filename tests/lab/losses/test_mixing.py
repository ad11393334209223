"""Mixed negatives against loops over the equations of MoCHi, in float64."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from repro.lab.losses import mixing, nce


def unit(*size: int, seed: int) -> Tensor:
    numbers = torch.randn(*size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return F.normalize(numbers, dim=-1)


def drawn(rows: int, count: int, below: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    random = torch.Generator().manual_seed(seed)
    first, second = (torch.randint(below, (rows, count), generator=random) for _ in range(2))
    return first, second, torch.rand(rows, count, generator=random, dtype=torch.float64)


def point(left: list[float], right: list[float], part: float) -> list[float]:
    """part * left + (1 - part) * right over its length, number by number."""
    mixed = [part * x + (1 - part) * y for x, y in zip(left, right, strict=True)]
    length = sum(x * x for x in mixed) ** 0.5
    return [x / length for x in mixed]


@pytest.mark.parametrize(("rows", "count", "keys", "width"), [(1, 1, 1, 2), (3, 5, 7, 4), (4, 2, 9, 6)])
def test_points_are_those_of_the_equations(rows: int, count: int, keys: int, width: int) -> None:
    queries, negatives = unit(rows, width, seed=0), unit(keys, width, seed=1)
    i, j, weights = drawn(rows, count, keys, seed=2)
    between = mixing.between(negatives, i, j, weights=weights)
    towards = mixing.towards(queries, negatives, j, weights=weights / 2)
    assert between.shape == towards.shape == (rows, count, width)
    q, n = queries.tolist(), negatives.tolist()
    for row in range(rows):
        for k in range(count):
            a = float(weights[row, k])
            expected = point(n[int(i[row, k])], n[int(j[row, k])], a)
            assert between[row, k].tolist() == pytest.approx(expected, abs=1e-12)
            expected = point(q[row], n[int(j[row, k])], a / 2)
            assert towards[row, k].tolist() == pytest.approx(expected, abs=1e-12)


def test_the_hardest_are_the_most_similar() -> None:
    queries, negatives = unit(5, 4, seed=0), unit(9, 4, seed=1)
    alike = queries @ negatives.T
    found = mixing.hardest(alike, 3)
    for row in range(5):
        assert found[row].tolist() == sorted(range(9), key=lambda key: -float(alike[row, key]))[:3]


def test_similarities_are_those_of_a_query_with_its_own_points() -> None:
    queries, points = unit(3, 4, seed=0), unit(3, 5, 4, seed=1)
    found = mixing.similarities(queries, points)
    for row in range(3):
        for k in range(5):
            expected = sum(float(x) * float(y) for x, y in zip(queries[row], points[row, k], strict=True))
            assert float(found[row, k]) == pytest.approx(expected, abs=1e-12)


def test_a_point_towards_the_query_is_harder_than_the_negative_it_is_from() -> None:
    queries, negatives = unit(6, 5, seed=0), unit(8, 5, seed=1)
    _, j, weights = drawn(6, 10, 8, seed=2)
    points = mixing.towards(queries, negatives, j, weights=weights / 2)
    before = (queries @ negatives.T).gather(1, j)
    assert bool((mixing.similarities(queries, points) >= before).all())


def test_at_its_ends_a_mixture_is_what_it_is_mixed_from() -> None:
    queries, negatives = unit(2, 5, seed=0), unit(4, 5, seed=1)
    i, j = torch.tensor([[0], [3]]), torch.tensor([[2], [1]])
    one, none = torch.ones(2, 1).double(), torch.zeros(2, 1).double()
    torch.testing.assert_close(mixing.between(negatives, i, j, weights=one), negatives[i])
    torch.testing.assert_close(mixing.between(negatives, i, j, weights=none), negatives[j])
    torch.testing.assert_close(mixing.towards(queries, negatives, j, weights=none), negatives[j])
    torch.testing.assert_close(mixing.between(negatives, i, i, weights=one / 3), negatives[i])  # from one key twice


def test_no_points_leave_the_loss_of_moco() -> None:
    z, p, queue, ns = unit(3, 4, seed=0), unit(3, 4, seed=1), unit(7, 4, seed=2), unit(3, 4, seed=3)
    similarities = nce.similarities(z, p, queue=queue, negatives=[(ns, 2.0)])
    none = mixing.between(queue, *[torch.zeros(3, 0, dtype=torch.int64)] * 2, weights=torch.zeros(3, 0).double())
    found = nce.nce(torch.cat([similarities, mixing.similarities(z, none)], dim=1), temperature=0.2)
    assert float(found) == float(nce.contrastive(z, p, queue=queue, negatives=[(ns, 2.0)], temperature=0.2))
