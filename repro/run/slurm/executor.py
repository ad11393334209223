"""The executor for a SLURM cluster: submits what is not in the queue yet, then watches the results folder.

It may be closed at any time: the arrays carry their order themselves, and the next run goes on watching them. A job is
done when its record is there; the scheduler is asked only which tasks it still has.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from repro.errors import Interrupted, ReproError, StoreError
from repro.files import write_whole
from repro.plan.jobs import Job
from repro.run.local import Observer, Summary
from repro.run.slurm import arrays, orders, sbatch, scheduler, sweep
from repro.run.slurm.arrays import Array, Place
from repro.spec.cluster import Cluster
from repro.store import Store

GONE = 2  # looks in a row that a task is not in the queue before it counts as ended
LATER = 60.0  # seconds before a scheduler that takes no more jobs is asked to take them


@dataclass
class Part:
    """One task in the queue, and the jobs of it that are not over."""

    folder: Path
    number: int
    jobs: dict[str, Job]
    told: orders.Told = field(init=False)
    missed: int = 0  # looks in a row that the queue had it not

    def __post_init__(self) -> None:
        self.told = orders.Told(orders.events(self.folder, self.number))


class Slurm:
    """Runs jobs on a cluster; whatever happens to this program, the jobs go on."""

    def __init__(self, store: Store, *, cluster: Cluster, means: Mapping[str, Any], observer: Observer) -> None:
        self.store, self.cluster, self.observer = store, cluster, observer
        self.means = {**means, "requeues": cluster.requeues}  # threads, loaders, processes, silence: each task's
        self.summary = Summary()
        self.open: dict[str, Job] = {}  # not over
        self.held: dict[str, Place] = {}  # id -> where it is in the queue
        self.parts: dict[Place, Part] = {}
        self.tries: Counter[str] = Counter()
        self.lost: set[str] = set()  # as in the summary, for very many
        self.known: set[str] = set()  # arrays that are taken up, as the queue names them
        self.said: dict[str, str] = {}  # what was asked of the scheduler last in vain -> what it said, told once
        self.later = 0.0  # when to submit again what it did not take
        self.stop = False

    def ask_to_stop(self) -> None:
        """Stop watching; called from a signal handler. What is in the queue goes on."""
        self.stop = True

    def run(self, todo: Mapping[str, Job], jobs: Mapping[str, Job]) -> Summary:
        """Do every job of `todo`; `jobs` are all of the plan, should an input prove damaged."""
        begun = time.monotonic()
        self.jobs, self.open = dict(jobs), dict(todo)
        entries = scheduler.queue()
        sweep.sweep(self.store, entries)
        self._remember(entries)
        self._lose()
        self._submit(set())
        while self.open and not self.stop:
            self._look()
            next_ = time.monotonic() + self.cluster.look_seconds
            while time.monotonic() < next_ and self.open and not self.stop:
                time.sleep(min(0.1, self.cluster.look_seconds))
                self.observer.tick()
        self.summary.stopped, self.summary.seconds = bool(self.open), time.monotonic() - begun
        return self.summary

    def _remember(self, entries: Mapping[Place, scheduler.Entry]) -> None:
        """What earlier runs of the same results folder left: tasks in the queue, and how often each job was tried.

        A task that died while nobody watched is told of now. A job that failed is tried anew, as somebody asks again.
        """
        numbers = {entry.name: array for (array, _), entry in entries.items()}
        gone: dict[str, tuple[Place, Path]] = {}
        for folder, tasks in orders.listed(self.store):
            self.known.add(f"repro-{folder.name}")
            array = orders.number(folder) or numbers.get(f"repro-{folder.name}", "")
            is_cancelled, before = orders.is_cancelled(folder), orders.means(folder)["tries"]
            for number, jobs in tasks.items():
                ours = [self.open[job.id] for job in jobs if job.id in self.open]  # ours are in memory already
                for job in ours:
                    self.tries[job.id] = before.get(job.id, 0)
                if (array, number) in entries and not is_cancelled:
                    self._hold((array, number), folder, ours)
                elif array:
                    gone |= dict.fromkeys((job.id for job in ours), ((array, number), folder))
        for name in [name for name in self.jobs if name in gone and name not in self.held]:
            if self.store.failure(name) is not None:
                self.tries[name] = 0
            elif not self._rests_on_open(self.jobs[name]) and not orders.is_cancelled(gone[name][1]):
                self._count(self.jobs[name], *gone[name])

    def _adopt(self, entries: Mapping[Place, scheduler.Entry]) -> None:
        """Take up tasks that are in the queue though we do not know it: of another run, or sbatch gave no answer."""
        for name in {entry.name for entry in entries.values()} - self.known:
            folder = orders.root(self.store) / name.removeprefix("repro-")
            if folder.is_dir() and not orders.is_cancelled(folder):
                self.known.add(name)
                tasks = orders.tasks(folder)
                for place in [place for place, entry in entries.items() if entry.name == name]:
                    self._hold(place, folder, tasks.get(place[1], []))

    def _hold(self, place: Place, folder: Path, jobs: Iterable[Job]) -> None:
        ours = {job.id: job for job in jobs if job.id in self.open and job.id not in self.held}
        if ours:
            self.parts[place] = Part(folder, place[1], ours)
            self.held |= dict.fromkeys(ours, place)

    def _submit(self, waiting: set[str]) -> None:
        """Submit every open job that is not in the queue, but for those of `waiting`."""
        fresh = {name: self.open[name] for name in self.jobs if name in self.open}
        fresh = {name: job for name, job in fresh.items() if name not in self.held and name not in waiting}
        try:
            for wave in arrays.waves(fresh):
                for array in arrays.arrays(wave, self.held, self.jobs, most=self.cluster.largest_array):
                    self._send(array)
        except scheduler.SchedulerError as error:
            if not self.parts:
                raise
            self.later = time.monotonic() + LATER
            self._complain("submit", f"{error}; the rest is submitted later")
        else:
            self.said.pop("submit", None)

    def _complain(self, about: str, words: str) -> None:
        """Tell what the scheduler says, once until it does as it is asked."""
        if self.said.get(about) != words and self.open:
            self.said[about] = words
            self.observer.ended(next(iter(self.open.values())), "note", words)

    def _send(self, array: Array) -> None:
        folder = orders.write(self.store, array, self.means, self.tries)
        try:
            write_whole(folder / "submission.sh", sbatch.script(self.cluster, array, folder))
            number = scheduler.submit(folder / "submission.sh")
        except scheduler.NoAnswer:
            raise  # it may be in the queue; then it is taken up from there
        except ReproError:
            orders.discard(folder)
            raise
        write_whole(folder / "array", number + "\n")
        self.known.add(f"repro-{folder.name}")
        for task, jobs in array.tasks.items():
            self._hold((number, task), folder, jobs)
            for job in jobs:
                self.store.forgive(job.id)

    def _look(self) -> None:
        """Read what the tasks told, see which are gone, and submit again what they left."""
        try:
            entries = scheduler.queue()
        except scheduler.SchedulerError as error:
            self._complain("look", f"{error}; it is asked again")
            return
        self.said.pop("look", None)
        for place, part in list(self.parts.items()):
            entry = entries.get(place)
            if entry is None or entry.is_running:  # one that waits has nothing to tell
                self._hear(part)
            part.missed = 0 if entry else part.missed + 1
            if part.missed >= GONE:
                self._mourn(place, part)
            elif not part.jobs:
                del self.parts[place]
        self._lose()
        if self.stop or time.monotonic() < self.later:
            return
        self._adopt(entries)
        loose = [name for name in self.open if name not in self.held]
        if loose:
            awaited = {name for name in loose for other in self.open[name].inputs.values() if self._is_ending(other)}
            self._submit(self._with_dependants(awaited))

    def _is_ending(self, job: str) -> bool:
        """Whether a job's task has left the queue or is about to, so that nothing can be made to wait for it."""
        return job in self.held and self.held[job] in self.parts and self.parts[self.held[job]].missed > 0

    def _with_dependants(self, names: set[str]) -> set[str]:
        found = set(names)
        for name, job in self.jobs.items():
            if any(other in found for other in job.inputs.values()):
                found.add(name)
        return found

    def _hear(self, part: Part) -> None:
        """Take note of what a task told; what it calls done is over once its record is there."""
        for event in part.told.read():
            job = part.jobs.get(event.get("id", ""))
            match event["event"]:
                case "requeued":
                    for one in part.jobs.values():
                        self.observer.ended(one, "note", "stopped with a checkpoint, and back in the queue")
                case "started" if job:
                    self.observer.started(job)
                case "moved" if job:
                    self.observer.moved(job, event["done"], event["total"], event["unit"])
                case "ended" if job:
                    self._ended(job, event["how"], event["detail"])
        for job in [job for job in part.jobs.values() if self.store.has(job.id)]:
            if self.store.read(job.id) is not None:
                self._over(job, "done", "")

    def _ended(self, job: Job, how: str, detail: str) -> None:
        """What a task called done is over by its record alone."""
        if how == "note":
            self.observer.ended(job, how, detail)
        is_failed = how == "failed" and not self._again(job, detail)
        if is_failed or (how == "reused" and self.store.read(job.id) is not None):
            self._over(job, how, detail)

    def _again(self, job: Job, reason: str) -> bool:
        """Whether a job failed as an input proved damaged, so that both are to be done once more."""
        lost = [name for name in job.inputs.values() if name not in self.open and self.store.read(name) is None]
        lost = [name for name in lost if not self._gone(name)]
        if not lost or any(self.tries[name] + 1 >= self.cluster.tries for name in lost):
            return False
        for name in lost:
            self.tries[name] += 1
            self.open[name] = self.jobs[name]
            self.held.pop(name, None)
        self.observer.ended(job, "note", f"{reason}; it is computed again")
        self._release(job)
        return True

    def _over(self, job: Job, how: str, detail: str) -> None:
        """A job is over."""
        self.open.pop(job.id, None)
        self._release(job)
        match how:
            case "failed":
                self.summary.failed[job.id] = detail
            case "reused":
                self.summary.reused.append(job.id)
            case "done":
                self.summary.computed.append(job.id)
        self.observer.ended(job, how, detail)

    def _release(self, job: Job) -> None:
        """A job is no longer waited for where it is in the queue."""
        part = self.parts.get(self.held.pop(job.id, ("", 0)))
        if part:
            part.jobs.pop(job.id, None)

    def _mourn(self, place: Place, part: Part) -> None:
        """A task has left the queue; what it leaves without a record is submitted again, a few times at most."""
        self._hear(part)
        del self.parts[place]
        if orders.is_cancelled(part.folder) and part.jobs:
            raise Interrupted("ended by repro cancel; nothing finished is lost, the same command goes on from here")
        for job in list(part.jobs.values()):
            self.held.pop(job.id, None)
            if self._rests_on_open(job) or any(map(self._gone, job.inputs.values())):
                continue  # it was never tried, or told what it lacked
            self._count(job, place, part.folder)

    def _count(self, job: Job, place: Place, folder: Path) -> None:
        """An allocation ended without a result; a few of them, and a job has failed."""
        self.tries[job.id] += 1
        how = f"its allocation ended without a result (SLURM job {place[0]}_{place[1]})"
        if self.tries[job.id] < self.cluster.tries:
            self.observer.ended(job, "note", f"{how}; it is submitted once more")
            return
        reason = f"{how} {self.tries[job.id]} times; what it printed is in {orders.log(folder, place[1])}"
        with suppress(StoreError):  # the reason still reaches the observer
            self.store.fail(job.id, reason)
        self._over(job, "failed", reason)

    def _rests_on_open(self, job: Job) -> bool:
        return any(other in self.open for other in job.inputs.values())

    def _lose(self) -> None:
        """What rests on a failure is not tried; plans have what a job rests on before it."""
        for job in [self.jobs[name] for name in self.jobs if name in self.open]:
            gone = next((name for name in job.inputs.values() if self._gone(name)), None)
            if gone is None:
                continue
            self.open.pop(job.id)
            self._release(job)
            self.summary.lost.append(job.id)
            self.lost.add(job.id)
            self.observer.ended(job, "failed", f"not tried, as its input failed: {self.jobs[gone].label}")

    def _gone(self, job: str) -> bool:
        return job in self.summary.failed or job in self.lost
