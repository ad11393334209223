"""What a method is shown: queries, positives and the negatives made of them, and how far apart their colours are.

Source: paper, Figure 1, and section 3.3: "the expected color distribution of our patch-based negatives is identical
to that of the query images, and the actual distribution of samples is close".
Differs: nothing says how close; the distance here is the total variation of two mean histograms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from repro.errors import DataMissing

FILE = "samples.npz"
KINDS = ("input", "query", "positive", "negative")


@dataclass(frozen=True)
class Recipe:
    """How many images are looked at, how finely their colours are told apart; none of it is stated by the paper."""

    images: int  # at most, drawn without repetition; 0: all
    levels: int  # of each of the three channels: as many cubed are the bins
    shown: int  # of them, those whose pictures are kept


def histogram(images: NDArray[np.uint8], *, levels: int) -> NDArray[np.int64]:
    """How many pixels of (N, 3, H, W) have each colour, in `levels` steps a channel: (levels ** 3,).

    >>> histogram(np.array([[[[0, 255]], [[0, 255]], [[0, 0]]]], np.uint8), levels=2).tolist()
    [1, 0, 0, 0, 0, 0, 1, 0]
    """
    steps = images.astype(np.int64) * levels // 256
    return np.bincount((steps[:, 0] * levels + steps[:, 1]).ravel() * levels + steps[:, 2].ravel(), minlength=levels**3)


def distance(one: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    """Total variation of two histograms, each as shares of its sum: 0 the same colours, 1 none in common.

    >>> distance(np.array([1, 1]), np.array([2, 0]))
    0.5
    """
    return float(np.abs(one / one.sum() - other / other.sum()).sum() / 2)


def read(folder: Path) -> Mapping[str, list[NDArray[np.uint8]]]:
    """The pictures of each kind, (H, W, 3); raises `DataMissing` where they cannot be read."""
    try:
        with open(folder / FILE, "rb") as file, np.load(file) as held:
            return {kind: [picture.transpose(1, 2, 0) for picture in held[kind]] for kind in KINDS}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as fault:
        raise DataMissing(f"{folder / FILE}: expected stored samples, found none that can be read ({fault})") from fault
