"""kill -9 at random moments, of the runner, of its worker, of both; the run is begun again until it is done."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from subprocess import TimeoutExpired

from tests.faults.trials import Trial
from tests.faults.world import World

USUAL = 4


def skipped() -> str:
    """Nothing stands in the way."""
    return "" if Path("/proc/self/task").is_dir() else "the processes of a run are looked up in /proc"


def trials(world: World, *, times: int, seed: int) -> Iterator[Trial]:
    """Not whole yet."""
    random = Random(f"kills {seed}")
    results = world.folder("kills")
    for _ in range(times):
        run = world.start(results)
        with suppress(TimeoutExpired):
            run.wait(random.uniform(0, 8))
        with suppress(ProcessLookupError):
            os.kill(run.pid, signal.SIGKILL)
        run.wait()
        time.sleep(0.1)
        code, printed = world.finish(results)
        differences = world.differences(results)
        yield Trial("kill -9 of the runner", not code and not differences, f"{code} {printed} {differences}")
