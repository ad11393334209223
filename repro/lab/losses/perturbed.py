"""IFM: the noise-contrastive loss beside itself at harder similarities, so that no single feature is enough.

Source: Robinson et al. 2021, "Can contrastive learning avoid shortcut solutions?": of perturbations of length epsilon
the worst for the loss moves a similarity by epsilon; joshr17/IFM@bcec4c3 moco-master/moco/adv_builder.py forward and
main_moco.py train.
"""

from __future__ import annotations

import torch
from torch import Tensor

from repro.lab.losses.nce import nce


def contrastive(similarities: Tensor, *, epsilon: float, weight: float, temperature: float) -> Tensor:
    """(CE + weight CE_perturbed) / (1 + weight) of (N, 1 + M) similarities, the positive in the first column.

    >>> alike = torch.zeros(1, 2)
    >>> round(contrastive(alike, epsilon=0.5, weight=1.0, temperature=1.0).item(), 4)
    1.0032
    >>> round(torch.tensor([2, 1 + torch.e]).log().mean().item(), 4)  # cross-entropy at (0, 0) and at (-0.5, 0.5)
    1.0032
    """
    plain = nce(similarities, temperature=temperature)
    harder = nce(perturbed(similarities, epsilon=epsilon), temperature=temperature)
    return (plain + weight * harder) / (1 + weight)


def perturbed(similarities: Tensor, *, epsilon: float) -> Tensor:
    """The positive's similarity, in the first column, less epsilon, and every other with epsilon added.

    Differs: IFM has no non-semantic negatives; here epsilon is added to alpha q.ns as to any other.

    >>> perturbed(torch.tensor([[1.0, 0.5, -0.5]]), epsilon=0.25)
    tensor([[ 0.7500,  0.7500, -0.2500]])
    """
    return torch.cat([similarities[:, :1] - epsilon, similarities[:, 1:] + epsilon], dim=1)
