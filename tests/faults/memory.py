"""Memory that runs out in a worker at random moments: an allocation is refused, or the system kills the worker.

What is refused makes a job fail with a sentence, and the same command then does it; a worker that was killed is
replaced, and its job tried once more.
"""

from __future__ import annotations

import os
import re
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

from tests import mounts
from tests.faults import kills, processes
from tests.faults.trials import Trial
from tests.faults.world import TIMEOUT, World

USUAL = 2
LONGEST = 6.0  # seconds: about how long the worker of a run is there
MOST = 25  # the logarithm of the bytes that are left, at most
WORKER = "repro.run.worker"
GROUPS = (Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup"))  # of the first and the second kind
LIMITS = ("memory.limit_in_bytes", "memory.max")
RELEASE = 'for _ in $(seq 100); do rmdir "$0" 2>/dev/null && break; sleep 0.1; done'
PLAIN = (
    r"out of memory; use fewer workers \(--workers 1\) or a smaller profile",
    r"no thread can be started: out of memory, or more than ulimit -u allows; use fewer workers \(--workers 1\)",
    r"its worker (was killed by SIG\w+|ended with exit code \d+) 2 times.*",
    r"not tried, as its input failed: .*",
)
"""What a job may be told to have failed of."""


def skipped() -> str:
    """Why it cannot be tried here."""
    return "" if hasattr(resource, "prlimit") else "the memory of another process cannot be limited here"


def trials(world: World, *, times: int, seed: int) -> Iterator[Trial]:
    """The two kinds in turn; where no group of processes can be made, none is killed by the system."""
    random = Random(f"memory {seed}")
    kinds = {"memory: refused": _refusing}
    if _group() is not None:
        kinds["memory: killed by the system"] = _killing
    for number in range(times):
        name = list(kinds)[number % len(kinds)]
        met = None
        while met is None:
            met = _one_run(world, name, kinds[name], random)
        yield met


Limit = Callable[[list[int], int], None]  # processes, bytes that are left to them


def _one_run(world: World, name: str, limiting: Callable[[], object], random: Random) -> Trial | None:
    """One trial; None where the run had ended before its moment."""
    results, delay = world.folder("memory"), random.uniform(0.0, LONGEST)
    left = int(2 ** random.uniform(12, MOST))
    world.printed(results).unlink(missing_ok=True)
    with limiting() as limit:  # type: ignore[attr-defined]
        run = world.start(results)
        processes.awaited(lambda: run.poll() is not None or bool(processes.named(results, WORKER)), seconds=TIMEOUT)
        time.sleep(delay)
        found = processes.named(results, WORKER) if run.poll() is None else []
        limit(found, left)
        world.ends(run)
    code, printed = run.returncode, world.printed(results).read_text()
    failed = [line.partition(": ")[2] for line in re.findall(r"(?m)^✗ (.*)$", printed)]
    strange = [line for line in failed if not any(re.match(plain, line) for plain in PLAIN)]
    seen = [f"a job has failed of this: {line}" for line in strange]
    if code != (3 if failed else 0) or "Traceback" in printed:
        seen.append(f"exit {code}: {printed}")
    seen += kills.ended(world, results)
    told = f"{left} bytes left after {delay:.2f} s: {'; '.join(seen)}" if seen else ""
    return Trial(name, not seen, told) if found else None


@contextmanager
def _refusing() -> Iterator[Limit]:
    """Whatever a process asks for beyond what it has is refused."""

    def limit(found: list[int], left: int) -> None:
        for number in found:
            with suppress(ProcessLookupError, FileNotFoundError):
                size = int(Path(f"/proc/{number}/statm").read_text().split()[0]) * resource.getpagesize() + left
                resource.prlimit(number, resource.RLIMIT_AS, (size, resource.RLIM_INFINITY))

    yield limit


@contextmanager
def _killing() -> Iterator[Limit]:
    """A process that takes more than it may is killed."""
    group = _group()
    assert group is not None
    with mounts.afterwards(RELEASE, group):
        group.mkdir()

        def limit(found: list[int], left: int) -> None:
            for name in LIMITS:
                if (group / name).exists():
                    (group / name).write_text(str(left))
            for number in found:
                with suppress(ProcessLookupError):
                    (group / "cgroup.procs").write_text(str(number))

        yield limit


def _group() -> Path | None:
    """A group of processes whose memory can be limited and that is not there yet, or None."""
    for parent in GROUPS:
        place = parent / f"repro-faults-{os.getpid()}"
        try:
            place.mkdir()
        except OSError:
            continue
        is_fit = any((place / name).exists() for name in LIMITS)
        place.rmdir()
        if is_fit:
            return place
    return None
