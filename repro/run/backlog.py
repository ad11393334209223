"""The jobs that wait, and which are ready: one that ends costs a look at what rests on it, not at all of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, MutableMapping
from heapq import heapify, heappop, heappush

from repro.plan.jobs import Job
from repro.run.passes import Ready


class Backlog(MutableMapping[str, Job]):
    """Jobs by id, in the order in which they began to wait; what is held here or at work holds up what rests on it."""

    def __init__(self, jobs: Mapping[str, Job]) -> None:
        self.ready = Ready()
        self._jobs: dict[str, Job] = {}
        self._numbers: dict[str, int] = {}  # how many began to wait before
        self._count = 0
        self._rest: dict[str, list[str]] = {}  # job -> those that ever waited and read its result
        self._doubts: list[tuple[int, str]] = []  # a heap of those that may be ready, or never will be
        self._left: set[str] = set()  # at work at the last look, or ceased to wait since
        for name, job in jobs.items():
            self[name] = job

    def __getitem__(self, name: str) -> Job:
        return self._jobs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._jobs)

    def __len__(self) -> int:
        return len(self._jobs)

    def __contains__(self, name: object) -> bool:
        return name in self._jobs

    def __setitem__(self, name: str, job: Job) -> None:
        if name in self._jobs:
            return
        if name not in self._numbers:
            for other in job.inputs.values():
                self._rest.setdefault(other, []).append(name)
        self._jobs[name] = job
        self._numbers[name] = self._count
        self._count += 1
        self._doubt(name)
        for other in self._rest.get(name, ()):
            self.ready.drop(other)

    def __delitem__(self, name: str) -> None:
        del self._jobs[name]
        self.ready.drop(name)
        self._left.add(name)

    def _doubt(self, name: str) -> None:
        heappush(self._doubts, (self._numbers[name], name))

    def look(
        self,
        at_work: Collection[str],
        *,
        gone: Callable[[Job], bool],
        is_later: Callable[[str], bool],
        is_alone: Callable[[str], bool],
    ) -> None:
        """Find out what became ready since the last look.

        `gone` is asked of each job that may begin whether it never will, and is to take it out; `is_later` whether it
        is not to be asked for yet, `is_alone` whether it goes to a worker without others.
        """
        for name in self._left.difference(self._jobs, at_work):
            self._release(name)
        later: list[tuple[int, str]] = []
        while self._doubts:
            number, name = heappop(self._doubts)
            job = self._jobs.get(name)
            if job is None or number != self._numbers[name] or name in self.ready:
                continue
            if gone(job):
                self._release(name)
            elif is_later(name):
                later.append((number, name))
            elif not any(other in self._jobs or other in at_work for other in job.inputs.values()):
                self.ready.add(job, number, alone=is_alone(name))
        self._doubts, self._left = later, set(at_work)
        heapify(self._doubts)

    def _release(self, name: str) -> None:
        """Doubt of what rests on a job that is held up by it no more."""
        for other in self._rest.get(name, ()):
            if other in self._jobs:
                self._doubt(other)
