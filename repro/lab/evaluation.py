"""What an evaluator is given and what it gives back; no torch, so that a metric can be recomputed without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from repro.errors import JobFailed
from repro.lab.data import Images


@dataclass(frozen=True)
class Recipe:
    """How networks are run when they are evaluated."""

    precision: Literal["fp32", "bf16"]


@dataclass(frozen=True)
class Result:
    """Metrics by name (percent, counts), and the arrays they can be computed from again."""

    values: dict[str, Any]
    arrays: dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Answers:
    """What a network says of a set of images."""

    probabilities: NDArray[np.float32]  # N x classes of the classifier
    classes: tuple[str, ...]  # of the classifier
    images: Images
    reference: Mapping[str, Sequence[float]] | None = None  # errors that normalise mCE: corruption to five, in percent

    @cached_property
    def columns(self) -> NDArray[np.int64]:
        """For each class of the set of images, its index in the classifier; found by name, never by place."""
        places = {name: index for index, name in enumerate(self.classes)}
        strange = [name for name in self.images.classes if name not in places]
        if strange:
            raise JobFailed(
                f"the classifier has no class {strange[0]!r}, nor {len(strange) - 1} others of the images' "
                f"{len(self.images.classes)}; evaluate with a probe trained on these classes"
            )
        return np.array([places[name] for name in self.images.classes], dtype=np.int64)

    @cached_property
    def labels(self) -> NDArray[np.int32]:
        """(N,) indices in the classifier."""
        if (self.images.labels < 0).any():
            missing = int((self.images.labels < 0).sum())
            raise JobFailed(f"{missing} of {len(self.images)} images have no label, so no accuracy can be told")
        return self.columns[self.images.labels].astype(np.int32)

    @cached_property
    def predictions(self) -> NDArray[np.int32]:
        """(N,) most probable class of those the set of images has, as indices in the classifier.

        Differs from a plain argmax only where the set has fewer classes than the classifier (ImageNet-R): there the
        others do not compete, as in hendrycks/imagenet-r@8cb9a76 eval.py.
        """
        allowed = np.sort(self.columns)
        return allowed[self.probabilities[:, allowed].argmax(1)].astype(np.int32)

    @cached_property
    def unmasked(self) -> NDArray[np.int32]:
        """(N,) most probable of all the classifier's classes."""
        return self.probabilities.argmax(1).astype(np.int32)
