"""One texture of the tree: looked at where it is there, made where it is not; what a worker process does.

Nothing here loads torch, as each worker would.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from repro.files import write_whole
from repro.lab.textures import patches, pictures
from repro.lab.textures.external import SECONDS
from repro.lab.textures.external import texture as external
from repro.lab.textures.settings import IMAGENET, SIDES
from repro.lab.textures.synthesis import texture as own

SCHEMA = "repro-texture/1"
How = Literal["made", "there", "remade", "missing", "wrong", "corrupt", "failed"]


@dataclass(frozen=True)
class Order:
    """What holds for every texture of a tree."""

    pixels: int  # side of a texture
    side: int | None  # of the patches; None: as the paper, by the image's size
    form: pictures.Format
    seed: int
    program: str  # "own", or what the external program says of its version
    command: str  # path of the external program, "" for our own
    settings: str  # digest of everything that shapes a texture but its image and its seed
    only_check: bool


@dataclass(frozen=True)
class Task:
    """One image of the tree: `name` is its path below the root without suffix, which its texture has too."""

    name: str
    source: Path
    target: Path
    seed: int


@dataclass(frozen=True)
class Outcome:
    """What became of a task; `reason` says why a texture was remade or could not be made."""

    name: str
    how: How
    reason: str
    seconds: float


def carry_out(task: Task, order: Order) -> Outcome:
    """Leave the right texture at its place, or say why not; raises `StoreError` where it cannot be written."""
    start = time.perf_counter()

    def ended(how: How, reason: str = "") -> Outcome:
        return Outcome(task.name, how, reason, time.perf_counter() - start)

    try:
        content = task.source.read_bytes()
    except OSError as error:
        return ended("corrupt", error.strerror or str(error))
    note = note_of(task, order, content)
    found = pictures.fault(task.target, pixels=order.pixels, note=note)
    if found is None:
        return ended("there")
    try:
        examples = cut(pictures.read(content), order.side, seed=task.seed)
    except ValueError as reason:
        return ended("corrupt", str(reason))
    if order.only_check:
        return ended("missing") if found == "missing" else ended("wrong", found)
    try:
        made = grown(examples, order, seed=task.seed)
    except ValueError as reason:
        return ended("failed", str(reason))
    write_whole(task.target, pictures.encoded(made, order.form, note), option="--out")
    return ended("made") if found == "missing" else ended("remade", found)


def note_of(task: Task, order: Order, content: bytes) -> pictures.Note:
    """What is written into a texture's file: enough to tell whether it is the one that would be made now."""
    return {
        "schema": SCHEMA,
        "source_sha256": hashlib.sha256(content).hexdigest(),
        "seed": task.seed,
        "settings": order.settings,
        "program": order.program,
    }


def cut(image: NDArray[np.uint8], side: int | None, *, seed: int) -> list[NDArray[np.uint8]]:
    """The two patches of an image; raises `ValueError` where it is too small for them."""
    height, width = image.shape[:2]
    fits = patches.side_for(height, width) if side is None else side if side <= min(height, width) else None
    if fits is None:
        needed = side or SIDES[-1]
        raise ValueError(f"{width} x {height} pixels are too few for patches of {needed} x {needed}; name a --side")
    return patches.two(image, side=fits, seed=seed)


def grown(examples: list[NDArray[np.uint8]], order: Order, *, seed: int) -> NDArray[np.uint8]:
    """The texture of two patches, by our own code or by the program; raises `ValueError` where the program fails."""
    if order.command:
        return external(examples, pixels=order.pixels, seed=seed, program=order.command, seconds=SECONDS)
    return own(examples, pixels=order.pixels, seed=seed, recipe=IMAGENET)
