"""The debiased and the hard-negative loss against slow loops over their equations, in float64, and their limits."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from repro.errors import JobFailed
from repro.lab.losses.nt_xent import nt_xent
from repro.lab.losses.reweighted import check_share, debiased, hard
from tests.lab.losses.test_nt_xent import dot, unit


def equation(
    first: Tensor, second: Tensor, ns: Sequence[tuple[Tensor, float]], *, t: float, tau: float, beta: float
) -> list[list[float]]:
    """-log of e^(f.f+) over e^(f.f+) + N g, with the g of Chuang et al. 2020 and M = 1.

    g is the larger of e^(-1/t) and (mean of e^(f.u) - tau e^(f.f+)) / (1 - tau), with Robinson et al. 2021 the mean
    over u drawn in proportion to e^(beta f.u).
    """
    both, rows = torch.stack([first, second], dim=1), []
    for i in range(len(first)):
        row = []
        for view in range(2):
            f = both[i, view]
            positive = math.exp(dot(f, both[i, 1 - view]) / t)
            scores = [dot(f, both[k, other]) / t for k in range(len(first)) if k != i for other in range(2)]
            weights = [math.exp(beta * score) for score in scores]
            mean = sum(w * math.exp(s) for w, s in zip(weights, scores, strict=True)) / sum(weights)
            g = max((mean - tau * positive) / (1 - tau), math.exp(-1 / t))
            added = sum(math.exp(alpha * dot(f, other[i]) / t) for other, alpha in ns)
            row.append(-math.log(positive / (positive + len(scores) * g + added)))
        rows.append(row)
    return rows


@pytest.mark.parametrize("alphas", [(), (2.0,), (3.0, 0.5)])
@pytest.mark.parametrize("tau", [0.0, 0.1, 0.6])
@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0, 6.0])
@pytest.mark.parametrize("images", [2, 5])
def test_losses_are_their_equations(images: int, beta: float, tau: float, alphas: tuple[float, ...]) -> None:
    first, second = unit(images, 4, 0), unit(images, 4, 1)
    ns = [(unit(images, 4, 2 + i), alpha) for i, alpha in enumerate(alphas)]
    expected = torch.tensor(equation(first, second, ns, t=0.5, tau=tau, beta=beta), dtype=torch.float64)
    dials = {"negatives": ns, "temperature": 0.5, "tau_plus": tau}
    torch.testing.assert_close(hard(first, second, beta=beta, **dials), expected, rtol=1e-12, atol=0)
    if beta == 0:
        torch.testing.assert_close(debiased(first, second, **dials), expected, rtol=1e-12, atol=0)


def test_the_estimate_never_falls_below_what_opposite_images_would_give() -> None:
    """Views that are alike in an image and opposite between images: the estimate is negative, the bound holds."""
    views = torch.tensor([[1.0, 0.0], [-1.0, 0.0]], dtype=torch.float64, requires_grad=True)
    found = debiased(views, views, negatives=[], temperature=0.5, tau_plus=0.5)
    expected = math.log1p(2 * math.exp(-2) / math.exp(2))
    assert found.flatten().tolist() == pytest.approx([expected] * 4, rel=1e-12)


@pytest.mark.parametrize("alphas", [(), (2.0, 0.5)])
def test_limits(alphas: tuple[float, ...]) -> None:
    """tau_plus = 0 is NT-Xent, beta = 0 is the debiased loss, both together NT-Xent."""
    first, second = unit(6, 5, 0), unit(6, 5, 1)
    same = {"negatives": [(unit(6, 5, 2 + i), alpha) for i, alpha in enumerate(alphas)], "temperature": 0.3}
    plain = nt_xent(first, second, **same)
    close = {"rtol": 1e-12, "atol": 1e-12}
    torch.testing.assert_close(debiased(first, second, tau_plus=0.0, **same), plain, **close)
    torch.testing.assert_close(hard(first, second, tau_plus=0.0, beta=0.0, **same), plain, **close)
    unbiased = debiased(first, second, tau_plus=0.1, **same)
    torch.testing.assert_close(hard(first, second, tau_plus=0.1, beta=0.0, **same), unbiased, **close)
    assert not torch.allclose(unbiased, plain)
    assert bool((hard(first, second, tau_plus=0.0, beta=1.0, **same) > plain).all())


def test_order_of_the_images_does_not_matter() -> None:
    first, second, ns = unit(6, 5, 0), unit(6, 5, 1), unit(6, 5, 2)
    order = torch.randperm(6, generator=torch.Generator().manual_seed(3))
    dials = {"temperature": 0.5, "tau_plus": 0.1, "beta": 1.0}
    whole = hard(first, second, negatives=[(ns, 2.0)], **dials)
    turned = hard(first[order], second[order], negatives=[(ns[order], 2.0)], **dials)
    torch.testing.assert_close(turned, whole[order], rtol=1e-12, atol=0)


def test_gradients_pass_through_the_weights_as_in_the_published_code() -> None:
    """Against numbers: the slope along one coordinate, by central differences."""
    first, second, ns = (unit(4, 3, seed).requires_grad_() for seed in range(3))
    dials = {"temperature": 0.5, "tau_plus": 0.1, "beta": 1.0}

    def value(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
        return hard(a, b, negatives=[(c, 2.0)], **dials).mean()

    assert torch.autograd.gradcheck(value, (first, second, ns))


@pytest.mark.parametrize("tau", [1.0, -0.1, 2.0])
def test_a_share_that_is_none_is_told(tau: float) -> None:
    with pytest.raises(JobFailed) as caught:
        check_share(tau)
    assert str(caught.value) == f"method.tau_plus: expected a share of at least 0 and below 1, found {tau}"
