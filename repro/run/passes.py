"""Which evaluations go to a worker together: those of the same images, so that each image is read once for all."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from repro.plan.jobs import Job

TOGETHER = 32  # evaluations in a pass at most; the weights of as many ResNet-50s are 3 gigabytes


def batch(first: Job, ready: Sequence[Job], *, at_work: Sequence[Job], workers: int) -> list[Job]:
    """The job `first` and those of `ready` that go with it.

    They are cut into equal parts where together they are more than one worker's share of all evaluations that are ready
    or under way (`at_work`), counted in images, so that no worker ends long after the others.
    """
    kin = _kin(first)
    if kin is None:
        return [first]
    mates = [job for job in ready if _kin(job) == kin]
    whole = sum(_images(job) for job in (*ready, *at_work) if _kin(job) is not None)
    parts = max(1, int(len(mates) * _images(first) * workers / whole + 0.5))
    return mates[: min(-(-len(mates) // parts), TOGETHER)]


def _kin(job: Job) -> Hashable:
    """What the jobs of a pass have in common; None for a job that goes alone."""
    if job.kind != "evaluate" or "data" not in job.inputs:
        return None
    return job.inputs["data"], job.spec.get("limit"), job.device, job.threads


def _images(job: Job) -> int:
    return max(1, job.images)
