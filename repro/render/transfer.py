"""How far a download is: one live bar on a terminal, a plain line now and then in a pipe."""

from __future__ import annotations

import time
from collections import deque
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from repro.render.printable import clock, printable
from repro.render.progress import LINE_EVERY

WINDOW = 20.0  # seconds over which the rate is taken


def size(count: int) -> str:
    """Bytes as a person reads them.

    >>> size(999), size(98_100_000), size(6_400_000_000)
    ('999 B', '98.1 MB', '6.4 GB')
    """
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            return f"{count / scale:.1f} {unit}"
    return f"{count} B"


class Transfer:
    """Bytes of one file after another, with rate and time left; a context manager, so that the bar never stays."""

    def __init__(self, console: Console) -> None:
        self.console, self.what, self.said = console, "", time.monotonic()
        self.marks: deque[tuple[float, int]] = deque()  # when so many bytes were here, within the window
        self.bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=18),
            TextColumn("{task.fields[far]}", markup=False),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self.task = self.bars.add_task("", total=None, far="", visible=False)

    def __enter__(self) -> Transfer:
        self.bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.bars.stop()

    def begin(self, what: str) -> None:
        """The next file."""
        self.what = what
        self.marks.clear()
        self.bars.update(self.task, description=printable(what), total=None, completed=0, far="", visible=True)

    def step(self, done: int, total: int | None) -> None:
        """So many bytes are here, of so many where that is known."""
        now = time.monotonic()
        if not self.marks or now - self.marks[-1][0] > WINDOW / 100:
            self.marks.append((now, done))
            while now - self.marks[0][0] > WINDOW:
                self.marks.popleft()
        far = self.far(now, done, total)
        self.bars.update(self.task, total=total, completed=done, far=far)
        if not self.console.is_terminal and now - self.said > LINE_EVERY:
            self.said = now
            self.say(f"  {self.what}: {far}")

    def far(self, now: float, done: int, total: int | None) -> str:
        """How far it is in words; rate and time left where there is a pace."""
        text = f"{size(done)} of {size(total)}" if total else size(done)
        since, at = self.marks[0]
        if now <= since or done <= at:
            return text
        pace = (done - at) / (now - since)
        left = f", {clock((total - done) / pace)} left" if total else ""
        return f"{text}, {size(round(pace))}/s{left}"

    def say(self, line: str) -> None:
        """A line that stays, above the bar."""
        self.console.print(Text(printable(line)), soft_wrap=True)
