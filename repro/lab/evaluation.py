"""What an evaluator is given and what it gives back; no torch, so that a metric can be recomputed without it.

An evaluator is two functions. `observe` sees what a network says of some images, a chunk at a time, and keeps a few
numbers of each; `conclude` turns the kept numbers of all images into metrics. Nobody ever holds the probabilities of a
whole set: of ImageNet-C they would be 15 gigabytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from repro.errors import DataMissing, JobFailed
from repro.files import canonical
from repro.lab.data import Images

FILE = "predictions.npz"
_ABOUT = "about"  # its entry that is no column
Columns = Mapping[str, NDArray[Any]]  # name -> (N, ...) numbers, a row an image, never text


@dataclass(frozen=True)
class Recipe:
    """How networks are run when they are evaluated."""

    precision: Literal["fp32", "bf16"]


@dataclass(frozen=True)
class About:
    """What holds for a whole set of images and the classifier that looks at it."""

    classifier: tuple[str, ...]  # classes of the classifier; predictions are indices into them
    classes: tuple[str, ...]  # of the set of images
    conditions: tuple[str, ...] = ()  # such as gaussian_noise/3
    parents: tuple[int, ...] | None = None  # for each class of the set an index of `parent_names`, -1 for none
    parent_names: tuple[str, ...] = ()
    reference: Mapping[str, Sequence[float]] | None = None  # errors that normalise mCE: corruption to five, in percent

    @cached_property
    def columns(self) -> NDArray[np.int64]:
        """For each class of the set of images, its index in the classifier; found by name, never by place.

        Raises `JobFailed` where the classifier lacks one.
        """
        places = {name: index for index, name in enumerate(self.classifier)}
        strange = [name for name in self.classes if name not in places]
        if strange:
            raise JobFailed(
                f"the classifier has no class {strange[0]!r}, nor {len(strange) - 1} others of the images' "
                f"{len(self.classes)}; evaluate with a probe trained on these classes"
            )
        return np.array([places[name] for name in self.classes], dtype=np.int64)


@dataclass(frozen=True)
class Answers:
    """What a network says of some images of a set."""

    probabilities: NDArray[np.float32]  # (n, classes of the classifier), the softmax over all of them
    images: Images  # the n images, with the classes and conditions of the whole set
    about: About

    @cached_property
    def labels(self) -> NDArray[np.signedinteger[Any]]:
        """(n,) indices in the classifier."""
        if (self.images.labels < 0).any():
            missing = int((self.images.labels < 0).sum())
            raise JobFailed(f"{missing} of {len(self.images)} images have no label, so no accuracy can be told")
        return small(self.about.columns[self.images.labels], below=len(self.about.classifier))

    @cached_property
    def predictions(self) -> NDArray[np.signedinteger[Any]]:
        """(n,) most probable class of those the set of images has, as indices in the classifier.

        Differs from a plain argmax only where the set has fewer classes than the classifier (ImageNet-R): there the
        others do not compete, as in hendrycks/imagenet-r@8cb9a76 eval.py.
        """
        allowed = np.sort(self.about.columns)
        best = allowed[self.probabilities[:, allowed].argmax(1)]
        return small(best, below=len(self.about.classifier))

    @cached_property
    def unmasked(self) -> NDArray[np.signedinteger[Any]]:
        """(n,) most probable of all the classifier's classes."""
        return small(self.probabilities.argmax(1), below=len(self.about.classifier))


def about(images: Images, classifier: tuple[str, ...], *, reference: Mapping[str, Sequence[float]] | None) -> About:
    """What holds for a whole set, of its images and a classifier's classes."""
    return About(
        classifier, images.classes, images.conditions, images.parents, images.parent_names, reference=reference
    )


def small(indices: NDArray[np.integer[Any]], *, below: int) -> NDArray[np.signedinteger[Any]]:
    """Indices from -1 to `below` - 1 in two bytes each where that holds them, else in four.

    >>> small(np.array([-1, 999]), below=1000).dtype, small(np.array([0]), below=40_000).dtype
    (dtype('int16'), dtype('int32'))
    """
    return indices.astype(np.int16 if below <= 2**15 else np.int32)


def write(folder: Path, columns: Columns, about: About) -> str:
    """Write what the metrics can be computed from again as `predictions.npz`: its name. Same work, same bytes."""
    said = np.array(canonical(asdict(about)))
    np.savez_compressed(folder / FILE, **dict(sorted(columns.items())), **{_ABOUT: said})
    return FILE


def read(folder: Path) -> tuple[dict[str, NDArray[Any]], About]:
    """What `write` wrote; raises `DataMissing` for any other content."""
    try:
        with open(folder / FILE, "rb") as file, np.load(file) as held:
            columns = {name: held[name] for name in held.files if name != _ABOUT}
            said = json.loads(str(held[_ABOUT]))
        fixed = {key: tuple(value) if isinstance(value, list) else value for key, value in said.items()}
        return columns, About(**fixed)
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as fault:
        raise DataMissing(f"{folder / FILE}: expected stored predictions, found none that can be read ({fault})") from (
            fault
        )
