"""kill -9 at random moments of a run that measures weights from a file, in place of training: as in `kills`.

The file is the encoder that the reference trained.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace

from tests.faults import kills
from tests.faults.trials import Trial
from tests.faults.world import World

USUAL = 2
NAME = "mine"


def skipped() -> str:
    """Why it cannot be tried here."""
    return kills.skipped()


def trials(world: World, *, times: int, seed: int) -> Iterator[Trial]:
    """Each kill is a trial, told when its run has ended."""
    (encoder,) = world.reference.glob("*/*/encoder.safetensors")
    file = world.root / f"{NAME}.safetensors"
    shutil.copy(encoder, file)
    columns = ["--columns", "imagenet,imagenet-c"]
    table = ["table1", "--seeds", "0", "--rows", NAME, *columns]
    asking = world.asking(*table, "--weights", str(file), "--as", NAME)
    for trial in kills.trials(asking, times=times, seed=seed):
        yield replace(trial, fault=f"{trial.fault}, weights of a file")
