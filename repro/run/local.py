"""The executor for this machine: a few worker processes, each handed a job as soon as the job's inputs are there."""

from __future__ import annotations

import os
import queue
import subprocess
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from repro.errors import StoreError
from repro.plan.jobs import Job
from repro.run import descendants
from repro.run.backlog import Backlog
from repro.run.hand import Events, Hand, spoken
from repro.run.passes import Ready
from repro.store import Store

TRIES = 2  # of a job whose worker died or whose input was found damaged
AGAIN = 1.0  # seconds between two looks at a job that another run is at
PATIENCE = 30.0  # seconds a worker has to leave its work in order before it is killed
LINGER = 5.0  # seconds that the end of a worker may take to be told, once it has ended
LOOK = 1.0  # seconds of a worker's silence that one look counts at most: more of them we were stopped ourselves


class Observer(Protocol):
    """Who is told how it goes; a display, or nobody."""

    def started(self, job: Job) -> None: ...
    def moved(self, job: Job, done: int, total: int, unit: str) -> None: ...
    def ended(self, job: Job, how: str, detail: str) -> None: ...
    def tick(self) -> None: ...


@dataclass
class Summary:
    """How a run went."""

    computed: list[str] = field(default_factory=list)
    reused: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)  # id -> reason
    lost: list[str] = field(default_factory=list)  # not tried, as something they rest on failed
    stopped: bool = False
    seconds: float = 0.0


class Local:
    """Runs jobs on this machine; whatever it is told to stop for, nothing finished is lost."""

    def __init__(
        self,
        store: Store,
        *,
        workers: int,
        threads: int,  # of each worker
        observer: Observer,
        loaders: int = 0,  # processes that decode images for each worker
        processes: int = 1,  # that share a pretraining, at most
        silence: float = 0.0,  # seconds after which a worker that tells nothing hangs; 0: never
        logs: str = "",  # how the names of the workers' logs begin, below the results folder; ours where left out
    ) -> None:
        self.store, self.workers, self.observer, self.silence = store, workers, observer, silence
        self.means: dict[str, Any] = {
            "threads": threads,
            "loaders": loaders,
            "processes": processes,
            "silence": silence,
        }
        self.logs = logs or f"worker-{os.uname().nodename}-{os.getpid()}"  # two hosts may have the same numbers
        self.events: Events = queue.Queue()
        self.hands: dict[int, Hand] = {}
        self.summary = Summary()
        self.tries: Counter[str] = Counter()
        self.finished: dict[str, float] = {}  # id -> when it last was
        self.lost: set[str] = set()  # as in the summary, for very many
        self.later: dict[str, float] = {}  # id -> when to ask again for a job that another run is at
        self.stop = False
        self.born = 0
        self.looked = time.monotonic()  # at whether the workers live

    def ask_to_stop(self) -> None:
        """Stop after the step in hand; called from a signal handler."""
        self.stop = True

    def run(self, todo: Mapping[str, Job], jobs: Mapping[str, Job]) -> Summary:
        """Do every job of `todo`; `jobs` are all of the plan, should an input prove damaged."""
        begun = time.monotonic()
        self.jobs, self.waiting = dict(jobs), Backlog(todo)
        try:
            while (self.waiting or self._busy()) and not self.stop:
                self._hand_out()
                self._listen(0.2)
                self._look_after()
                self.observer.tick()
        finally:
            self.summary.stopped, self.stop = self.stop, True
            self._end()
        self.summary.seconds = time.monotonic() - begun
        return self.summary

    def _busy(self) -> bool:
        return any(hand.jobs for hand in self.hands.values())

    def _at_work(self) -> dict[str, Job]:
        return {name: job for hand in self.hands.values() for name, job in hand.jobs.items()}

    def _ready(self) -> Ready:
        """The jobs that could begin now; what a worker died of is tried alone."""
        now = time.monotonic()
        self.waiting.look(
            self._at_work(),
            gone=self._is_lost,
            is_later=lambda job: self.later.get(job, 0.0) > now,
            is_alone=lambda job: self.tries[job] > 0,
        )
        return self.waiting.ready

    def _is_lost(self, job: Job) -> bool:
        """Whether a job cannot be tried as an input of it failed; it then waits no more."""
        gone = next(filter(self._is_gone, job.inputs.values()), None)
        if gone:
            del self.waiting[job.id]
            self.summary.lost.append(job.id)
            self.lost.add(job.id)
            self.observer.ended(job, "failed", f"not tried, as its input failed: {self.jobs[gone].label}")
        return gone is not None

    def _is_gone(self, job: str) -> bool:
        return job in self.summary.failed or job in self.lost

    def _hand_out(self) -> None:
        if len(self.hands) >= self.workers and all(hand.jobs or hand.leaving for hand in self.hands.values()):
            return  # nobody could take a job; to look through very many costs more than some jobs
        ready = self._ready()
        while ready:
            hand = self._free()
            if hand is None:
                return
            batch = ready.take(at_work=list(self._at_work().values()), workers=self.workers)
            hand.give(batch)
            for job in batch:
                del self.waiting[job.id]

    def _free(self) -> Hand | None:
        """A worker that has nothing to do, a new one where there may be more."""
        hand = next((hand for hand in self.hands.values() if not hand.jobs and not hand.leaving), None)
        if hand is None and len(self.hands) < self.workers:
            self.born += 1
            log = self.store.root / f"{self.logs}-{self.born}.log"
            hand = Hand(self.born, self.store, log=log, events=self.events, **self.means)
            self.hands[hand.number] = hand
        return hand

    def _listen(self, seconds: float) -> None:
        try:
            number, event = self.events.get(timeout=seconds)
            while True:
                if number in self.hands:  # the end of one that was not waited for comes late
                    self._hear(self.hands[number], event)
                number, event = self.events.get_nowait()
        except queue.Empty:
            return

    def _look_after(self) -> None:
        """Kill the workers that hang; of those whose end nobody tells, as something of theirs lives on, take note."""
        now = time.monotonic()
        spent, self.looked = min(now - self.looked, LOOK), now
        for hand in list(self.hands.values()):
            if hand.fate or hand.process.poll() is not None:
                hand.ended += spent
                if hand.ended > (LINGER if hand.process.poll() is not None else PATIENCE):
                    hand.kill(hand.fate)
                    self._mourn(hand)
                continue
            hand.silent += spent
            if hand.jobs and 0 < self.silence < hand.silent:
                hand.kill(f"said nothing for {spoken(self.silence)}")

    def _hear(self, hand: Hand, event: dict[str, Any] | None) -> None:
        if event is None:
            self._mourn(hand)
            return
        hand.silent = 0.0
        job = self.jobs.get(event["id"])
        if job is None:
            return
        match event["event"]:
            case "start":
                self.observer.started(job)
            case "progress":
                self.observer.moved(job, event["done"], event["total"], event["unit"])
            case "note":
                self.observer.ended(job, "note", event["text"])
            case "damaged":
                self._redo(hand, job, event["input"], event["reason"])
            case "busy":
                hand.jobs.pop(job.id, None)
                self.waiting[job.id] = job
                if job.id not in self.later:
                    self.observer.ended(job, "note", "another run is at it; its result is waited for")
                self.later[job.id] = time.monotonic() + AGAIN
            case "done" | "reused" | "failed" | "stopped" as how:
                hand.jobs.pop(job.id, None)
                hand.leaving = hand.leaving or how == "stopped"
                self._finish(job, how, str(event.get("reason", event.get("seconds", ""))))

    def _finish(self, job: Job, how: str, detail: str) -> None:
        self.finished[job.id] = time.monotonic()
        if how == "failed":
            self.summary.failed[job.id] = detail
        elif how == "done":
            self.summary.computed.append(job.id)
        elif how == "reused":
            self.summary.reused.append(job.id)
        elif not self.stop:  # stopped by a signal of its own, not by us: the job is still to do
            self.waiting[job.id] = job
        self.observer.ended(job, how, detail)

    def _redo(self, hand: Hand, job: Job, culprit: str, reason: str) -> None:
        """An input's files are not those of its record: it is computed again, then the job that found out."""
        hand.jobs.pop(job.id, None)
        renewed = self.finished.get(culprit, 0.0) > hand.begun
        if renewed or culprit in self.waiting or culprit in self._at_work():
            self.waiting[job.id] = job  # another found it out before
            return
        self.tries[culprit] += 1
        if self.tries[culprit] > TRIES or culprit not in self.jobs:
            self._give_up(job, reason)
            return
        again = "" if reason.endswith("computed again") else "; it is computed again"
        self.observer.ended(job, "note", f"{reason}{again}")
        self.waiting[culprit] = self.jobs[culprit]
        self.waiting[job.id] = job
        for other in self.jobs[culprit].inputs.values():
            if self.store.read(other) is None and other not in self._at_work():
                self.waiting[other] = self.jobs[other]

    def _mourn(self, hand: Hand) -> None:
        """A worker is gone; what it had in hand is tried once more, each job alone."""
        del self.hands[hand.number]
        hand.close()
        if self.stop:
            return
        is_gone = hand.process.poll() is not None
        for job in hand.jobs.values():
            self.tries[job.id] += 1
            if is_gone and self.tries[job.id] < TRIES:
                self.observer.ended(job, "note", f"its worker {hand.end()}; it is tried once more")
                self.waiting[job.id] = job
                continue
            reason = f"its worker {hand.reason(self.tries[job.id])}"
            with suppress(StoreError):  # the reason still reaches the observer
                self.store.fail(job.id, reason)
            self._give_up(job, reason)

    def _give_up(self, job: Job, reason: str) -> None:
        self.waiting.pop(job.id, None)
        self.summary.failed[job.id] = reason
        self.observer.ended(job, "failed", reason)

    def _end(self) -> None:
        """Ask every worker to leave its work in order, wait, kill those that do not, and hear their last words."""
        for hand in self.hands.values():
            if hand.jobs:
                hand.process.terminate()
            hand.dismiss()
        deadline = time.monotonic() + PATIENCE
        for hand in self.hands.values():
            try:
                hand.process.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                hand.kill("did not stop")
                with suppress(subprocess.TimeoutExpired):  # one that waits for the system is left behind
                    hand.process.wait(timeout=LINGER)
            hand.listener.join(timeout=1.0)
        self._listen(0.0)
        for hand in self.hands.values():  # one whose end is still to be told, by a process of its own that lives on
            descendants.end(hand.process.pid)
            hand.close()
