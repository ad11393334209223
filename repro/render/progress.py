"""What a person sees while jobs run: live bars on a terminal, plain lines in a pipe."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.text import Text

from repro.plan.cost import stated
from repro.plan.jobs import Job
from repro.render.printable import clock, printable
from repro.spec.profile import Profile

LINE_EVERY = 20.0  # seconds between two plain lines about the same job


class Estimate:
    """Time left over all jobs: the profile's rates, corrected by how long jobs really took, kind by kind."""

    def __init__(self, jobs: Mapping[str, Job], profile: Profile, workers: int) -> None:
        costs = stated(profile)
        self.jobs = {
            name: (job.kind, costs.seconds(job) or 1.0) for name, job in jobs.items()
        }  # kind, expected seconds
        self.workers = workers
        self.untouched = Counter(self.jobs.values())  # how many of each that did not begin yet
        self.left: dict[str, float] = {}  # id of a job in hand -> expected seconds still to go, by the profile's rates
        self.over: set[str] = set()
        self.taken: dict[str, list[float]] = {}  # kind -> [expected, measured]

    def moved(self, job: str, fraction: float) -> None:
        """A job in hand is this far."""
        if job in self.jobs and job not in self.over:
            if job not in self.left:
                self.untouched[self.jobs[job]] -= 1
            self.left[job] = self.jobs[job][1] * (1.0 - fraction)

    def ended(self, job: str, measured: float | None) -> None:
        """A job is over; how long it took corrects the rest of its kind."""
        if job not in self.jobs:
            return
        kind, expected = self.jobs[job]
        if measured is not None:
            sums = self.taken.setdefault(kind, [0.0, 0.0])
            sums[0] += expected
            sums[1] += measured
        if job not in self.over:
            self.over.add(job)
            if self.left.pop(job, None) is None:
                self.untouched[kind, expected] -= 1

    def seconds(self) -> float:
        """Seconds to go with all workers busy, at least as long as the longest single job."""
        parts = [(left * self._factor(self.jobs[job][0]), 1) for job, left in self.left.items()]
        parts += [(expected * self._factor(kind), many) for (kind, expected), many in self.untouched.items() if many]
        whole = sum(each * many for each, many in parts)
        return max(whole / self.workers, max((each for each, _ in parts), default=0.0))

    def _factor(self, kind: str) -> float:
        expected, measured = self.taken.get(kind, (0.0, 0.0))
        return measured / expected if expected else 1.0


class Display:
    """Each job in hand with its rate and time left, and the whole with an estimate; an `Observer` of an executor."""

    def __init__(self, console: Console, jobs: Mapping[str, Job], profile: Profile, workers: int) -> None:
        self.console, self.total, self.finished = console, len(jobs), 0
        self.estimate = Estimate(jobs, profile, workers)
        self.begun: dict[str, float] = {}
        self.first: dict[str, tuple[float, int]] = {}  # job -> when and where its progress was first seen
        self.said: dict[str, float] = {}
        self.bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=18),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            console=console,
        )
        self.tasks: dict[str, TaskID] = {}
        self.live = (
            Live(self.bars, console=console, refresh_per_second=4, transient=True) if console.is_terminal else None
        )
        if self.live:
            self.whole = self.bars.add_task("all jobs", total=self.total, rate="")
            self.live.start()

    def started(self, job: Job) -> None:
        """A worker took a job in hand."""
        self.begun[job.id] = time.monotonic()
        self.first.pop(job.id, None)  # of an earlier try
        if self.live:
            if job.id in self.tasks:
                self.bars.remove_task(self.tasks[job.id])
            self.tasks[job.id] = self.bars.add_task(printable(job.label), total=None, rate="")

    def moved(self, job: Job, done: int, total: int, unit: str) -> None:
        """A job in hand came this far."""
        now = time.monotonic()
        self.estimate.moved(job.id, done / total if total else 0.0)
        since, at = self.first.setdefault(job.id, (now, done))
        pace = (done - at) / (now - since) if now > since else 0.0
        rate = f"{pace:.3g} {unit}/s, {clock((total - done) / pace)} left" if pace > 0 else ""
        if self.live and job.id in self.tasks:
            self.bars.update(self.tasks[job.id], completed=done, total=total, rate=rate)
        elif not self.live and now - self.said.setdefault(job.id, now) > LINE_EVERY:
            self.said[job.id] = now
            self._say(f"  {job.label}: {done}/{total} {unit}, {rate}")

    def ended(self, job: Job, how: str, detail: str) -> None:
        """A job is over (`done`, `reused`, `failed`, `stopped`), or has something to say (`note`)."""
        if how == "note":
            self._say(f"  {job.label}: {detail}")
            return
        measured = time.monotonic() - self.begun[job.id] if job.id in self.begun else None
        if how != "stopped":
            self.finished += 1
            self.total = max(self.total, self.finished)  # an input that proved damaged was computed besides
            self.estimate.ended(job.id, measured if how == "done" else None)
        if self.live and job.id in self.tasks:
            self.bars.remove_task(self.tasks.pop(job.id))
        spent = f" in {measured:.1f} s" if measured is not None and how == "done" else ""
        words = {
            "done": f"✓ {job.label}{spent}",
            "reused": f"= {job.label}: done by another run",
            "stopped": f"‖ {job.label}: stopped, to be gone on with",
        }
        line = words.get(how, f"✗ {job.label}: {detail}")
        if how == "failed" or not self.live:
            self._say(
                f"{line}  [{self.finished}/{self.total}, {clock(self.estimate.seconds())} left]"
                if how == "done"
                else line
            )

    def tick(self) -> None:
        """Refresh the line about the whole."""
        if self.live:
            left = f"{clock(self.estimate.seconds())} left"
            self.bars.update(self.whole, completed=self.finished, total=self.total, rate=left)

    def close(self) -> None:
        """Take the bars away."""
        if self.live:
            self.live.stop()

    def _say(self, line: str) -> None:
        self.console.print(Text(printable(line)), soft_wrap=True)
