"""What an input may lead to: a result or one refusal in plain sight; never a traceback, a hang or a file elsewhere."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from repro.errors import ReproError, SpecError

SECONDS = 20.0  # of the processor
WAIT = 6  # times as long may pass, on a machine that has other work
LONGEST = 200_000  # characters of what is said of one input
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = {  # events of the interpreter -> which of their arguments are paths
    "os.mkdir": (0,),
    "os.rename": (0, 1),
    "os.remove": (0,),
    "os.rmdir": (0,),
    "os.link": (1,),
    "os.symlink": (1,),
    "os.truncate": (0,),
    "os.chmod": (0,),
    "shutil.rmtree": (0,),
}
_NOWHERE = ("/dev/null/", "/dev/full/")
_HARMLESS = ("bash", "fc-list", "squeue", "scancel")
"""Programs: click asks the one for its version, matplotlib the next for fonts, repro status and cancel a cluster."""
_FORBIDDEN = ("socket.connect", "os.system", "os.exec", "subprocess.Popen", "webbrowser.open")


class Broken(AssertionError):
    """What must not happen did; the text says what."""


class _Watcher:
    """Looks on while inputs are tried; one for the process, as hooks of the interpreter cannot be taken away."""

    def __init__(self) -> None:
        self.room: Path | None = None
        self.seen: list[str] = []
        self.is_added = False

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Note what changes a file outside of the room, or leaves the process."""
        if self.room is None:
            return
        if event == "open":
            path, mode, flags = arguments
            is_written = any(sign in mode for sign in "wax+") if isinstance(mode, str) else bool(flags & _WRITING)
            if is_written:
                self._note(event, path)
        elif event in _CHANGES:
            for place in _CHANGES[event]:
                self._note(event, arguments[place])
        elif event in _FORBIDDEN and not (event == "subprocess.Popen" and Path(arguments[0]).name in _HARMLESS):
            self.seen.append(f"{event} {arguments!r}"[:300])

    def _note(self, event: str, path: Any) -> None:
        if isinstance(path, int):
            return
        room, self.room = self.room, None
        try:
            where = os.path.realpath(os.fsdecode(path))
        except (ValueError, TypeError):
            where = ""  # not a path, and refused as such
        finally:
            self.room = room
        if where and not f"{where}{os.sep}".startswith((f"{room}{os.sep}", *_NOWHERE)) and "__pycache__" not in where:
            self.seen.append(f"{event} {where}")


_watcher = _Watcher()


@contextmanager
def watched(room: Path, *, seconds: float = SECONDS) -> Iterator[None]:
    """Raises `Broken` where what is done inside takes too long, starts a program, or writes outside of `room`."""
    if not _watcher.is_added:
        sys.addaudithook(_watcher.hear)
        _watcher.is_added = True

    def late(*_: object) -> None:
        raise Broken(f"no end after {seconds:g} s: {''.join(traceback.format_stack(limit=12))}")

    clocks = ((signal.SIGPROF, signal.ITIMER_PROF, 1), (signal.SIGALRM, signal.ITIMER_REAL, WAIT))
    before = [(number, signal.signal(number, late)) for number, _, _ in clocks]
    written, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    _watcher.seen, _watcher.room = [], room.resolve()
    for _, clock, times in clocks:
        signal.setitimer(clock, seconds * times)
    try:
        yield
    finally:
        for _, clock, _ in clocks:
            signal.setitimer(clock, 0)
        for number, handler in before:
            signal.signal(number, handler)
        _watcher.room, sys.dont_write_bytecode = None, written
    if _watcher.seen:
        raise Broken(f"left its folder: {'; '.join(dict.fromkeys(_watcher.seen))}")


def tried(room: Path, action: Callable[[], object], *, seconds: float = SECONDS) -> str:
    """Do something with an input: "result" or "refused"; raises `Broken` for everything else."""
    try:
        with watched(room, seconds=seconds):
            action()
    except (ReproError, click.ClickException) as error:
        check(error)
        return "refused"
    except Broken:
        raise
    except (Exception, RecursionError) as error:
        raise Broken("".join(traceback.format_exception(error))[-3000:]) from error
    return "result"


def check(error: ReproError | click.ClickException) -> None:
    """Each sentence is one line that says something."""
    said = error.faults if isinstance(error, SpecError) else [str(error)]
    if not said:
        raise Broken(f"{type(error).__name__} that says nothing")
    for sentence in said:
        if not sentence.strip() or len(sentence) > LONGEST:
            raise Broken(f"a sentence of {len(sentence)} characters: {sentence[:200]!r}")
