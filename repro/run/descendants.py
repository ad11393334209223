"""A process with everything that it started, ended together: also where it hangs, and in whatever session they are."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

_LOOK = 0.2  # seconds between two looks at whether somebody is there
_DEAD = "ZX"  # states of a process that ended and that nobody has asked about yet


def end(leader: int) -> None:
    """Kill the leader of a session, the session, and all that descends from either; none of them is asked.

    They are stopped first, so that none starts another one while the others die.
    """
    found: set[int] = set()
    while more := members(leader) - found:
        found |= more
        _signal(more, signal.SIGSTOP)
    _signal(found, signal.SIGKILL)
    if not found:  # a system without /proc
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)


def end_alone(seconds: float, *, said: Callable[[], float] = lambda: 0.0) -> None:
    """From now on: kill this process, and all that it started, so long after whoever started it is gone.

    What it `said` last, as a time or another number that changes, begins the seconds anew; those in which this process
    was itself stopped do not count. A thread waits for it, so that a process that hangs ends too.
    """
    threading.Thread(target=_end_alone, args=(os.getppid(), seconds, said), daemon=True).start()


def _end_alone(parent: int, seconds: float, said: Callable[[], float]) -> None:
    alone, last = 0.0, said()
    while alone < seconds:
        time.sleep(_LOOK)
        now = said()
        alone, last = (alone + _LOOK if os.getppid() != parent and now == last else 0.0), now
    _signal(members(os.getpid()) - {os.getpid()}, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def members(leader: int) -> set[int]:
    """The processes that live of the session of a leader, and their descendants in other sessions."""
    listed = list(_processes())
    found = {process for process, _, session in listed if leader in (process, session)}
    while more := {process for process, parent, _ in listed if parent in found} - found:
        found |= more
    return found


def _processes() -> Iterator[tuple[int, int, int]]:
    """Process, parent and session of each that lives."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, parent, _, session = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[:4]
        except (OSError, ValueError):
            continue  # it ended while we looked
        if state not in _DEAD:
            yield int(folder.name), int(parent), int(session)


def _signal(processes: set[int], number: signal.Signals) -> None:
    for process in processes:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(process, number)
