"""Which jobs of a plan would run, which are there already, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from repro.plan.expand import Plan
from repro.plan.jobs import Job
from repro.spec.model import Profile
from repro.store import Store


@dataclass
class Needs:
    """The jobs of a plan by what becomes of them; each with the reason."""

    todo: dict[str, Job] = field(default_factory=dict)  # dependencies first
    reused: dict[str, Job] = field(default_factory=dict)
    spared: dict[str, Job] = field(default_factory=dict)  # nothing that is still to be done asks for them
    reasons: dict[str, str] = field(default_factory=dict)


def needs(plan: Plan, store: Store) -> Needs:
    """Look at the store: an evaluation that is there asks for nothing; one that is not asks for what it rests on."""
    found = Needs()
    done = {job for job in plan.jobs if store.read(job) is not None}
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


def _wanted(plan: Plan, done: set[str]) -> set[str]:
    wanted: set[str] = set()
    waiting: list[str] = [job for seeds in plan.cells.values() for job in seeds.values()]
    while waiting:
        name = waiting.pop()
        if name not in wanted and name not in done:
            wanted.add(name)
            waiting += plan.jobs[name].inputs.values()
    return wanted


def _reason(name: str, job: Job, done: set[str], store: Store) -> str:
    if name in store.damaged:
        return f"record damaged: {store.damaged[name]}"
    failure = store.failure(name)
    if failure:
        return f"failed last time: {failure.reason}"
    if any(path.name.startswith("checkpoint") for path in store.folder(name).glob("checkpoint*")):
        return "was interrupted; goes on from its checkpoint"
    absent = [role for role, other in job.inputs.items() if other not in done]
    return f"no record; needs {', '.join(absent)} first" if absent else "no record of this recipe, data, seed and code"


def seconds(job: Job, profile: Profile) -> float | None:
    """What the profile expects of a job on one worker, in seconds; None where it states no rate."""
    rate = profile.rates.get(job.kind)
    return job.images / rate.images_per_second if rate and job.images else None


def total_seconds(jobs: Iterable[Job], profile: Profile) -> float:
    """Sum of what is expected of jobs; those without an estimate count as nothing."""
    return sum(seconds(job, profile) or 0.0 for job in jobs)
