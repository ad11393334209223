"""Which evaluations go to a worker together: those of the same images, so that each image is read once for all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from heapq import heappop, heappush

from repro.plan.jobs import Job

TOGETHER = 32  # evaluations in a pass at most; the weights of as many ResNet-50s are 3 gigabytes
ORDER = {"probe": 0, "weights": 1, "evaluate": 2, "similarity": 2, "samples": 2, "data": 3, "pretrain": 4}
"""Finish what is begun before beginning more, and have networks wait for one another before they are evaluated."""
Place = tuple[int, int]  # of a job among those that are ready: by kind, then by how long it waits


class Ready:
    """The jobs that could begin, the first first; to add, drop or take one costs little, however many there are."""

    def __init__(self) -> None:
        self._places: dict[str, tuple[Place, Job]] = {}
        self._lines: dict[
            Hashable, list[tuple[Place, str]]
        ] = {}  # heaps, with jobs that were dropped since: all (None)
        self._alone: set[str] = set()
        self._many: Counter[Hashable] = Counter()  # of each pass
        self._images = 0  # of all evaluations that may go together

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def add(self, job: Job, number: int, *, alone: bool) -> None:
        """Take a job in; of one kind, the smaller number comes first. What a worker died of goes `alone`."""
        place = ORDER[job.kind], number
        self._places[job.id] = place, job
        heappush(self._lines.setdefault(None, []), (place, job.id))
        kin = kin_of(job)
        if alone:
            self._alone.add(job.id)
        elif kin is not None:
            heappush(self._lines.setdefault(kin, []), (place, job.id))
            self._many[kin] += 1
            self._images += _images(job)

    def drop(self, name: str) -> None:
        """Take a job out, if it is here."""
        if name not in self._places:
            return
        _, job = self._places.pop(name)
        kin = kin_of(job)
        if name in self._alone:
            self._alone.remove(name)
        elif kin is not None:
            self._many[kin] -= 1
            self._images -= _images(job)

    def __len__(self) -> int:
        return len(self._places)

    def take(self, *, at_work: Sequence[Job], workers: int) -> list[Job]:
        """Take the first job and those that go with it; there must be one.

        They are cut into equal parts where together they are more than one worker's share of all evaluations that are
        ready or under way (`at_work`), counted in images, so that no worker ends long after the others.
        """
        first = self._pop(None)
        kin = kin_of(first)
        if kin is None or first.id in self._alone:
            self.drop(first.id)
            return [first]
        whole = self._images + sum(_images(job) for job in at_work if kin_of(job) is not None)
        mates = self._many[kin]
        parts = max(1, int(mates * _images(first) * workers / whole + 0.5))
        taken: list[Job] = []
        while len(taken) < min(-(-mates // parts), TOGETHER):
            taken.append(self._pop(kin))
            self.drop(taken[-1].id)
        return taken

    def _pop(self, kin: Hashable) -> Job:
        """The first of a pass, or of all (None), out of its line; it stays ready."""
        line = self._lines[kin]
        while True:
            place, name = heappop(line)
            if name in self._places and self._places[name][0] == place:
                return self._places[name][1]


def kin_of(job: Job) -> Hashable:
    """What the jobs of a pass have in common; None for a job that goes alone."""
    if job.kind != "evaluate" or "data" not in job.inputs:
        return None
    return job.inputs["data"], job.spec.get("limit"), job.device, job.threads


def _images(job: Job) -> int:
    return max(1, job.images)
