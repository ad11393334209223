"""Several runners on one results folder, one killed while it holds a training: each job once, none lost, none stuck.

Three runners in the normal tests; eight, and three seeds, where it is tried more often.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.faults import several
from tests.faults.trials import Trial
from tests.faults.world import TABLE, World

USUAL = 1
FEW, MANY = 3, 8


def skipped() -> str:
    """Why it cannot be tried here."""
    return "" if Path("/proc/self/fd").is_dir() else "who holds a job is looked up in /proc"


def trials(world: World, *, times: int, seed: int) -> Iterator[Trial]:
    """Each time as many runners at once; which one is killed is whoever comes first to a training."""
    runs, there = (FEW, world) if times <= USUAL else (MANY, world.asking(TABLE, "--seeds", "0,1,2"))
    for _ in range(times):
        seen = several.tried(there, there.folder("runners"), runs=runs, before=lambda number: [])
        yield Trial(f"{runs} runners, one killed", not seen, "; ".join(seen))
