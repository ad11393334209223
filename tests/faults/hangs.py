"""Workers that are stopped (SIGSTOP) at random moments and then tell nothing: they are killed, and their jobs done.

One worker is stopped and its job is tried once more; or each is, so that a job fails with its reason and the same
command typed again does it.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from subprocess import Popen

from tests.faults import processes
from tests.faults.trials import Trial
from tests.faults.world import TIMEOUT, World

USUAL = 1
SILENCE = 0.5  # minutes: more than a worker takes to begin, and a set of images to be drawn, on a very busy machine
LONGEST = 6.0  # seconds: about how long the worker of a run is there
ALWAYS = 4  # every so many trials each worker is stopped
WORKER = "repro.run.worker"


def skipped() -> str:
    """Why it cannot be tried here."""
    return "" if Path("/proc/self/task").is_dir() else "the processes of a run are looked up in /proc"


def trials(world: World, *, times: int, seed: int) -> Iterator[Trial]:
    """Runs of which a worker, or each, is stopped; one that has ended before is begun anew."""
    random = Random(f"hangs {seed}")
    for number in range(times):
        met = None
        while met is None:
            met = _one_run(world, random.uniform(0.0, LONGEST), each=number % ALWAYS == ALWAYS - 1)
        yield met


def _one_run(world: World, delay: float, *, each: bool) -> Trial | None:
    """One trial; None where the run had ended before the moment."""
    results = world.folder("hangs")
    world.printed(results).unlink(missing_ok=True)
    run = world.start(results, more=["--silence", str(SILENCE)])
    stopped = set(_stop(run, results, delay))
    end = time.monotonic() + TIMEOUT
    while each and run.poll() is None and time.monotonic() < end:
        stopped |= set(_stop(run, results, 0.0))
        time.sleep(processes.LOOK)
    world.ends(run)
    if not stopped:
        return None
    code, printed = run.returncode, world.printed(results).read_text()
    is_told = not each or "its worker said nothing for 30 seconds, 2 times" in printed
    is_plain = code == (3 if each else 0) and "Traceback" not in printed
    seen = [] if is_told and is_plain else [f"exit {code}: {printed}"]
    if not processes.awaited(lambda: not processes.of(results), seconds=10.0):
        seen.append(f"these live on: {processes.of(results)}")
        processes.kill(list(processes.of(results)))
    if each:
        code, printed = world.finish(results)
        seen += [f"exit {code} when it was typed again: {printed}"] if code else []
    seen += world.differences(results)
    told = f"stopped after {delay:.2f} s: {'; '.join(seen)}" if seen else ""
    return Trial("hang: each worker" if each else "hang: a worker", not seen, told)


def _stop(run: Popen[str], results: Path, delay: float) -> list[int]:
    """Stop the workers that a run has, some time after there is the first."""
    processes.awaited(lambda: run.poll() is not None or bool(processes.named(results, WORKER)), seconds=TIMEOUT)
    time.sleep(delay)
    found = processes.named(results, WORKER) if run.poll() is None else []
    for number in found:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGSTOP)
    return found
