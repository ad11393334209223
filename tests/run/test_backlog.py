"""Which waiting jobs are ready, beside a slow loop over all of them, whatever happens to them."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest

from repro.plan.jobs import Job, Kind
from repro.run.backlog import Backlog
from repro.run.passes import ORDER, TOGETHER

KINDS: tuple[Kind, ...] = ("data", "pretrain", "probe", "evaluate", "evaluate", "similarity")


def job(number: int, kind: Kind, inputs: Iterable[Job] = ()) -> Job:
    """A job of some others' results; evaluations are of one of two sets of images."""
    roles = {f"input{place}": other.id for place, other in enumerate(inputs)}
    roles |= {"data": f"set {number % 2}"} if kind == "evaluate" else {}
    return Job(kind, {"number": number}, None, roles, "", 1, "cpu", f"{kind} {number}", 1 + number % 3)


def graph(chance: random.Random, many: int) -> list[Job]:
    jobs: list[Job] = []
    for number in range(many):
        inputs = chance.sample(jobs[-12:], min(len(jobs), chance.randrange(3)))
        jobs.append(job(number, chance.choice(KINDS), inputs))
    return jobs


class Loop:
    """What a backlog does, by a look through everything each time."""

    def __init__(self, jobs: list[Job], chance: random.Random) -> None:
        self.waiting = {one.id: one for one in jobs}
        self.backlog = Backlog(self.waiting)
        self.at_work: dict[str, Job] = {}
        self.gone: set[str] = set()
        self.later: set[str] = set()
        self.tried: set[str] = set()
        self.chance = chance

    def look(self) -> None:
        self.backlog.look(
            self.at_work, gone=self._is_gone, is_later=self.later.__contains__, is_alone=self.tried.__contains__
        )
        lost = True
        while lost:
            lost = [one for one in self.waiting.values() if not self.gone.isdisjoint(one.inputs.values())]
            for one in lost:
                assert one.id in self.gone
                del self.waiting[one.id]
        assert list(self.backlog) == list(self.waiting)

    def _is_gone(self, one: Job) -> bool:
        if self.gone.isdisjoint(one.inputs.values()):
            return False
        self.gone.add(one.id)
        del self.backlog[one.id]
        return True

    def ready(self) -> list[Job]:
        held = {*self.waiting, *self.at_work}
        able = [one for one in self.waiting.values() if held.isdisjoint(one.inputs.values())]
        return sorted((one for one in able if one.id not in self.later), key=lambda one: ORDER[one.kind])

    def begin(self) -> None:
        """Hand out what comes first, and see that it is what the loop says."""
        found = self.ready()
        assert len(self.backlog.ready) == len(found)
        if not found:
            return
        taken = self.backlog.ready.take(at_work=list(self.at_work.values()), workers=2)
        assert taken[0] is found[0]
        if taken[0].id in self.tried or taken[0].kind != "evaluate":
            assert len(taken) == 1
        else:
            fresh = [one for one in found if one.id not in self.tried and one.kind == "evaluate"]
            mates = [one for one in fresh if one.inputs["data"] == taken[0].inputs["data"]]
            whole = sum(one.images for one in (*fresh, *self.at_work.values()) if one.kind == "evaluate")
            parts = max(1, int(len(mates) * taken[0].images * 2 / whole + 0.5))
            assert taken == mates[: min(-(-len(mates) // parts), TOGETHER)]
        for one in taken:
            self.at_work[one.id] = self.waiting.pop(one.id)
            del self.backlog[one.id]

    def end(self, jobs: dict[str, Job]) -> None:
        """Something happens to one job that is at work: done, failed, to be tried again, or an input is damaged."""
        name = self.chance.choice(list(self.at_work))
        one, fate = self.at_work.pop(name), self.chance.random()
        if fate < 0.1:
            self.gone.add(name)
        elif fate < 0.3:
            self.tried.add(name)
            self._wait(one)
        elif fate < 0.4:
            self.later.add(name)
            self._wait(one)
        elif fate < 0.6 and (inputs := [other for other in one.inputs.values() if other in jobs]):
            culprit = self.chance.choice(inputs)
            if culprit not in self.at_work:
                self._wait(jobs[culprit])
            self._wait(one)

    def _wait(self, one: Job) -> None:
        self.waiting.setdefault(one.id, one)
        self.backlog[one.id] = one


@pytest.mark.parametrize("seed", range(12))
def test_what_is_ready_is_what_a_look_through_everything_finds(seed: int) -> None:
    chance = random.Random(seed)
    jobs = graph(chance, 60)
    known, loop = {one.id: one for one in jobs}, Loop(chance.sample(jobs, len(jobs)), chance)
    ended = 0
    while loop.waiting or loop.at_work:
        loop.look()
        if len(loop.at_work) < 8 and chance.random() < 0.7:
            loop.begin()
        if loop.at_work and chance.random() < 0.6:
            loop.end(known)
            ended += 1
        if chance.random() < 0.3:
            loop.later.clear()
        if ended > 400:  # redoing has no end by itself
            break
    assert ended > 30


def test_a_job_that_waits_again_holds_up_what_rests_on_it() -> None:
    data = job(0, "data")
    user = job(1, "probe", [data])
    backlog = Backlog({user.id: user})

    def look(*at_work: str) -> list[str]:
        backlog.look(at_work, gone=lambda one: False, is_later=lambda name: False, is_alone=lambda name: False)
        return [name for name in (data.id, user.id) if name in backlog.ready]

    assert look() == [user.id]
    backlog[data.id] = data
    assert look() == [data.id]
    assert backlog.ready.take(at_work=[], workers=1) == [data]
    del backlog[data.id]
    assert look(data.id) == []
    assert look() == [user.id]
    assert (dict(backlog), backlog[user.id]) == ({user.id: user}, user)
