"""How the jobs that were submitted stand: waiting, running, done, failed or gone, by records and by the queue."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from repro.plan.jobs import Job
from repro.run import orders
from repro.run.arrays import Place
from repro.run.scheduler import Entry
from repro.store import Store

TAIL = 5  # lines of a log that are shown
STATES = ("waiting", "running", "done", "failed", "gone")


@dataclass(frozen=True)
class State:
    """How one submitted job stands."""

    job: Job
    place: Place  # "" for an array that was never submitted
    state: str  # of STATES; "gone": no record, and not in the queue
    detail: str  # why it waits, how far it is, or why it failed
    log: Path | None = None  # of a failed job, and of one whose task is gone
    tail: tuple[str, ...] = ()


def survey(store: Store, entries: Mapping[Place, Entry]) -> list[State]:
    """Every job that was submitted and how it stands, the newest submission of each; the oldest array first."""
    found: dict[str, State] = {}
    named = {entry.name: array for (array, _), entry in entries.items()}
    for folder in sorted(orders.root(store).glob("*-*/")):
        array = _text(folder / "array") or named.get(f"repro-{folder.name}", "")
        for number, jobs in orders.tasks(folder).items():
            place = (array, number)
            for job in jobs:
                found.pop(job.id, None)
                found[job.id] = _state(job, place, folder, store, entries.get(place))
    return list(found.values())


def live(store: Store, entries: Mapping[Place, Entry]) -> dict[Path, str]:
    """The folders and numbers of the arrays that have tasks in the queue."""
    named = {entry.name.removeprefix("repro-"): array for (array, _), entry in entries.items()}
    return {orders.root(store) / name: array for name, array in named.items() if (orders.root(store) / name).is_dir()}


def _state(job: Job, place: Place, folder: Path, store: Store, entry: Entry | None) -> State:
    if store.read(job.id) is not None:
        return State(job, place, "done", "")
    said = [event for event in orders.Told(orders.events(folder, place[1])).read() if event.get("id") == job.id]
    failure = store.failure(job.id)
    if failure and (entry is None or (said and said[-1].get("how") == "failed")):
        return State(job, place, "failed", failure.reason, store.log(job.id), _tail(store.log(job.id)))
    if entry is None:
        log = orders.log(folder, place[1])
        why = "cancelled" if orders.is_cancelled(folder) else _lacking(job, store)
        return State(job, place, "gone", why, log, _tail(log))
    last = said[-1] if said else {}
    if not entry.is_running or last.get("event") not in ("started", "moved"):
        return State(job, place, "waiting", entry.reason if not entry.is_running else "behind others of its task")
    moved = last if last["event"] == "moved" else {}
    ago = max(0, round(time.time() - last["at"]))
    far = f"{moved['done']}/{moved['total']} {moved['unit']}" if moved else "begun"
    return State(job, place, "running", f"{far}, told {ago} s ago")


def _lacking(job: Job, store: Store) -> str:
    absent = [role for role, other in job.inputs.items() if store.read(other) is None]
    if absent:
        return f"not tried, as its input {', '.join(absent)} has no record"
    return "not in the queue, and no record"


def _tail(path: Path) -> tuple[str, ...]:
    return tuple(_text(path).splitlines()[-TAIL:])


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
