"""The program that the paper used, texture-synthesis, where it is installed.

Source: EmbarkStudios/texture-synthesis cli/src/main.rs@0837db6 for its options. With one thread it is deterministic.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from repro.errors import UsageError
from repro.lab.textures import pictures

PROGRAM = "texture-synthesis"
SECONDS = 300.0
"""An image's limit; with its own settings the program takes seconds, so one that takes this long hangs."""
OPTIONS = ("--threads", "1", "--no-progress")


def find() -> tuple[str, str]:
    """Where the program is and what it says of its version; raises `UsageError` where it is not there or silent."""
    found = shutil.which(PROGRAM)
    if found is None:
        raise UsageError(
            f"--program {PROGRAM}: there is no such program on the PATH; install it (cargo install "
            "texture-synthesis-cli), or leave the option out for the synthesis built in"
        )
    try:
        done = subprocess.run(
            [found, "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False
        )
        lines = done.stdout.decode(errors="replace").split("\n")
    except (OSError, subprocess.TimeoutExpired):
        lines = [""]
    if not lines[0].strip():
        raise UsageError(f"--program {PROGRAM}: {found} --version says nothing; expected a name and a version")
    return found, lines[0].strip()


def texture(
    examples: Sequence[NDArray[np.uint8]], *, pixels: int, seed: int, program: str, seconds: float
) -> NDArray[np.uint8]:
    """A texture, uint8 (pixels, pixels, 3), by the program; raises `ValueError` with a reason where it fails."""
    with tempfile.TemporaryDirectory(prefix="texture-") as name:
        folder = Path(name)
        given = [folder / f"patch{i}.png" for i in range(len(examples))]
        for path, example in zip(given, examples, strict=True):
            Image.fromarray(example).save(path)
        made = folder / "texture.png"
        command = [program, "--out-size", str(pixels), "--seed", str(seed % 2**32), *OPTIONS, "--out", str(made)]
        command += ["generate", *map(str, given)]
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, cwd=folder, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise ValueError(f"{PROGRAM} did not end within {seconds:g} s") from error
        except OSError as error:
            raise ValueError(f"{PROGRAM} cannot be started: {error.strerror}") from error
        if done.returncode != 0 or not made.is_file():
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise ValueError(f"{PROGRAM} ended with {done.returncode}: {said[-1] if said else 'no message'}")
        try:
            result = pictures.read(made.read_bytes())
        except ValueError as error:
            raise ValueError(f"{PROGRAM} wrote a picture that cannot be read: {error}") from error
    if result.shape != (pixels, pixels, 3):
        raise ValueError(f"{PROGRAM} wrote {result.shape[1]} x {result.shape[0]} in place of {pixels} x {pixels}")
    return result
