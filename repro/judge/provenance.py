"""What the numbers of a table rest on: networks, jobs and records, machines, data, what the profile changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from repro.files import canonical
from repro.plan.expand import Plan
from repro.plan.jobs import Job
from repro.plan.scale import scale
from repro.spec import recipes
from repro.spec.model import Row, Table
from repro.spec.profile import Profile
from repro.store import Record, Store

STATED = ("python", "packages", "system", "processor", "cores", "card", "commit", "dirty")
"""What two records must have in common to be of one environment."""


@dataclass(frozen=True)
class Change:
    """What a profile changes of a recipe, and why: one value, or a group that it replaces."""

    key: str  # "optimizer.lr", "net"
    paper: Any
    ours: Any
    why: str


@dataclass(frozen=True)
class Work:
    """A job and what it left; no record where it is not done."""

    job: Job
    record: Record | None


@dataclass(frozen=True)
class Run:
    """A row with one seed: its network and classifier, where there are such, and what was measured."""

    row: str
    seed: int
    network: Work | None  # a pretraining, or the weights of others; None where images alone are measured
    probe: Work | None
    evaluations: tuple[Work, ...]

    @property
    def works(self) -> tuple[Work, ...]:
        """Its own jobs in their order; data sets are not among them, as networks share these."""
        return tuple(work for work in (self.network, self.probe, *self.evaluations) if work)


@dataclass(frozen=True)
class Origin:
    """All that a table's numbers rest on; `works` is every job of its plan, `sets` are those of data."""

    changes: Mapping[str, tuple[Change, ...]]  # row -> what the profile changed of its recipe
    runs: tuple[Run, ...]
    sets: Mapping[str, Work]  # the paper's data set -> the job of what stands for it
    works: tuple[Work, ...]


@dataclass(frozen=True)
class Spent:
    """What the finished jobs of one kind took, and what they left on the disk."""

    kind: str
    jobs: int
    wall_seconds: float
    cpu_seconds: float
    bytes: int


@dataclass(frozen=True)
class Environment:
    """A machine with what was installed on it, and how many jobs ran there; `first` is when the first of them began."""

    content: Mapping[str, Any]
    jobs: int
    first: str


def trace(tables: Mapping[str, Table], plan: Plan, store: Store) -> Origin:
    """Look up what a plan's cells rest on and what of it has a record."""
    places: dict[str, Mapping[str, Any]] = {}
    works = {name: Work(job, _light(store.read(name, job.content), job, places)) for name, job in plan.jobs.items()}
    asked: dict[str, list[Mapping[int, str]]] = {}  # row -> of each of its cells the jobs, by seed
    for (row, _), seeds in plan.cells.items():
        asked.setdefault(row, []).append(seeds)
    return Origin(
        changes={row.id: _changes(tables, plan, row) for row in plan.rows},
        runs=tuple(run for row in plan.rows for run in _runs(plan, row.id, asked.get(row.id, []), works)),
        sets={name: works[job.id] for name, job in plan.sets.items()},
        works=tuple(works.values()),
    )


def _light(record: Record | None, job: Job, places: dict[str, Mapping[str, Any]]) -> Record | None:
    """A record that shares what is equal with its job and with other records of its environment: many are held."""
    if record is None:
        return None
    place = places.setdefault(canonical(record.environment), record.environment)
    return replace(record, environment=place, job=job.content if job.content == record.job else record.job)


def changes(paper: recipes.Plain, profile: Profile) -> tuple[Change, ...]:
    """What a profile makes of a recipe; what two rules touch has the reason of the last."""
    ours, found = scale(paper, profile), []
    for group, values in paper.items():
        whole = _why(paper, profile, group, "")
        if whole and values != ours[group]:
            found.append(Change(group, values, ours[group], whole))
        for key, value in values.items() if not whole else ():
            if value != ours[group][key]:
                found.append(Change(f"{group}.{key}", value, ours[group][key], _why(paper, profile, group, f".{key}")))
    return tuple(found)


def _changes(tables: Mapping[str, Table], plan: Plan, row: Row) -> tuple[Change, ...]:
    return changes(recipes.plain(recipes.resolve(tables, plan.table, row)), plan.profile)


def _why(paper: recipes.Plain, profile: Profile, group: str, end: str) -> str:
    """The reason of the last rule that is meant for a group (`end` is empty) or a value of it (".key"); empty: none."""
    targets = {f"{group}{end}", f"{group}={paper[group].get('name')}{end}"}
    return next((rule.why for target, rule in reversed(profile.scale.items()) if target in targets), "")


def _runs(plan: Plan, row: str, cells: Sequence[Mapping[int, str]], works: Mapping[str, Work]) -> Iterable[Run]:
    """What was done for a row, seed by seed."""
    for seed in plan.options.seeds:
        names = dict.fromkeys(seeds[seed] for seeds in cells if seed in seeds)
        measured = tuple(works[name] for name in names)
        if measured:
            inputs = {role: works[job] for work in measured for role, job in work.job.inputs.items()}
            yield Run(row, seed, inputs.get("pretrain"), inputs.get("probe"), measured)


def spent(works: Iterable[Work]) -> list[Spent]:
    """What finished jobs took, kind by kind; a job that several tables share counts once."""
    done = {work.job.id: work.record for work in works if work.record}
    kinds = dict.fromkeys(str(record.job["kind"]) for record in done.values())
    groups = {kind: [record for record in done.values() if record.job["kind"] == kind] for kind in kinds}
    return [
        Spent(
            kind,
            len(records),
            sum(record.wall_seconds for record in records),
            sum(record.cpu_seconds for record in records),
            sum(int(file["bytes"]) for record in records for file in record.files.values()),
        )
        for kind, records in groups.items()
    ]


def environments(works: Iterable[Work]) -> list[Environment]:
    """The environments that finished jobs ran in, the first used first."""
    records = {work.job.id: work.record for work in works if work.record}
    found: list[Environment] = []
    for record in sorted(records.values(), key=lambda one: one.started):
        content = stated(record)
        same = next((place for place, one in enumerate(found) if one.content == content), None)
        if same is None:
            found.append(Environment(content, 1, record.started))
        else:
            found[same] = Environment(content, found[same].jobs + 1, found[same].first)
    return found


def stated(record: Record) -> dict[str, Any]:
    """What a record says of where it was computed, without what differs from job to job."""
    return {key: record.environment.get(key) for key in STATED}
