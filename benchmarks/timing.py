"""Times pieces of work side by side in one run: interleaved repeats, medians of CPU seconds, one thread.

Importing this module makes `repro` the checkout that the module lies in, installed or not, and keeps torch to one
thread. CPU seconds are those of this process, so that the machine's other work counts less than on a clock.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import torch

ROOT = Path(__file__).resolve().parents[1]
REPEATS = 7
Row = tuple[str, float, float]  # what, ours and the reference's CPU seconds per unit

sys.path.insert(0, str(ROOT))
torch.set_num_threads(1)


def medians(*pieces: Callable[[], object], repeats: int = REPEATS) -> list[float]:
    """Median CPU seconds of each piece; each runs once unmeasured, then they take turns."""
    for piece in pieces:
        piece()
    rounds = [[seconds(piece) for piece in pieces] for _ in range(repeats)]
    return [median(turns) for turns in zip(*rounds, strict=True)]


def seconds(piece: Callable[[], object]) -> float:
    """CPU seconds of one run."""
    start = time.process_time()
    piece()
    return time.process_time() - start


def write(title: str, rows: Sequence[Row], *, unit: str, reference: str) -> None:
    """Print microseconds per unit, ours and the reference's, and how many times as long the reference takes."""
    print(f"{title}, µs per {unit} (CPU time, one thread, medians of {REPEATS})")
    wide = max(len(what) for what, _, _ in rows)
    print(f"{'':{wide}}  {'ours':>10}  {reference:>{max(10, len(reference))}}  {'ratio':>7}")
    for what, ours, theirs in rows:
        print(f"{what:{wide}}  {ours * 1e6:10.1f}  {theirs * 1e6:{max(10, len(reference))}.1f}  {theirs / ours:6.1f}x")
