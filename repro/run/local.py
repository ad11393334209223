"""The executor for this machine: a few worker processes, each handed a job as soon as the job's inputs are there."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from repro.errors import StoreError
from repro.files import explain
from repro.plan.jobs import Job
from repro.store import Store

TRIES = 2  # of a job whose worker died or whose input was found damaged
AGAIN = 1.0  # seconds between two looks at a job that another run is at
PATIENCE = 30.0  # seconds a worker has to leave its work in order before it is killed
ORDER = {"evaluate": 0, "similarity": 0, "probe": 1, "weights": 2, "data": 2, "pretrain": 3}
"""Finish what is begun before beginning more."""


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


Events = queue.Queue[tuple[int, dict[str, Any] | None]]  # (hand, what its worker tells; None: it is gone)


class Hand:
    """One worker process and the job in it."""

    def __init__(self, number: int, store: Store, *, threads: int, events: Events) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
        log = store.root / f"worker-{os.getpid()}-{number}.log"
        try:
            with log.open("ab") as stream:
                command = [sys.executable, "-m", "repro.run.worker", "--results", str(store.root)]
                self.process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=stream,
                    text=True,
                    env=environment,
                    start_new_session=True,
                )
        except OSError as error:
            raise StoreError(explain(error, log)) from error
        self.number, self.log = number, log
        self.job, self.begun = "", 0.0
        self.leaving = False  # it was stopped by a signal of its own and takes no more jobs
        self.listener = threading.Thread(target=self._listen, args=(events,), daemon=True)
        self.listener.start()

    def _listen(self, events: Events) -> None:
        assert self.process.stdout is not None
        with self.process.stdout:
            for line in self.process.stdout:
                try:
                    events.put((self.number, json.loads(line)))
                except ValueError:
                    continue  # a line cut by the worker's death; its end is told next
        self.process.wait()
        events.put((self.number, None))

    def give(self, job: Job) -> None:
        """Hand a job over; where the worker is gone, its end is told as for one that died at work."""
        assert self.process.stdin is not None
        self.job, self.begun = job.id, time.monotonic()
        with suppress(OSError):
            self.process.stdin.write(json.dumps({"job": job.content, "label": job.label}) + "\n")
            self.process.stdin.flush()

    def dismiss(self) -> None:
        """Give the worker no more jobs, so that it ends by itself."""
        assert self.process.stdin is not None
        with suppress(OSError):
            self.process.stdin.close()

    def close(self) -> None:
        """Leave nothing of a worker that ended but its log, where it says something."""
        self.dismiss()
        if self.log.is_file() and self.log.stat().st_size == 0:
            self.log.unlink(missing_ok=True)


class Local:
    """Runs jobs on this machine; whatever it is told to stop for, nothing finished is lost."""

    def __init__(self, store: Store, *, workers: int, threads: int, observer: Observer) -> None:
        self.store, self.workers, self.threads, self.observer = store, workers, threads, observer
        self.events: Events = queue.Queue()
        self.hands: dict[int, Hand] = {}
        self.summary = Summary()
        self.tries: Counter[str] = Counter()
        self.finished: dict[str, float] = {}  # id -> when it last was
        self.later: dict[str, float] = {}  # id -> when to ask again for a job that another run is at
        self.stop = False
        self.born = 0

    def ask_to_stop(self) -> None:
        """Stop after the step in hand; called from a signal handler."""
        self.stop = True

    def run(self, todo: Mapping[str, Job], jobs: Mapping[str, Job]) -> Summary:
        """Do every job of `todo`; `jobs` are all of the plan, should an input prove damaged."""
        begun = time.monotonic()
        self.jobs, self.waiting = dict(jobs), dict(todo)
        try:
            while (self.waiting or self._busy()) and not self.stop:
                self._hand_out()
                self._listen(0.2)
                self.observer.tick()
        finally:
            self.summary.stopped, self.stop = self.stop, True
            self._end()
        self.summary.seconds = time.monotonic() - begun
        return self.summary

    def _busy(self) -> bool:
        return any(hand.job for hand in self.hands.values())

    def _ready(self) -> list[Job]:
        now = time.monotonic()
        held = self.waiting.keys() | {hand.job for hand in self.hands.values() if hand.job}
        ready = []
        for job in list(self.waiting.values()):
            gone = next((other for other in job.inputs.values() if self._is_gone(other)), None)
            if gone:
                del self.waiting[job.id]
                self.summary.lost.append(job.id)
                self.observer.ended(job, "failed", f"not tried, as its input failed: {self.jobs[gone].label}")
            elif not any(other in held for other in job.inputs.values()) and self.later.get(job.id, 0.0) <= now:
                ready.append(job)
        return sorted(ready, key=lambda job: ORDER[job.kind])

    def _is_gone(self, job: str) -> bool:
        return job in self.summary.failed or job in self.summary.lost

    def _is_at_work(self, job: str) -> bool:
        return any(hand.job == job for hand in self.hands.values())

    def _hand_out(self) -> None:
        for job in self._ready():
            hand = next((hand for hand in self.hands.values() if not hand.job and not hand.leaving), None)
            if hand is None and len(self.hands) < self.workers:
                self.born += 1
                hand = Hand(self.born, self.store, threads=self.threads, events=self.events)
                self.hands[hand.number] = hand
            if hand is None:
                return
            hand.give(job)
            del self.waiting[job.id]

    def _listen(self, seconds: float) -> None:
        try:
            number, event = self.events.get(timeout=seconds)
            while True:
                self._hear(self.hands[number], event)
                number, event = self.events.get_nowait()
        except queue.Empty:
            return

    def _hear(self, hand: Hand, event: dict[str, Any] | None) -> None:
        if event is None:
            self._mourn(hand)
            return
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
                hand.job = ""
                self.waiting[job.id] = job
                if job.id not in self.later:
                    self.observer.ended(job, "note", "another run is at it; its result is waited for")
                self.later[job.id] = time.monotonic() + AGAIN
            case "done" | "reused" | "failed" | "stopped" as how:
                hand.job, hand.leaving = "", how == "stopped"
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
        hand.job = ""
        renewed = self.finished.get(culprit, 0.0) > hand.begun
        if renewed or culprit in self.waiting or self._is_at_work(culprit):
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
            if self.store.read(other) is None and not self._is_at_work(other):
                self.waiting[other] = self.jobs[other]

    def _mourn(self, hand: Hand) -> None:
        del self.hands[hand.number]
        job = self.jobs.get(hand.job)
        code = hand.process.returncode
        hand.close()
        if job is None or self.stop:
            return
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        self.tries[job.id] += 1
        if self.tries[job.id] < TRIES:
            self.observer.ended(job, "note", f"its worker {how}; it is tried once more")
            self.waiting[job.id] = job
            return
        advice = " (out of memory? try --workers 1)" if code == -signal.SIGKILL else ""
        printed = f"; what it printed is in {hand.log}" if hand.log.is_file() else ""
        reason = f"its worker {how} {TRIES} times{advice}{printed}"
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
            if hand.job:
                hand.process.terminate()
            hand.dismiss()
        deadline = time.monotonic() + PATIENCE
        for hand in self.hands.values():
            try:
                hand.process.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                hand.process.kill()
                hand.process.wait()
            hand.listener.join(timeout=1.0)
        self._listen(0.0)
        for hand in self.hands.values():  # one whose end is still to be told, by a process of its own that lives on
            hand.close()
