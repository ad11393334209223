"""A clock that jumps during a run, days ahead and back at random moments, for all of its processes at once.

libfaketime gives them the time of a file; what counts seconds for waiting (the monotonic clock) goes on as ever, and so
do the times of files, which are the disk's. Records and what is printed are those of a run with a good clock, nothing
hangs, and no time that is told is negative.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from random import Random
from subprocess import Popen

from repro.store import Store
from tests.faults import kills
from tests.faults.trials import Trial
from tests.faults.world import TIMEOUT, World

USUAL = 1
FARTHEST = 4000  # days: eleven years
PAUSES = (0.2, 3.0)  # seconds between two jumps
LIBRARIES = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib/faketime/libfaketimeMT.so.1")


def skipped() -> str:
    """Why it cannot be tried here."""
    return "" if _library() else "the library of Debian's package faketime is not installed"


def _library() -> Path | None:
    return next((path for pattern in LIBRARIES for path in Path("/").glob(pattern[1:])), None)


def trials(world: World, *, times: int, seed: int) -> Iterator[Trial]:
    """Runs with such a clock."""
    random = Random(f"clocks {seed}")
    for _ in range(times):
        yield _one_run(world, random)


def _one_run(world: World, random: Random) -> Trial:
    results, clock = world.folder("clocks"), world.root / "clock"
    world.printed(results).unlink(missing_ok=True)
    met = [_jump(clock, random)]
    run = world.start(results, env=_environment(clock))
    seen = _jumping(world, run, clock, random, met)
    printed = world.printed(results).read_text()
    if run.returncode or "Traceback" in printed:
        seen.append(f"exit {run.returncode}: {printed}")
    if re.search(r"-\d+:\d\d|-\d+(\.\d+)? s", printed):
        seen.append(f"a negative time was told: {printed}")
    seen += [*_records(results), *kills.ended(world, results)]
    return Trial("clock that jumps", not seen, f"{met} days: {'; '.join(seen)}" if seen else "")


def _environment(clock: Path) -> dict[str, str]:
    return {
        "LD_PRELOAD": str(_library()),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }


def _jump(clock: Path, random: Random) -> int:
    """Set the clock days off; gives how many."""
    days = random.randint(-FARTHEST, FARTHEST)
    fresh = clock.with_suffix(".new")
    fresh.write_text(f"{days:+d}d\n")
    os.replace(fresh, clock)
    return days


def _jumping(world: World, run: Popen[str], clock: Path, random: Random, met: list[int]) -> list[str]:
    """Let the clock jump until a run ends; what went wrong."""
    end = time.monotonic() + TIMEOUT
    while run.poll() is None and time.monotonic() < end:
        time.sleep(random.uniform(*PAUSES))
        met.append(_jump(clock, random))
    return [] if run.poll() is not None or world.ends(run) else ["the run did not end"]


def _records(results: Path) -> list[str]:
    """What records say of times that cannot be; and where all say today, as then no clock has jumped."""
    store, seen, days = Store(results), list[str](), set[str]()
    for job in store.jobs():
        record = store.read(job)
        if record is None:
            continue  # told by whoever compares
        days.add(record.started[:10])
        if min(record.wall_seconds, record.cpu_seconds) < 0 or record.wall_seconds > TIMEOUT:
            seen.append(f"{record.label}: took {json.dumps([record.wall_seconds, record.cpu_seconds])} seconds")
        datetime.fromisoformat(record.started)
    return seen + (["no clock has jumped"] if len(days) < 2 else [])
