"""What each family of the lab offers: the members of a folder fit its Protocol, and a test sees to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from numpy.typing import NDArray
from torch import Generator, Tensor, nn

from repro.lab.batch import Batch, Negative, Queries, Setting
from repro.lab.evaluation import About, Answers, Columns
from repro.lab.jobs import Context
from repro.lab.probing import Fit, Material
from repro.lab.processes import Share


class Net(Protocol):
    """A module of `repro/lab/nets`: an encoder with a projection head."""

    Recipe: type

    def build(self, recipe: Any, *, seed: int) -> nn.Module:
        """An `Encoder`, initialised from the seed alone."""


class Encoder(Protocol):
    """What `Net.build` returns, an nn.Module."""

    feature_size: int
    outputs: int

    def features(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) normalised images to (N, feature_size), what the probe sees."""

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) normalised images to (N, outputs), what the loss sees; not normalised."""


class Views(Protocol):
    """A module of `repro/lab/views`: what the network is shown of an image."""

    Recipe: type

    def make(
        self, images: Tensor, recipe: Any, *, count: int, pixels: int, generator: Generator, share: Share
    ) -> tuple[Tensor, ...]:
        """`count` views of each of (N, 3, H, W) uint8 images, each (N, 3, pixels, pixels) float32, normalised."""

    def plain(self, images: Tensor, recipe: Any, *, pixels: int) -> Tensor:
        """The images as they are, (N, 3, pixels, pixels) float32, normalised."""

    def normalise(self, images: Tensor, recipe: Any) -> Tensor:
        """(N, 3, H, W) float32 RGB in [0, 1] to what the network is shown."""


class Negatives(Protocol):
    """A module of `repro/lab/negatives`."""

    Recipe: type

    def make(self, queries: Queries, recipe: Any, *, generator: Generator) -> list[Negative]:
        """Negatives for a batch of query views."""


class Method(Protocol):
    """A module of `repro/lab/methods`."""

    Recipe: type

    def build(self, recipe: Any, encoder: nn.Module, *, setting: Setting) -> nn.Module:
        """A `Trainee`: all its state in `state_dict()`, what is trained in `parameters()` with gradients."""


class Trainee(Protocol):
    """What `Method.build` returns, an nn.Module."""

    views: int  # it wants of each image
    groups: int  # parts of a step's batch that have batch statistics of their own; 1: the whole, over all processes
    encoder: nn.Module  # the network that is kept
    classifier: nn.Linear | None  # of the labels, where it learns one on the encoder's features

    def forward(self, batch: Batch, *, generator: Generator) -> Tensor:
        """The loss of one step's images, a scalar; the method's own state moves on by one step."""


class Optimizer(Protocol):
    """A module of `repro/lab/optimizers`; its Recipe has at least `lr`."""

    Recipe: type

    def build(self, parameters: Sequence[nn.Parameter], recipe: Any) -> torch.optim.Optimizer:
        """The optimiser over the parameters; its state is tensors alone."""


class Probe(Protocol):
    """A module of `repro/lab/probes`: a linear classifier on frozen features."""

    Recipe: type

    def fit(self, material: Material, recipe: Any, *, context: Context) -> Fit:
        """Learn the classifier from the material."""


class Evaluator(Protocol):
    """A module of `repro/lab/evaluators`; it gets numpy arrays only, and `repro.metrics` does the arithmetic."""

    def observe(self, answers: Answers) -> dict[str, NDArray[Any]]:
        """What is kept of each image of a chunk: named columns of numbers, a row an image, in small types.

        The columns and their types are the same for every chunk of a set. Raises `JobFailed` where the set is not
        one this evaluator is for.
        """

    def conclude(self, columns: Columns, about: About) -> dict[str, Any]:
        """The metrics (percent) and `n` images that they are of, from the columns of all images alone."""
