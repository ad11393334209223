"""Textures of a few photographs beside baselines without synthesis, with how far each is from the patches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from repro.errors import DataMissing
from repro.lab.textures import patches, pictures, statistics
from repro.lab.textures.making import Order, Task, cut, grown

TILE = 16
"""Pixels: side of the tiles of the tiled baseline, the smallest of the paper's patch-based negatives."""


@dataclass(frozen=True)
class Compared:
    """One photograph, where its patches lie (top, left, side), and by name the texture and the baselines."""

    photograph: NDArray[np.uint8]
    places: tuple[tuple[int, int, int], ...]
    pictures: dict[str, NDArray[np.uint8]]
    distances: dict[str, tuple[float, float]]  # of patch histograms and of Gram matrices


def compare(tasks: Sequence[Task], order: Order) -> list[Compared]:
    """Each photograph that can be read; raises `DataMissing` where none can."""
    found, reasons = [], []
    for task in tasks:
        try:
            image = pictures.read(task.source.read_bytes())
            examples = cut(image, order.side, seed=task.seed)
            found.append(_one(image, examples, task.seed, order))
        except (OSError, ValueError) as reason:
            reasons.append(f"{task.source}: {reason}")
    if not found:
        raise DataMissing(
            f"none of {len(tasks)} photographs gave a texture; {reasons[0] if reasons else 'there are none'}"
        )
    return found


def _one(image: NDArray[np.uint8], examples: list[NDArray[np.uint8]], seed: int, order: Order) -> Compared:
    side, pixels = examples[0].shape[0], order.pixels
    places = patches.places(*image.shape[:2], side=side, seed=seed)
    shown = {
        "texture": grown(examples, order, seed=seed),
        "phase-randomised": statistics.phase_randomised(examples[0], pixels=pixels, seed=seed),
        f"tiles of {min(TILE, side)}": statistics.tiled(examples, tile=min(TILE, side), pixels=pixels, seed=seed),
        "tiled whole": statistics.tiled(examples, tile=side, pixels=pixels, seed=seed),
    }
    distances = {
        name: (statistics.histogram_distance(examples, made), statistics.gram_distance(examples, made))
        for name, made in shown.items()
    }
    return Compared(image, tuple((top, left, side) for top, left in places), shown, distances)


def means(compared: Sequence[Compared]) -> dict[str, tuple[float, float]]:
    """Both distances of each kind of picture, the mean over photographs."""
    values = {name: [each.distances[name] for each in compared] for name in compared[0].distances}
    return {
        name: (float(np.mean([a for a, _ in pairs])), float(np.mean([b for _, b in pairs])))
        for name, pairs in values.items()
    }
