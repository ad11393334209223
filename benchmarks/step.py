"""One step of pretraining under the profile mini by part, and with patch-based negatives beside without them.

The parts are timed inside the step that the pretraining job runs, by wrapping what it calls.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from statistics import median
from typing import Any
from unittest.mock import patch as wrapped

import recipe
import timing
import torch

from repro.lab.datasets import shapes
from repro.lab.jobs import Context, pretrain
from repro.lab.loading.feed import Feed
from repro.lab.negatives import patch
from repro.lab.views import moco_v2

COUNT, STEPS = 1024, 60  # images; steps measured, each of the two times


class Clock:
    """CPU seconds that parts took, one number for each time."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(list)

    def around(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed under a name."""

        def timed(*args: Any, **options: Any) -> Any:
            start = time.process_time()
            result = function(*args, **options)
            self.seconds[part].append(time.process_time() - start)
            return result

        return timed


def prepare(name: str, images: Any) -> pretrain.Run:
    """A run of a row on images in memory."""
    values = recipe.row(name, profile="mini")
    spec = {"recipe": values, "pixels": values["data"]["pixels"]}
    return pretrain._prepare(spec, seed=0, images=images, context=Context(device="cpu"))


def parts(run: pretrain.Run) -> dict[str, float]:
    """Median CPU seconds of each part in STEPS steps of a run; a part that comes twice in a step counts twice."""
    clock = Clock()
    inside = (
        ("images", Feed, "at"),
        ("views", moco_v2, "make"),
        ("patch-based negatives", patch, "make"),
        ("forward, queries", run.method.encoder, "forward"),
        ("forward, keys and negatives", run.method.key_encoder, "forward"),
        ("backward", torch.Tensor, "backward"),
        ("update", run.optimizer, "step"),
    )
    with ExitStack() as wraps:
        for part, owner, name in inside:
            wraps.enter_context(wrapped.object(owner, name, clock.around(part, getattr(owner, name))))
        for _ in range(STEPS):
            clock.around("whole", pretrain._step)(run)
    found = {part: median(spent) * len(spent) / STEPS for part, spent in clock.seconds.items()}
    whole = found.pop("whole")
    return {**found, "rest": whole - sum(found.values()), "whole": whole}


def main() -> None:
    images = shapes.build(recipe.drawn("train", count=COUNT))
    runs = {name: prepare(name, images) for name in (recipe.PLAIN, recipe.PATCH)}
    plain, patches = timing.medians(*(lambda run=run: pretrain._step(run) for run in runs.values()), repeats=STEPS)
    batch = recipe.row(recipe.PATCH, profile="mini")["training"]["batch"]
    print(f"a step of {batch} images of 32 px, ms of CPU time (one thread, medians of {STEPS})")
    print(f"without negatives {plain * 1e3:.1f}, with {patches * 1e3:.1f}: {patches / plain:.2f} times as long")
    found = parts(runs[recipe.PATCH])
    for part, spent in found.items():
        print(f"{part:28}  {spent * 1e3:6.2f}  {spent / found['whole']:6.1%}")


if __name__ == "__main__":
    main()
