"""How far a long row of equal pieces of work is: one live bar on a terminal, a plain line now and then in a pipe."""

from __future__ import annotations

import time
from collections import deque
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from repro.render.printable import clock, printable
from repro.render.progress import LINE_EVERY

WINDOW = 60.0  # seconds over which the rate is taken: what was there already goes faster than what is made


class Tally:
    """Pieces done out of `total`, with rate and time left; a context manager, so that the bar never stays behind."""

    def __init__(self, console: Console, what: str, *, total: int, unit: str) -> None:
        self.console, self.what, self.total, self.unit = console, what, total, unit
        self.done, self.said = 0, time.monotonic()
        self.marks: deque[tuple[float, int]] = deque([(self.said, 0)])  # when so many were done, within the window
        self.bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=18),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Tally:
        self.task = self.bars.add_task(printable(self.what), total=self.total, rate="")
        self.bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.bars.stop()

    def step(self) -> None:
        """One more is done."""
        self.done += 1
        now = time.monotonic()
        if now - self.marks[-1][0] > WINDOW / 60:
            self.marks.append((now, self.done))
            while now - self.marks[0][0] > WINDOW:
                self.marks.popleft()
        self.bars.update(self.task, completed=self.done, rate=self.rate(now))
        if not self.console.is_terminal and now - self.said > LINE_EVERY:
            self.said = now
            self.say(f"  {self.what}: {self.done:,}/{self.total:,}, {self.rate(now)}")

    def rate(self, now: float) -> str:
        """Pieces a second and the time left at that pace; nothing before there is a pace."""
        since, at = self.marks[0]
        if now <= since or self.done <= at:
            return ""
        pace = (self.done - at) / (now - since)
        return f"{pace:.3g} {self.unit}/s, {clock((self.total - self.done) / pace)} left"

    def say(self, line: str) -> None:
        """A line that stays, above the bar."""
        self.console.print(Text(printable(line)), soft_wrap=True)
