"""A set of images under all 15 corruptions at all five severities."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from repro.lab.corruptions import CORRUPTIONS, SEVERITIES, corrupt
from repro.lab.data import Images

CONDITIONS = tuple(f"{name}/{severity}" for name in CORRUPTIONS for severity in SEVERITIES)
_STREAM = 100


def every_corruption(clean: Images, *, seed: int) -> Images:
    """Corrupt the same clean images in every way: 75 times as many, condition after condition.

    Each condition draws from a stream of its own, so one does not depend on another.
    """
    n = len(clean)
    pictures = np.empty((len(CONDITIONS) * n, *clean.images.shape[1:]), np.uint8)
    for i, condition in enumerate(CONDITIONS):
        name, severity = condition.split("/")
        generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_STREAM, i)))
        pictures[i * n : (i + 1) * n] = corrupt(clean.images, name, int(severity), generator=generator)
    return replace(
        clean,
        images=pictures,
        labels=np.tile(clean.labels, len(CONDITIONS)),
        textures=None if clean.textures is None else np.tile(clean.textures, len(CONDITIONS)),
        condition=np.repeat(np.arange(len(CONDITIONS)), n),
        conditions=CONDITIONS,
        names=None if clean.names is None else np.tile(clean.names, len(CONDITIONS)),
    )
