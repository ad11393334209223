"""Who takes part in a run: the processes that have its environment, found in /proc."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

MARK = "FAULTS_RUN"  # in the environment of a run's processes: the folder of its results
LOOK = 0.05


def of(results: Path) -> dict[int, str]:
    """The living processes of all runs of a results folder, or of one below a folder: number -> command line."""
    found, wanted = {}, f"{MARK}={results}".encode()
    for place in Path("/proc").iterdir():
        if not place.name.isdigit() or int(place.name) == os.getpid():
            continue
        with suppress(OSError):
            marks = (place / "environ").read_bytes().split(b"\0")
            if any(mark == wanted or mark.startswith(wanted + b"/") for mark in marks) and not _is_dead(place):
                words = (place / "cmdline").read_bytes().split(b"\0")
                found[int(place.name)] = b" ".join(words).decode(errors="replace")
    return found


def _is_dead(place: Path) -> bool:
    return (place / "stat").read_text().rpartition(")")[2].split()[0] == "Z"


def named(results: Path, module: str) -> list[int]:
    """Those that were started with `-m MODULE`, and not those that start such."""
    return [number for number, line in of(results).items() if f"{line} -m  ".split(" -m ")[1].split(" ")[0] == module]


def kill(numbers: list[int]) -> list[int]:
    """SIGKILL to each; gives those that were still there."""
    hit = []
    for number in numbers:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
            hit.append(number)
    return hit


def end(results: Path) -> None:
    """Leave none of them."""
    while kill(list(of(results))):
        time.sleep(LOOK)


def awaited(what: Callable[[], bool], *, seconds: float) -> bool:
    """Whether something becomes true in time."""
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(LOOK)
    return True
