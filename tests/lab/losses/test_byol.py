"""BYOL's regression and the paper's Eq. 2 against squared distances one by one, in float64, and against lightly's."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import pytest
from torch import Tensor

from repro.lab.losses.byol import regression
from tests.lab.losses.test_nt_xent import unit


def equation_2(q: Tensor, p: Tensor, ns: Sequence[tuple[Tensor, float]]) -> float:
    """The mean over i of |q_i - p_i|^2 - sum of alpha |q_i - ns_i|^2."""

    def distance(a: Tensor, b: Tensor) -> float:
        return sum((float(x) - float(y)) ** 2 for x, y in zip(a, b, strict=True))

    total = 0.0
    for i in range(len(q)):
        total += distance(q[i], p[i]) - sum(alpha * distance(q[i], other[i]) for other, alpha in ns)
    return total / len(q)


@pytest.mark.parametrize("alphas", [(), (0.05,), (0.05, 2.0)])
@pytest.mark.parametrize(("rows", "columns"), [(1, 2), (5, 7), (8, 3)])
def test_loss_is_equation_2_with_squared_norms(rows: int, columns: int, alphas: tuple[float, ...]) -> None:
    q, p = unit(rows, columns, 0), unit(rows, columns, 1)
    ns = [(unit(rows, columns, 2 + i), alpha) for i, alpha in enumerate(alphas)]
    assert float(regression(q, p, negatives=ns)) == pytest.approx(equation_2(q, p, ns), rel=1e-12)


def test_loss_is_the_paper_s_right_hand_side() -> None:
    """2 - 2 alpha - 2 q.p + 2 alpha q.ns for one pair."""
    q, p, ns = (unit(1, 4, seed) for seed in range(3))
    expected = 2 - 2 * 0.05 - 2 * float(q[0] @ p[0]) + 2 * 0.05 * float(q[0] @ ns[0])
    assert float(regression(q, p, negatives=[(ns, 0.05)])) == pytest.approx(expected, rel=1e-12)


def test_alpha_zero_is_the_plain_loss() -> None:
    q, p, ns = (unit(5, 4, seed) for seed in range(3))
    assert float(regression(q, p, negatives=[(ns, 0.0)])) == float(regression(q, p, negatives=[]))


def test_without_negatives_it_is_two_plus_twice_the_loss_of_lightly() -> None:
    pytest.importorskip("lightly")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lightly.loss import NegativeCosineSimilarity
    q, p = unit(6, 8, 0), unit(6, 8, 1)
    expected = 2 + 2 * float(NegativeCosineSimilarity()(q, p))
    assert float(regression(q, p, negatives=[])) == pytest.approx(expected, rel=1e-12)


def test_order_of_the_batch_does_not_matter() -> None:
    q, p, ns = (unit(6, 5, seed) for seed in range(3))
    whole = regression(q, p, negatives=[(ns, 0.05)])
    turned = regression(q.flip(0), p.flip(0), negatives=[(ns.flip(0), 0.05)])
    assert float(whole) == pytest.approx(float(turned), rel=1e-12)
