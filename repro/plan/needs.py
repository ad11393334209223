"""Which jobs of a plan would run, which are there already, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from repro.plan.jobs import Job
from repro.plan.outline import Plan
from repro.store import Record, Store

MEASURED = ("pretrain", "probe")  # kinds whose records tell a rate; others share a pass over the images


@dataclass
class Needs:
    """The jobs of a plan by what becomes of them; each with the reason."""

    todo: dict[str, Job] = field(default_factory=dict)  # dependencies first
    reused: dict[str, Job] = field(default_factory=dict)
    spared: dict[str, Job] = field(default_factory=dict)  # nothing that is still to be done asks for them
    reasons: dict[str, str] = field(default_factory=dict)
    spent: dict[str, float] = field(default_factory=dict)  # finished trainings -> seconds of one core or card
    values: dict[str, Mapping[str, Any]] = field(default_factory=dict)  # finished jobs of cells -> what columns show


def needs(plan: Plan, store: Store) -> Needs:
    """Look at the store: an evaluation that is there asks for nothing; one that is not asks for what it rests on.

    Each record is read here and once; what the estimate and the comparison want of it is kept.
    """
    found = Needs()
    done = _done(plan, store, found)
    wanted = _wanted(plan, done)
    for name, job in plan.jobs.items():
        if name in done:
            found.reused[name] = job
            found.reasons[name] = "has a record"
        elif name in wanted:
            found.todo[name] = job
            found.reasons[name] = _reason(name, job, done, store)
        else:
            found.spared[name] = job
            found.reasons[name] = "all that rests on it is done"
    return found


def _done(plan: Plan, store: Store, found: Needs) -> set[str]:
    """The jobs that have a record; `found` takes what is kept of these."""
    asked = {job for seeds in plan.cells.values() for job in seeds.values()}
    metrics = {column.metric for column in plan.columns}
    done = set()
    for name, job in plan.jobs.items():
        record = store.read(name, job.content)
        if record is not None:
            done.add(name)
            if job.kind in MEASURED:
                found.spent[name] = _spent(record)
            if name in asked:
                found.values[name] = {key: record.values[key] for key in metrics & record.values.keys()}
    return done


def _spent(record: Record) -> float:
    """Seconds of one process, on one core or card, so that they are hours of that, whoever shared them."""
    shared = record.environment.get("processes", 1)
    return record.wall_seconds * (shared if isinstance(shared, int) else 1)


def _wanted(plan: Plan, done: set[str]) -> set[str]:
    wanted: set[str] = set()
    own = plan.options.own if not plan.options.rows else None  # a network of the user's: no other is asked to run
    cells = {key: seeds for key, seeds in plan.cells.items() if own is None or key[0] == own[0]}
    waiting: list[str] = [job for seeds in cells.values() for job in seeds.values()]
    while waiting:
        name = waiting.pop()
        if name not in wanted and name not in done:
            wanted.add(name)
            waiting += plan.jobs[name].inputs.values()
    return wanted


def _reason(name: str, job: Job, done: set[str], store: Store) -> str:
    if name in store.damaged:
        return f"record damaged: {store.damaged[name]}"
    left = store.left(name)
    failure = store.failure(name) if "failure.json" in left else None
    if failure:
        return f"failed last time: {failure.reason}"
    if any(file.startswith("checkpoint") for file in left):
        return "was interrupted; goes on from its checkpoint"
    absent = [role for role, other in job.inputs.items() if other not in done]
    return f"no record; needs {', '.join(absent)} first" if absent else "no record of this recipe, data, seed and code"
