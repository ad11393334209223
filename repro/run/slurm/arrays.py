"""Jobs as SLURM takes them: an array for each kind of job, one task a network, each after what it rests on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from repro.plan.jobs import Job

KINDS = ("data", "weights", "pretrain", "probe", "evaluate", "similarity", "samples")
"""What comes earlier never rests on what comes later."""

Place = tuple[str, int]  # the number that the scheduler gave an array, and which of its tasks


@dataclass(frozen=True)
class Array:
    """Tasks of one kind that are submitted together; a task does its jobs one after the other."""

    kind: str
    tasks: Mapping[int, tuple[Job, ...]]
    after: str  # as `sbatch --dependency` has it; "" for none


def waves(todo: Mapping[str, Job]) -> list[list[Job]]:
    """Jobs by kind, and within a kind those that others of it rest on first; a wave rests on earlier ones alone."""
    depth: dict[str, int] = {}
    found: dict[tuple[int, int], list[Job]] = {}
    for name, job in todo.items():  # what a job rests on stands before it
        same = [other for other in job.inputs.values() if other in depth and todo[other].kind == job.kind]
        depth[name] = 1 + max((depth[other] for other in same), default=-1)
        found.setdefault((KINDS.index(job.kind), depth[name]), []).append(job)
    return [found[key] for key in sorted(found)]


def arrays(wave: Sequence[Job], held: Mapping[str, Place], jobs: Mapping[str, Job], *, most: int) -> list[Array]:
    """The arrays of a wave, of `most` tasks at most; `held` says where the jobs are that are in the queue.

    A task that waits for one network of its own has its number, and begins when that one has succeeded (`aftercorr`),
    so that a failure loses what rests on it and nothing else. Data sets, and networks that several tasks look at, are
    waited for whatever comes of them (`afterany`): a task looks for the records of its inputs before it does anything.
    """
    tasks = _tasks(wave, jobs)
    awaited = [_awaited(task, held, jobs) for task in tasks]
    looked_at = Counter(place for networks, _ in awaited if len(networks) > 1 for place in networks)
    numbered: dict[str, dict[int, list[Job]]] = {}
    for task, (networks, sets) in zip(tasks, awaited, strict=True):
        own = [place for place in networks if looked_at[place] <= 1]
        rest = {array for array, _ in sets}
        if len(own) == 1:
            array, number = own[0]
            others = {f"{array}_{task}" for array, task in networks.difference(own)}
            after = ",".join([f"aftercorr:{array}", *_afterany(others | rest)])
        else:
            after = ",".join(_afterany(rest | {array for array, _ in networks}))
            number = len(numbered.get(after, ()))
        numbered.setdefault(after, {}).setdefault(number, []).extend(task)
    kind = wave[0].kind
    return [Array(kind, tasks, after) for after, all_ in numbered.items() for tasks in _cut(all_, after, most)]


def _afterany(numbers: Set[str]) -> list[str]:
    return [f"afterany:{':'.join(sorted(numbers, key=lambda number: (len(number), number)))}"] if numbers else []


def _cut(tasks: Mapping[int, Sequence[Job]], after: str, most: int) -> list[dict[int, tuple[Job, ...]]]:
    """Parts that an array may have; tasks that must keep their numbers have those of an array that was cut before."""
    if after.startswith("aftercorr"):
        return [{number: tuple(jobs) for number, jobs in tasks.items()}]
    all_ = [tuple(jobs) for jobs in tasks.values()]
    return [dict(enumerate(all_[start : start + most])) for start in range(0, len(all_), most)]


def _tasks(wave: Sequence[Job], jobs: Mapping[str, Job]) -> list[list[Job]]:
    """Jobs that rest on the same networks go together; those that rest on none go alone."""
    together: dict[tuple[str, ...], list[Job]] = {}
    for job in wave:
        networks = sorted(other for other in job.inputs.values() if jobs[other].kind != "data")
        together.setdefault(tuple(networks) or (job.id,), []).append(job)
    return list(together.values())


def _awaited(task: Sequence[Job], held: Mapping[str, Place], jobs: Mapping[str, Job]) -> tuple[set[Place], set[Place]]:
    """Where the networks and the data sets are that a task waits for; not what another of them waits for."""
    inputs = {other for job in task for other in job.inputs.values() if other in held}
    networks = {other for other in inputs if jobs[other].kind != "data"}
    earlier = {one for one in networks for other in networks if other != one and one in jobs[other].inputs.values()}
    return {held[other] for other in networks - earlier}, {held[other] for other in inputs - networks}
