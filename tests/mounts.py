"""Small disks of a test's own, unmounted at its end, whatever its end."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_UNMOUNT = 'while umount --lazy "$0" 2>/dev/null; do :; done'


class Refused(Exception):
    """This machine does not let us mount; the text says what it said."""


def lacking(*words: str | Path) -> str:
    """Why `mount WORDS`, or a small disk in memory, is refused here; nothing where it is not."""
    with tempfile.TemporaryDirectory() as folder, guarded(Path(folder)):
        try:
            mount(*(words or ("-t", "tmpfs", "tmpfs")), folder)
        except (Refused, FileNotFoundError) as refusal:
            return f"a small disk cannot be mounted here: {refusal}"
    return ""


def mount(*words: str | Path) -> None:
    """`mount WORDS`; raises `Refused`."""
    ended = subprocess.run(["mount", *map(str, words)], capture_output=True, text=True, check=False)
    if ended.returncode:
        raise Refused(ended.stderr.strip())


@contextmanager
def afterwards(script: str, *words: str | Path) -> Iterator[None]:
    """Have a shell do something at the end, also where this process is killed.

    It waits for our end of its pipe to close, as that happens in every case; the words are $0, $1 and so on.
    """
    with subprocess.Popen(
        ["sh", "-c", f"cat >/dev/null; {script}", *map(str, words)], stdin=subprocess.PIPE, start_new_session=True
    ):
        yield


@contextmanager
def guarded(place: Path) -> Iterator[None]:
    """Whatever is mounted on a folder is unmounted at the end, also where this process is killed."""
    with afterwards(_UNMOUNT, place):
        yield
    assert not os.path.ismount(place), place
