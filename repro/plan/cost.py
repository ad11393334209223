"""What jobs cost before they run: time from measured rates where there are any, else from the profile's; and disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from repro.plan.jobs import Job
from repro.plan.needs import MEASURED, Needs
from repro.plan.outline import Plan
from repro.spec.profile import Profile, Rate, Space


@dataclass(frozen=True)
class Tariff:
    """How fast each kind of job goes, and what it leaves on the disk."""

    rates: Mapping[str, Rate]
    spaces: Mapping[str, Space]

    def seconds(self, job: Job) -> float | None:
        """What is expected of a job on one core or card; None where no rate is stated."""
        rate = self.rates.get(job.kind)
        return _work(job, rate) / rate.images_per_second if rate and job.images else None

    def bytes(self, job: Job) -> float | None:
        """What is expected to stay on the disk."""
        space = self.spaces.get(job.kind)
        return space.bytes + space.bytes_per_image * job.images if space else None

    def total_seconds(self, jobs: Iterable[Job]) -> float:
        """Sum over jobs; those without an estimate count as nothing."""
        return sum(self.seconds(job) or 0.0 for job in jobs)

    def total_bytes(self, jobs: Iterable[Job]) -> float:
        """Sum over jobs; those without an estimate count as nothing."""
        return sum(self.bytes(job) or 0.0 for job in jobs)


@dataclass(frozen=True)
class RowCost:
    """What is still to do for a row, data sets left out as rows share them."""

    row: str
    seconds: float
    bytes: float


def stated(profile: Profile) -> Tariff:
    """The profile's own rates."""
    return Tariff(profile.rates, profile.disk)


def tariff(plan: Plan, found: Needs) -> Tariff:
    """The profile's rates, replaced by what the records of this plan's finished jobs show."""
    rates = dict(plan.profile.rates)
    for kind in MEASURED:
        done = ((plan.jobs[name], seconds) for name, seconds in found.spent.items() if seconds > 0)
        known = [(job, seconds) for job, seconds in done if job.kind == kind and job.images]
        if known:
            rates[kind] = _measured(known, rates.get(kind))
    return Tariff(rates, plan.profile.disk)


def _work(job: Job, rate: Rate) -> float:
    """The images of a job, counted in images of the rate's size: what a network does grows with the area."""
    pixels = job.spec.get("pixels", 0)
    return job.images * ((pixels / rate.pixels) ** 2 if pixels and rate.pixels else 1.0)


def _measured(known: list[tuple[Job, float]], stated: Rate | None) -> Rate:
    """Images of the jobs over the seconds they took."""
    like = stated or Rate(images_per_second=1.0, why="")
    images = sum(_work(job, like) for job, _ in known)
    seconds = sum(seconds for _, seconds in known)
    many = f"{len(known)} record{'' if len(known) == 1 else 's'}"
    return Rate(images_per_second=images / seconds, pixels=like.pixels, why=f"measured: {many} of this plan")


def by_row(plan: Plan, found: Needs, costs: Tariff) -> list[RowCost]:
    """The cost of each row that has something to do; a network that two rows share is counted for both."""
    rows, asked = [], dict[str, list[str]]()
    for (name, _), seeds in plan.cells.items():
        asked.setdefault(name, []).extend(seeds.values())
    for row in plan.rows:
        wanted: dict[str, Job] = {}
        waiting = asked.get(row.id, [])
        while waiting:
            job = waiting.pop()
            if job in found.todo and job not in wanted and found.todo[job].kind != "data":
                wanted[job] = found.todo[job]
                waiting += found.todo[job].inputs.values()
        if wanted:
            rows.append(RowCost(row.id, costs.total_seconds(wanted.values()), costs.total_bytes(wanted.values())))
    return rows
