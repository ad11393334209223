"""The right answers of a set of images, beside those that an evaluation stored with its predictions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.errors import DataMissing
from repro.judge.certificate import predictions
from repro.judge.certificate.predictions import Predictions
from repro.metrics import MetricError

_FILES = ("targets.npz", "info.json")  # of a data job, `docs/records.md`


@dataclass(frozen=True)
class Targets:
    """Labels of a set of images and what they are indices of; `textures` and `condition` where it has them."""

    labels: NDArray[Any]
    textures: NDArray[Any] | None
    condition: NDArray[Any] | None
    classes: tuple[str, ...]
    conditions: tuple[str, ...]


def read(folder: Path) -> Targets | None:
    """What a data job left; None where it is not there or cannot be read, of which its files' hashes tell."""
    try:
        columns = predictions.arrays(folder / _FILES[0])
        info = json.loads((folder / _FILES[1]).read_text(encoding="utf-8"))
        names = [tuple(map(str, info[key])) for key in ("classes", "conditions")]
        known = [columns.get(name) for name in ("labels", "textures", "condition")]
        if known[0] is None or any(part is not None and (part.ndim != 1 or part.dtype.kind != "i") for part in known):
            return None
        return Targets(known[0], known[1], known[2], *names)
    except (DataMissing, OSError, ValueError, LookupError, TypeError, RecursionError):
        return None


def odd(kept: Predictions, of_set: Targets) -> Iterator[tuple[str, str]]:
    """Each column that is not the set's, and how: of the labels, conditions, shapes and textures that were stored."""
    said = kept.said
    for what, stored, names in (
        ("classes", said.classes, of_set.classes),
        ("conditions", said.conditions, of_set.conditions),
    ):
        if stored != names:
            yield what, f"{len(stored)} other names"
            return
    own = {"condition": of_set.condition, "shape": of_set.labels, "texture": of_set.textures}
    if "labels" in kept.columns:
        try:
            places = said.places()
        except MetricError as fault:
            yield "labels", str(fault)
            return
        own["labels"] = places[of_set.labels] if _within(of_set.labels, len(places)) else None
    for name, known in own.items():
        column = kept.columns.get(name)
        if column is not None and known is not None:
            if column.shape != known.shape:
                yield name, f"those of {len(column)} images"
            elif not np.array_equal(column, known):
                yield name, f"{int((column != known).sum())} others"


def _within(labels: NDArray[Any], classes: int) -> bool:
    """Whether every image has a label, as every one that is evaluated must."""
    return bool(len(labels) and labels.min() >= 0 and labels.max() < classes)
