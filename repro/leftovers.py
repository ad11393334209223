"""What a killed process leaves: the file that it was writing, a log that says nothing; removed once nobody has it."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from glob import escape
from pathlib import Path
from typing import IO

from repro.files import write_whole

STALE = 24 * 3600.0  # seconds; a file under way is written in moments, so whoever began this one is gone
_YOUNG = 60.0  # seconds that a log may have been opened and is not held yet
_RANDOM = "?" * 8  # between name and ending: what `write_whole` puts there


def sweep(folder: Path, *, name: str | None = None) -> None:
    """Remove what was left in a folder of writing a file of that name, or any."""
    of = "*" if name is None else escape(name)
    with suppress(OSError):  # where nothing can be removed, what is asked for will say why
        for path in folder.glob(f".{of}.{_RANDOM}.part"):
            if time.time() - path.stat().st_mtime > STALE:
                path.unlink(missing_ok=True)


def sweep_logs(folder: Path) -> None:
    """Remove logs of workers that say nothing, where no process holds them any more (`hold`)."""
    for path in folder.glob("worker-*.log"):
        with suppress(OSError), path.open("rb") as stream:
            status = os.fstat(stream.fileno())
            if status.st_size == 0 and time.time() - status.st_mtime > _YOUNG:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()


def hold(log: IO[bytes]) -> None:
    """Have a log count as in use for as long as a process that was given it lives, whoever opened it."""
    with suppress(OSError):  # a file system without locks; who claims a job there says so
        fcntl.flock(log, fcntl.LOCK_SH)


def write(path: Path, content: bytes | str, *, option: str) -> None:
    """Write a file that a person asked for, whole or not at all; what an earlier try left of it is removed."""
    write_whole(path, content, option=option)
    sweep(path.parent, name=path.name)
