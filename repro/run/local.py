"""The executor for this machine: a few worker processes, each handed one job at a time as soon as its inputs are there."""

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
from dataclasses import dataclass, field
from typing import Any, Protocol

from repro.errors import StoreError
from repro.files import explain
from repro.plan.jobs import Job
from repro.store import Store

TRIES = 2  # of a job whose worker died or whose input was found damaged
PATIENCE = 30.0  # seconds a worker has to leave its work in order before it is killed
ORDER = {"evaluate": 0, "probe": 1, "data": 2, "pretrain": 3}  # finish what is begun before beginning more


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
    stopped: bool = False
    seconds: float = 0.0


class Hand:
    """One worker process and the job in it."""

    def __init__(self, number: int, store: Store, threads: int, events: queue.Queue[tuple[int, dict[str, Any] | None]]) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
        log = store.root / f"worker-{os.getpid()}-{number}.log"
        try:
            with log.open("ab") as stream:
                command = [sys.executable, "-m", "repro.run.worker", "--results", str(store.root)]
                self.process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stream, text=True, env=environment, start_new_session=True
                )
        except OSError as error:
            raise StoreError(explain(error, log)) from error
        self.number, self.log, self.job = number, log, ""
        threading.Thread(target=self._listen, args=(events,), daemon=True).start()

    def _listen(self, events: queue.Queue[tuple[int, dict[str, Any] | None]]) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            try:
                events.put((self.process.pid, json.loads(line)))
            except ValueError:
                continue  # a line cut by the worker's death; its end is told next
        self.process.wait()
        events.put((self.process.pid, None))

    def give(self, job: Job) -> bool:
        """Hand a job over; False where the worker is gone."""
        assert self.process.stdin is not None
        self.job = job.id
        try:
            self.process.stdin.write(json.dumps({"job": job.content, "label": job.label}) + "\n")
            self.process.stdin.flush()
        except (BrokenPipeError, OSError):
            return False
        return True

    def close(self) -> None:
        """Let the worker end by itself; its log is kept only where it says something."""
        if self.process.stdin is not None and not self.process.stdin.closed:
            try:
                self.process.stdin.close()
            except OSError:
                pass
        if self.log.is_file() and self.log.stat().st_size == 0:
            self.log.unlink(missing_ok=True)


class Local:
    """Runs jobs on this machine; whatever it is told to stop for, nothing finished is lost."""

    def __init__(self, store: Store, *, workers: int, threads: int, observer: Observer) -> None:
        self.store, self.workers, self.threads, self.observer = store, workers, threads, observer
        self.events: queue.Queue[tuple[int, dict[str, Any] | None]] = queue.Queue()
        self.hands: dict[int, Hand] = {}
        self.summary = Summary()
        self.tries: Counter[str] = Counter()
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
            self._end()
        self.summary.stopped = self.stop
        self.summary.seconds = time.monotonic() - begun
        return self.summary

    def _busy(self) -> bool:
        return any(hand.job for hand in self.hands.values())

    def _ready(self) -> list[Job]:
        now = time.monotonic()
        held = self.waiting.keys() | {hand.job for hand in self.hands.values() if hand.job}
        ready = []
        for job in list(self.waiting.values()):
            lost = next((other for other in job.inputs.values() if other in self.summary.failed), None)
            if lost:
                self._give_up(job, f"its input failed: {self.jobs[lost].label}")
            elif not any(other in held for other in job.inputs.values()) and self.later.get(job.id, 0.0) <= now:
                ready.append(job)
        return sorted(ready, key=lambda job: ORDER[job.kind])

    def _hand_out(self) -> None:
        for job in self._ready():
            hand = next((hand for hand in self.hands.values() if not hand.job), None)
            if hand is None and len(self.hands) < self.workers:
                self.born += 1
                hand = Hand(self.born, self.store, self.threads, self.events)
                self.hands[hand.process.pid] = hand
            if hand is None:
                return
            if hand.give(job):
                del self.waiting[job.id]
            else:
                hand.job = ""
                del self.hands[hand.process.pid]

    def _listen(self, seconds: float) -> None:
        try:
            pid, event = self.events.get(timeout=seconds)
        except queue.Empty:
            return
        while True:
            if pid in self.hands:
                self._hear(self.hands[pid], event)
            try:
                pid, event = self.events.get_nowait()
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
                self.later[job.id] = time.monotonic() + 1.0
            case "done" | "reused" | "failed" | "stopped" as how:
                hand.job = ""
                self._finish(job, how, str(event.get("reason", event.get("seconds", ""))))

    def _finish(self, job: Job, how: str, detail: str) -> None:
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
        self.tries[culprit] += 1
        if self.tries[culprit] > TRIES or culprit not in self.jobs:
            self._give_up(job, reason)
            return
        self.observer.ended(job, "note", f"{reason}; it is computed again")
        self.waiting[culprit] = self.jobs[culprit]
        self.waiting[job.id] = job
        for other in self.jobs[culprit].inputs.values():
            if self.store.read(other) is None:
                self.waiting[other] = self.jobs[other]

    def _mourn(self, hand: Hand) -> None:
        del self.hands[hand.process.pid]
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
        reason = f"its worker {how} {TRIES} times{advice}; what it printed is in {hand.log}"
        self.store.fail(job.id, reason)
        self._give_up(job, reason)

    def _give_up(self, job: Job, reason: str) -> None:
        self.waiting.pop(job.id, None)
        self.summary.failed[job.id] = reason
        self.observer.ended(job, "failed", reason)

    def _end(self) -> None:
        """Ask every worker to leave its work in order, wait, and kill those that do not."""
        for hand in self.hands.values():
            if hand.job:
                hand.process.terminate()
            elif hand.process.stdin is not None:
                hand.close()
        deadline = time.monotonic() + PATIENCE
        for hand in self.hands.values():
            try:
                hand.process.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                hand.process.kill()
                hand.process.wait()
            hand.close()
