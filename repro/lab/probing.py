"""What a linear probe is given and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from repro.lab import data, snapshot

FILE = "probe.safetensors"


@dataclass(frozen=True)
class Labelled:
    """Images with a label each."""

    images: data.Pictures
    labels: Tensor  # int64 (N,)


@dataclass(frozen=True)
class Material:
    """A frozen encoder and what to learn from."""

    encoder: nn.Module
    train: Labelled
    held_out: Labelled | None  # watched by probes that look after each epoch; never learned from
    classes: int
    plain: Callable[[Tensor], Tensor]  # uint8 N x 3 x H x W to what the encoder expects, at the size they have
    normalise: Callable[[Tensor], Tensor]  # the same for float32 in [0, 1]
    mode: Literal["reference", "batched"]  # of `repro.lab.input`: how what is learned from is augmented
    pixels: int  # the side of what is learned from
    seed: int
    folder: Path  # for checkpoints
    own: Classifier | None = None  # of these classes, where the network learned one together with its encoder


@dataclass(frozen=True)
class Classifier:
    """A linear layer on features: scores = features @ weight.T + bias."""

    weight: Tensor  # classes x F, float32
    bias: Tensor  # (classes,)

    def probabilities(self, features: Tensor) -> NDArray[np.float32]:
        """(N, F) to (N, classes), the softmax over all classes."""
        scores = features.double() @ self.weight.double().T + self.bias.double()
        return scores.softmax(1).float().numpy()

    def save(self, folder: Path, *, classes: tuple[str, ...]) -> None:
        """Write the layer and the names of its classes."""
        about = {"classes": list(classes)}
        snapshot.save(folder / FILE, {"weight": self.weight, "bias": self.bias}, about=about)


@dataclass(frozen=True)
class Fit:
    """A trained probe and what there is to tell of it; accuracies in percent."""

    classifier: Classifier
    values: dict[str, Any]


def load(folder: Path) -> tuple[Classifier, tuple[str, ...]]:
    """The classifier that a probe left in `folder`, and the names of its classes; raises `snapshot.Damaged`."""
    tensors, about = snapshot.load(folder / FILE)
    return Classifier(tensors["weight"], tensors["bias"]), tuple(about["classes"])


def accuracy(scores: Tensor, labels: Tensor) -> float:
    """Top-1 in percent of (N, classes) scores."""
    return 100.0 * int((scores.argmax(1) == labels).sum()) / len(labels)
