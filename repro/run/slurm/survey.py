"""How the jobs that were submitted stand: waiting, running, done, failed or gone, by records and by the queue."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from repro.plan.jobs import Job
from repro.run.slurm import orders
from repro.run.slurm.arrays import Place
from repro.run.slurm.scheduler import Entry
from repro.store import Store

TAIL = 5  # lines of a log that are shown
MOST = 1 << 16  # bytes of it that are read for them
STATES = ("waiting", "running", "done", "failed", "gone")


@dataclass(frozen=True, slots=True)
class Seen:
    """Of a job what is shown of it; there may be very many, and what each does is long."""

    id: str
    kind: str
    label: str
    inputs: tuple[tuple[str, str], ...]  # role, id

    @classmethod
    def of(cls, job: Job) -> Seen:
        return cls(job.id, job.kind, job.label, tuple(job.inputs.items()))


@dataclass(frozen=True, slots=True)
class State:
    """How one submitted job stands."""

    job: Seen
    place: Place  # "" for an array that was never submitted
    state: str  # of STATES; "gone": no record, and not in the queue
    detail: str  # why it waits, how far it is, or why it failed
    log: Path | None = None  # of a failed job, and of one whose task is gone
    tail: tuple[str, ...] = ()


@dataclass(frozen=True)
class Task:
    """A task as its folder and the queue have it."""

    folder: Path
    place: Place
    entry: Entry | None
    is_cancelled: bool
    last: dict[str, dict[str, Any]] = field(default_factory=dict)  # id of a job -> what was told of it last


def survey(store: Store, entries: Mapping[Place, Entry]) -> list[State]:
    """Every job that was submitted and how it stands, the newest submission of each; the oldest array first."""
    newest: dict[str, tuple[Seen, Task]] = {}
    named = {entry.name: array for (array, _), entry in entries.items()}
    for folder, tasks in orders.listed(store):
        array, is_cancelled = (
            orders.number(folder) or named.get(f"repro-{folder.name}", ""),
            orders.is_cancelled(folder),
        )
        for number, jobs in tasks.items():
            task = Task(folder, (array, number), entries.get((array, number)), is_cancelled)
            for job in jobs:
                newest.pop(job.id, None)
                newest[job.id] = Seen.of(job), task
    return [_state(job, task, store) for job, task in newest.values()]


def live(store: Store, entries: Mapping[Place, Entry]) -> dict[Path, str]:
    """The folders and numbers of the arrays that have tasks in the queue."""
    named = {entry.name.removeprefix("repro-"): array for (array, _), entry in entries.items()}
    return {orders.root(store) / name: array for name, array in named.items() if (orders.root(store) / name).is_dir()}


def _state(job: Seen, task: Task, store: Store) -> State:
    if store.read(job.id) is not None:
        return State(job, task.place, "done", "")
    last = _last(job, task)
    failure = store.failure(job.id)
    if failure and (task.entry is None or last.get("how") == "failed"):
        return State(job, task.place, "failed", failure.reason, store.log(job.id), _tail(store.log(job.id)))
    if task.entry is None:
        log = orders.log(task.folder, task.place[1])
        why = "cancelled" if task.is_cancelled else _lacking(job, store)
        return State(job, task.place, "gone", why, log, _tail(log))
    if not task.entry.is_running:
        return State(job, task.place, "waiting", task.entry.reason)
    if last.get("event") not in ("started", "moved"):
        return State(job, task.place, "waiting", "behind others of its task")
    far = f"{last['done']}/{last['total']} {last['unit']}" if last["event"] == "moved" else "begun"
    return State(job, task.place, "running", f"{far}, told {max(0, round(time.time() - last['at']))} s ago")


def _last(job: Seen, task: Task) -> dict[str, Any]:
    """What a task told of a job last; it is read when first asked for, as of most tasks nobody asks."""
    if not task.last:
        told = orders.Told(orders.events(task.folder, task.place[1])).read()
        task.last.update({"": {}} | {event.get("id", ""): event for event in told})
    return task.last.get(job.id, {})


def _lacking(job: Seen, store: Store) -> str:
    absent = [role for role, other in job.inputs if store.read(other) is None]
    if absent:
        return f"not tried, as its input {', '.join(absent)} has no record"
    return "not in the queue, and no record"


def _tail(path: Path) -> tuple[str, ...]:
    """The last lines of a log, of however long a one."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - MOST))
            text = stream.read().decode("utf-8", errors="replace")
    except OSError:
        return ()
    return tuple(text.strip().splitlines()[-TAIL:])
