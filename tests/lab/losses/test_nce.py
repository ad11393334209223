"""Eq. 1 against a slow loop over its own letters, in float64."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from repro.lab.losses import nce


def unit(rows: int, columns: int, seed: int) -> Tensor:
    return F.normalize(torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed)).double(), dim=1)


def equation_1(z: Tensor, p: Tensor, queue: Tensor, ns: list[tuple[Tensor, float]], tau: float) -> float:
    """The mean over i of -log exp(z_i p_i / tau) / (that + sum exp(alpha z_i ns_i / tau) + sum exp(z_i n / tau))."""
    total = 0.0
    for i in range(len(z)):

        def dot(a: Tensor, b: Tensor) -> float:
            return sum(float(x) * float(y) for x, y in zip(a, b, strict=True))

        positive = math.exp(dot(z[i], p[i]) / tau)
        denominator = positive
        for n in queue:
            denominator += math.exp(dot(z[i], n) / tau)
        for other, alpha in ns:
            denominator += math.exp(alpha * dot(z[i], other[i]) / tau)
        total -= math.log(positive / denominator)
    return total / len(z)


@pytest.mark.parametrize("alphas", [(), (2.0,), (3.0, 0.5)])
@pytest.mark.parametrize("tau", [0.2, 1.0])
def test_loss_is_equation_1(alphas: tuple[float, ...], tau: float) -> None:
    z, p, queue = unit(5, 7, 0), unit(5, 7, 1), unit(11, 7, 2)
    ns = [(unit(5, 7, 3 + i), alpha) for i, alpha in enumerate(alphas)]
    found = nce.contrastive(z, p, queue=queue, negatives=ns, temperature=tau)
    assert float(found) == pytest.approx(equation_1(z, p, queue, ns, tau), rel=1e-12)


def test_alpha_zero_leaves_one_in_the_denominator() -> None:
    """A negative of alpha = 0 is as good as a queue entry at right angles to every query, and no gradient passes it."""
    z, p, queue, ns = unit(4, 6, 0), unit(4, 6, 1), unit(9, 6, 2), unit(4, 6, 3)
    wide, tall = F.pad(z, (0, 1)), F.pad(queue, (0, 1))
    beside = torch.zeros(1, 7).double()
    beside[0, 6] = 1.0
    with_zero = nce.contrastive(z, p, queue=queue, negatives=[(ns, 0.0)], temperature=0.2)
    as_queue = nce.contrastive(wide, F.pad(p, (0, 1)), queue=torch.cat([tall, beside]), negatives=[], temperature=0.2)
    assert float(with_zero) == pytest.approx(float(as_queue), rel=1e-12)
    assert float(with_zero) > float(nce.contrastive(z, p, queue=queue, negatives=[], temperature=0.2))


def test_order_of_queue_and_batch_does_not_matter() -> None:
    z, p, queue, ns = unit(6, 5, 0), unit(6, 5, 1), unit(8, 5, 2), unit(6, 5, 3)
    whole = nce.contrastive(z, p, queue=queue, negatives=[(ns, 2.0)], temperature=0.2)
    turned = nce.contrastive(z.flip(0), p.flip(0), queue=queue.flip(0), negatives=[(ns.flip(0), 2.0)], temperature=0.2)
    assert float(whole) == pytest.approx(float(turned), rel=1e-12)


def test_a_larger_alpha_pushes_harder_only_where_the_negative_is_alike() -> None:
    """The paper's remark on Eq. 1 (audit A19): alpha multiplies the similarity, so at a negative one it relieves."""
    z, p, queue = unit(1, 3, 0), unit(1, 3, 1), unit(2, 3, 2)
    alike = [float(nce.contrastive(z, p, queue=queue, negatives=[(z, alpha)], temperature=0.2)) for alpha in (1.0, 2.0)]
    opposed = [
        float(nce.contrastive(z, p, queue=queue, negatives=[(-z, alpha)], temperature=0.2)) for alpha in (1.0, 2.0)
    ]
    assert alike[1] > alike[0]
    assert opposed[1] < opposed[0]
