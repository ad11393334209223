"""What the members of `repro/lab/negatives` give and the methods take."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Negative(NamedTuple):
    """A batch of non-semantic negatives, one for each query, and their weight in the loss."""

    images: Tensor  # N x C x H x W, normalised as the queries are
    alpha: float
