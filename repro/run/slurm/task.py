"""What a SLURM allocation does: the jobs of one task, by the executor for this machine, told in the shared folder.

`python -m repro.run.slurm.task FOLDER` reads which task it is from the environment. A signal (SIGUSR1 before the time
limit, SIGTERM) leaves the job in hand so that it can be gone on with, and puts the task back into the queue.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from repro.errors import ReproError
from repro.plan.jobs import Job
from repro.run.local import Local, Summary
from repro.run.slurm import orders, scheduler
from repro.store import Store

Answer = TypeVar("Answer")
EVERY = 2.0  # seconds between two lines on how far a job is
LAST = 60.0  # seconds for a scheduler to answer, and to be ended in once the task is back in the queue
AGAIN = 2.0  # seconds between two questions to a scheduler that does not answer
SIGNALS = (signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM)
FINE, FAILED, ENDED = 0, 1, 3  # exit codes; the last where it was ended with its work undone


class Teller:
    """Writes what happens as JSON lines; an `Observer` of the executor."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.moved_at: dict[str, float] = {}

    def tell(self, event: str, **facts: Any) -> None:
        """Write one event; a folder that cannot be written loses it, as records alone count."""
        with suppress(OSError), self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"event": event, "at": round(time.time(), 1), **facts}) + "\n")

    def started(self, job: Job) -> None:
        self.tell("started", id=job.id)

    def moved(self, job: Job, done: int, total: int, unit: str) -> None:
        if time.monotonic() - self.moved_at.get(job.id, 0.0) >= EVERY or done == total:
            self.moved_at[job.id] = time.monotonic()
            self.tell("moved", id=job.id, done=done, total=total, unit=unit)

    def ended(self, job: Job, how: str, detail: str) -> None:
        self.tell("ended", id=job.id, how=how, detail=detail)

    def tick(self) -> None:
        return None


def main(arguments: list[str]) -> int:
    """Be one task of an array; the exit code says how it went, for those that wait for it."""
    folder = Path(arguments[0])
    place = (os.environ["SLURM_ARRAY_JOB_ID"], int(os.environ["SLURM_ARRAY_TASK_ID"]))
    restarts = int(os.environ.get("SLURM_RESTART_COUNT", "0"))
    store, means, jobs = Store(folder.parents[1]), orders.means(folder), orders.task(folder, place[1])
    told = Teller(orders.events(folder, place[1]))
    told.tell("begun", restarts=restarts, cards=cards(os.environ), node=os.environ.get("SLURMD_NODENAME", ""))
    many = processes(means["processes"], jobs, os.environ)
    logs = f"slurm/{folder.name}/worker-{place[1]}-{restarts}"
    local = Local(
        store,
        workers=1,
        threads=means["threads"],
        loaders=means["loaders"],
        processes=many,
        silence=means.get("silence", 0.0),  # an order of an earlier version says nothing of it
        observer=told,
        logs=logs,
    )
    for number in SIGNALS:
        signal.signal(number, lambda *_: local.ask_to_stop())
    todo = _runnable(jobs, store, told)
    summary = local.run(todo, {job.id: job for job in jobs})
    if summary.stopped:
        return _stopped(folder, place, told, store, _undone(todo, summary), most=means["requeues"] - restarts)
    told.tell("over")
    return FAILED if summary.failed or len(todo) < len(jobs) else FINE


def cards(environment: Mapping[str, str]) -> int:
    """How many graphics cards the allocation has.

    >>> cards({"CUDA_VISIBLE_DEVICES": "0,3"}), cards({})
    (2, 0)
    """
    return len([name for name in environment.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()])


def processes(wanted: int | str, jobs: Sequence[Job], environment: Mapping[str, str]) -> int:
    """How many processes train one network: as the profile says; "cards" are those of the allocation."""
    if wanted != "cards":
        return int(wanted)
    return max(1, cards(environment)) if all(job.device == "cuda" for job in jobs) else 1


def _runnable(jobs: Sequence[Job], store: Store, told: Teller) -> dict[str, Job]:
    """The jobs whose inputs are there, by their records; of the others it is told what they lack."""
    ours, todo = {job.id for job in jobs}, {}
    for job in jobs:
        absent = [role for role, other in job.inputs.items() if other not in ours and store.read(other) is None]
        if absent:
            told.ended(job, "lacking", f"no record of its input {', '.join(absent)}")
        else:
            todo[job.id] = job
    return todo


def _undone(todo: Mapping[str, Job], summary: Summary) -> list[Job]:
    over = {*summary.computed, *summary.reused, *summary.failed}
    return [job for name, job in todo.items() if name not in over]


def _stopped(
    folder: Path, place: tuple[str, int], told: Teller, store: Store, undone: Sequence[Job], *, most: int
) -> int:
    """Go back into the queue, unless somebody ended the task on purpose or it was there too often."""
    if orders.is_cancelled(folder):
        told.tell("over", why="cancelled")
        return ENDED
    if most <= 0:
        for job in undone:
            reason = "stopped at its time limit or by preemption more often than requeues in slurm.toml allows"
            with suppress(ReproError):
                store.fail(job.id, reason)
            told.ended(job, "failed", reason)
        return FAILED
    try:
        if not _asked(lambda: scheduler.is_running(place)):
            told.tell("over", why="ended by the scheduler or by scancel")
            return ENDED
        told.tell("requeued")
        for number in SIGNALS:  # the scheduler ends us for it, and nothing is left to be put in order
            signal.signal(number, signal.SIG_DFL)
        _asked(lambda: scheduler.requeue(place))
    except ReproError as error:
        told.tell("over", why=str(error))
        return ENDED
    time.sleep(LAST)
    return ENDED


def _asked(question: Callable[[], Answer]) -> Answer:
    """What the scheduler says; one that is away for a moment is asked again, as nobody else asks for this task."""
    deadline = time.monotonic() + LAST
    while True:
        try:
            return question()
        except scheduler.SchedulerError:
            if time.monotonic() >= deadline:
                raise
        time.sleep(AGAIN)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
