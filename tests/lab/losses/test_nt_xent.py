"""NT-Xent against a slow loop over the equation of SimCLR, in float64, and against lightly's."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from repro.lab.losses.nt_xent import nt_xent


def unit(rows: int, columns: int, seed: int) -> Tensor:
    return F.normalize(torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed)).double(), dim=1)


def dot(a: Tensor, b: Tensor) -> float:
    return sum(float(x) * float(y) for x, y in zip(a, b, strict=True))


def equation(first: Tensor, second: Tensor, ns: Sequence[tuple[Tensor, float]], tau: float) -> list[list[float]]:
    """l(i, j) of Chen et al. 2020 with views 2k - 1 and 2k of image k side by side; one row for each image."""
    z = [view for both in zip(first, second, strict=True) for view in both]
    losses = []
    for i, anchor in enumerate(z):
        j = i + 1 if i % 2 == 0 else i - 1
        denominator = sum(math.exp(dot(anchor, z[k]) / tau) for k in range(len(z)) if k != i)
        denominator += sum(math.exp(alpha * dot(anchor, other[i // 2]) / tau) for other, alpha in ns)
        losses.append(-math.log(math.exp(dot(anchor, z[j]) / tau) / denominator))
    return [losses[i : i + 2] for i in range(0, len(z), 2)]


@pytest.mark.parametrize("alphas", [(), (2.0,), (3.0, 0.5)])
@pytest.mark.parametrize("tau", [0.2, 0.5])
@pytest.mark.parametrize(("images", "dimensions"), [(2, 3), (5, 7), (9, 2)])
def test_loss_is_the_equation(images: int, dimensions: int, tau: float, alphas: tuple[float, ...]) -> None:
    first, second = unit(images, dimensions, 0), unit(images, dimensions, 1)
    ns = [(unit(images, dimensions, 2 + i), alpha) for i, alpha in enumerate(alphas)]
    found = nt_xent(first, second, negatives=ns, temperature=tau)
    expected = torch.tensor(equation(first, second, ns, tau), dtype=torch.float64)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("images", [2, 6])
def test_without_negatives_it_is_the_loss_of_lightly(images: int) -> None:
    pytest.importorskip("lightly")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lightly.loss import NTXentLoss
    first, second = unit(images, 8, 0), unit(images, 8, 1)
    expected = NTXentLoss(temperature=0.3)(first, second)
    found = nt_xent(first, second, negatives=[], temperature=0.3).mean()
    assert float(found) == pytest.approx(float(expected), rel=1e-12)


def test_order_of_the_images_and_of_the_views_does_not_matter() -> None:
    first, second, ns = unit(6, 5, 0), unit(6, 5, 1), unit(6, 5, 2)
    order = torch.randperm(6, generator=torch.Generator().manual_seed(3))
    whole = nt_xent(first, second, negatives=[(ns, 2.0)], temperature=0.2)
    turned = nt_xent(first[order], second[order], negatives=[(ns[order], 2.0)], temperature=0.2)
    torch.testing.assert_close(turned, whole[order], rtol=1e-12, atol=0)
    swapped = nt_xent(second, first, negatives=[(ns, 2.0)], temperature=0.2)
    torch.testing.assert_close(swapped, whole.flip(1), rtol=1e-12, atol=0)


def test_a_negative_of_alpha_zero_leaves_one_in_the_denominator() -> None:
    first, second, ns = unit(4, 5, 0), unit(4, 5, 1), unit(4, 5, 2).requires_grad_()
    plain = nt_xent(first, second, negatives=[], temperature=0.2)
    zero = nt_xent(first, second, negatives=[(ns, 0.0)], temperature=0.2)
    positive = ((first * second).sum(1) / 0.2).exp().unsqueeze(1)
    torch.testing.assert_close(positive * zero.exp(), positive * plain.exp() + 1, rtol=1e-12, atol=0)
    zero.sum().backward()
    assert torch.equal(ns.grad, torch.zeros(4, 5).double())


def test_gradients_reach_both_views_and_the_negatives() -> None:
    first, second, ns = (unit(4, 5, seed).requires_grad_() for seed in range(3))
    nt_xent(first, second, negatives=[(ns, 2.0)], temperature=0.5).mean().backward()
    assert all(bool((part.grad.abs().sum(1) > 0).all()) for part in (first, second, ns))
