"""IFM's loss against a loop over its equation, in float64, and against the loss that it is built on."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from repro.lab.losses import nce, perturbed


def unit(rows: int, columns: int, seed: int) -> Tensor:
    return F.normalize(torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed)).double(), dim=1)


def equation(similarities: Tensor, epsilon: float, weight: float, tau: float) -> float:
    """The mean of (l(0) + weight l(epsilon)) / (1 + weight), where l(e) = -log of e^((p - e)/tau) over all terms."""
    total = 0.0
    for positive, *others in similarities.tolist():
        for part, e in ((1.0, 0.0), (weight, epsilon)):
            own = math.exp((positive - e) / tau)
            total -= part * math.log(own / (own + sum(math.exp((other + e) / tau) for other in others)))
    return total / (1 + weight) / len(similarities)


@pytest.mark.parametrize(("rows", "keys", "width"), [(1, 1, 2), (4, 6, 3), (5, 11, 7)])
@pytest.mark.parametrize(("epsilon", "weight", "tau"), [(0.1, 1.0, 0.2), (0.2, 0.5, 1.0), (0.05, 0.0, 0.2)])
def test_loss_is_the_equation(rows: int, keys: int, width: int, epsilon: float, weight: float, tau: float) -> None:
    z, p, queue = unit(rows, width, 0), unit(rows, width, 1), unit(keys, width, 2)
    similarities = nce.similarities(z, p, queue=queue, negatives=[(unit(rows, width, 3), 2.0)])
    found = perturbed.contrastive(similarities, epsilon=epsilon, weight=weight, temperature=tau)
    assert float(found) == pytest.approx(equation(similarities, epsilon, weight, tau), rel=1e-12)


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0, 3.0])
def test_no_perturbation_is_the_loss_of_moco(weight: float) -> None:
    z, p, queue, ns = unit(4, 5, 0), unit(4, 5, 1), unit(9, 5, 2), unit(4, 5, 3)
    similarities = nce.similarities(z, p, queue=queue, negatives=[(ns, 2.0)])
    found = perturbed.contrastive(similarities, epsilon=0.0, weight=weight, temperature=0.2)
    moco = nce.contrastive(z, p, queue=queue, negatives=[(ns, 2.0)], temperature=0.2)
    assert float(found) == pytest.approx(float(moco), rel=1e-12)


def test_a_greater_perturbation_is_a_greater_loss() -> None:
    similarities = nce.similarities(unit(4, 5, 0), unit(4, 5, 1), queue=unit(9, 5, 2), negatives=[])
    losses = [
        float(perturbed.contrastive(similarities, epsilon=epsilon, weight=1.0, temperature=0.2))
        for epsilon in (0.0, 0.05, 0.1, 0.2)
    ]
    assert losses == sorted(losses)
    assert len(set(losses)) == 4


def test_the_perturbation_is_the_worst_of_its_length() -> None:
    """The paper's equation: what moves v.u most, by epsilon at most, is epsilon times u's direction."""
    v, u = unit(1, 6, 0), unit(1, 6, 1)
    random = torch.Generator().manual_seed(2)
    for _ in range(50):
        delta = 0.1 * F.normalize(torch.randn(1, 6, generator=random, dtype=torch.float64), dim=1)
        assert float(((v + delta) * u).sum()) <= float((v * u).sum()) + 0.1
    assert float(((v + 0.1 * u) * u).sum()) == pytest.approx(float((v * u).sum()) + 0.1, abs=1e-12)
