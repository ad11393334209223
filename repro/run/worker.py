"""A worker: reads jobs as JSON lines, computes each once, writes its record; tells what it does as JSON lines.

`python -m repro.run.worker --results DIR` reads from standard input until it ends: lines `{"jobs": [...]}` of one job
`{"job": content, "label": words}`, or of evaluations that go together. The events, one a line on standard output and
each of one job: `ready`, `start`, `progress`, `note`, `done`, `reused`, `busy`, `damaged`, `failed`, `stopped`; and
`beat` where work goes on that has nothing else to tell. Whoever reads them may take silence for a worker that hangs.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, TextIO

from repro.errors import ReproError
from repro.files import file_digest
from repro.lab.jobs import Context, Outcome, Stopped
from repro.lab.recipes import member
from repro.run import descendants, environment, ranks, reasons
from repro.store import Record, Store, identity

BEAT = 1.0  # seconds of work without a word, after which a word is said
CHECKED: set[tuple[str, int, int]] = set()  # job, its record's time of change and size: files hashed in this process


class DamagedInput(Exception):
    """A finished job whose record or files cannot be used; whoever runs us computes it again."""

    def __init__(self, job: str, sentence: str) -> None:
        self.job = job
        super().__init__(sentence)


@dataclass(frozen=True)
class Asked:
    """A job as it came: what it is, and what people call it."""

    content: Mapping[str, Any]
    label: str

    @property
    def job(self) -> str:
        """Its id."""
        return identity(self.content)


@dataclass(frozen=True)
class Clock:
    """When work began; `jobs` share its time evenly."""

    jobs: int
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    wall: float = field(default_factory=time.monotonic)
    cpu: float = field(default_factory=time.process_time)

    def times(self) -> tuple[str, float, float]:
        """The start (ISO 8601), and wall and processor seconds since then, of one job."""
        wall, cpu = time.monotonic() - self.wall, time.process_time() - self.cpu
        return self.started.isoformat(timespec="seconds"), round(wall / self.jobs, 3), round(cpu / self.jobs, 3)


class Worker:
    """One process that computes one job at a time, or evaluations of the same images at once."""

    def __init__(self, store: Store, events: TextIO, *, loaders: int, processes: int) -> None:
        self.store, self.events, self.loaders, self.processes = store, events, loaders, processes
        self.stop = False
        self.parent = os.getppid()
        self.told = 0.0  # how far a job is, at last
        self.said = 0.0  # anything

    def tell(self, event: str, job: str, **facts: Any) -> None:
        """Send one event; a reader that is gone means stop."""
        self.said = time.monotonic()
        try:
            self.events.write(json.dumps({"event": event, "id": job, **facts}) + "\n")
            self.events.flush()
        except (OSError, ValueError):
            self.stop = True

    def beat(self) -> None:
        """Show that the work goes on; from the thread that does it, as others would go on where it hangs."""
        if time.monotonic() - self.said > BEAT and threading.current_thread() is threading.main_thread():
            self.tell("beat", "")

    def stopping(self) -> bool:
        """Whether to stop after the step in hand: asked to, or left alone. Who asks is at work."""
        self.beat()
        return self.stop or os.getppid() != self.parent

    def work(self, asked: Sequence[Asked]) -> None:
        """Do jobs, but for those that are done or that another process is at."""
        with ExitStack() as held:
            ours = [one for one in asked if self._claimed(one, held)]
            for one in ours:
                self.tell("start", one.job)
            evaluations = [one for one in ours if one.content["kind"] == "evaluate"]
            if evaluations:
                self._evaluate(evaluations)
            for one in ours:
                if one not in evaluations:
                    with self._telling([one]):
                        self._compute(one)

    def _claimed(self, one: Asked, held: ExitStack) -> bool:
        """Hold a job for as long as `held` lasts; False where it needs not be done."""
        try:
            if not held.enter_context(self.store.claim(one.job)):
                self.tell("busy", one.job)
            elif self.store.read(one.job) is not None:
                self.tell("reused", one.job)
            else:
                return True
        except ReproError as error:
            self._failed(one.job, str(error))
        return False

    @contextmanager
    def _telling(self, asked: Iterable[Asked]) -> Iterator[None]:
        """Whatever goes wrong inside is told as one sentence of each job."""
        try:
            yield
        except Exception as error:
            for one in list(asked):
                self._fault(one.job, error)

    def _fault(self, job: str, error: Exception) -> None:
        match error:
            case Stopped():
                self.stop = True  # whoever hears of it gives this process no more jobs
                self.tell("stopped", job)
            case DamagedInput():
                self.tell("damaged", job, input=error.job, reason=str(error))
            case _:
                reason = reasons.sentence(error, self.store.folder(job))
                trace = "" if reason else "".join(traceback.format_exception(error))
                self._failed(job, reason or f"{type(error).__name__}: {error}", trace=trace)

    def _compute(self, one: Asked) -> None:
        """Do one job and write its record."""
        inputs, context, clock = self._inputs(one), self._context([one]), self._begin([one])
        self._keep(one, self._run_job(one.content, inputs, self.store.folder(one.job), context), clock)

    def _run_job(
        self, content: Mapping[str, Any], inputs: Mapping[str, Path], folder: Path, context: Context
    ) -> Outcome:
        """Compute a job here, or a pretraining in as many processes as there may be and it can be shared among."""
        size = self._sharing(content)
        if size > 1:
            return ranks.run(content, inputs=inputs, folder=folder, context=context, size=size)
        outcome: Outcome = member("jobs", content["kind"]).run(
            content["spec"], seed=content["seed"], inputs=inputs, folder=folder, context=context
        )
        return outcome

    def _sharing(self, content: Mapping[str, Any]) -> int:
        """How many processes do a job."""
        return ranks.fitting(content["spec"], most=self.processes) if content["kind"] == "pretrain" else 1

    def _evaluate(self, asked: Sequence[Asked]) -> None:
        """Evaluate networks on one set of images, each image read once, and write a record as soon as there is one."""
        open_: dict[Path, Asked] = {}
        inputs: dict[Path, dict[str, Path]] = {}
        for one in asked:
            with self._telling([one]):
                folder = self.store.folder(one.job)
                inputs[folder], open_[folder] = self._inputs(one), one
        if not open_:
            return
        with self._telling(open_.values()):
            clock, context = self._begin(list(open_.values())), self._context(open_.values())
            evaluate = member("jobs", "evaluate")
            tasks = [evaluate.Task(one.content["spec"], inputs[at], at) for at, one in open_.items()]
            for task, found in evaluate.together(tasks, context):
                one = open_.pop(task.folder)
                with self._telling([one]):
                    if isinstance(found, Exception):
                        raise found
                    self._keep(one, found, clock)

    def _begin(self, asked: Sequence[Asked]) -> Clock:
        """Note the start of work in each job's log, and let torch use the threads that are part of the job."""
        content, clock = asked[0].content, Clock(len(asked))
        if content["kind"] != "data":  # drawing and decoding need no torch, which takes seconds to import
            import_module("repro.lab.threads").limit(content["threads"])
        together = f", {len(asked)} evaluations in one pass" if len(asked) > 1 else ""
        for one in asked:
            self._log(one.job, f"{clock.started.isoformat(timespec='seconds')} {one.label}{together}")
        return clock

    def _context(self, asked: Iterable[Asked]) -> Context:
        """What a job may ask and tell; what is told is told of each of `asked` that is not done yet."""

        def progress(done: int, total: int, unit: str) -> None:
            if time.monotonic() - self.told > 0.2 or done == total:
                self.told = time.monotonic()
                for one in asked:
                    self.tell("progress", one.job, done=done, total=total, unit=unit)

        def note(text: str) -> None:
            for one in asked:
                self._log(one.job, text)
                self.tell("note", one.job, text=text)

        device = next(iter(asked)).content["device"]
        return Context(device=device, loaders=self.loaders, progress=progress, note=note, stopping=self.stopping)

    def _keep(self, one: Asked, outcome: Outcome, clock: Clock) -> None:
        """Write the record of a job that is done."""
        paths, times = [self.store.settle(one.job, name) for name in outcome.files], clock.times()
        files = {path.name: {"sha256": file_digest(path), "bytes": path.stat().st_size} for path in paths}
        content = dict(one.content)
        where = {**environment.describe(), "processes": self._sharing(content), "loaders": self.loaders}
        where["card"] = environment.card() if content["device"] == "cuda" else None
        self.store.write(Record(one.job, content, one.label, outcome.values, files, *times, where))
        with suppress(OSError):  # done is what has a record
            self._log(one.job, f"done in {times[1]:.1f} s")
        self.tell("done", one.job, seconds=times[1])

    def _inputs(self, one: Asked) -> dict[str, Path]:
        """The folders of a job's inputs, once what an earlier try left is away."""
        self.store.clear(one.job)
        return {role: self._input(role, other) for role, other in one.content["inputs"].items()}

    def _input(self, role: str, job: str) -> Path:
        """The folder of a finished input, its files checked against their hashes once in this process."""
        record = self.store.read(job)
        folder = self.store.folder(job)
        if record is None:
            raise DamagedInput(job, self.store.damaged.get(job, f"{folder}: the input {role} has no record"))
        status = (folder / "record.json").stat()
        key = (job, status.st_mtime_ns, status.st_size)
        if key not in CHECKED:
            self.beat()
            fault = self.store.verify(record)
            self.beat()
            if fault:
                self.store.discard(record)
                raise DamagedInput(job, fault)
            CHECKED.add(key)
        return folder

    def _log(self, job: str, text: str) -> None:
        with self.store.log(job).open("a", encoding="utf-8") as stream:
            stream.write(text.rstrip("\n") + "\n")

    def _failed(self, job: str, reason: str, *, trace: str = "") -> None:
        try:
            self.store.clear(job)
            self._log(job, trace or reason)
            self.store.fail(job, reason)
        except (OSError, ReproError):
            pass  # the reason still reaches whoever started this worker
        self.tell("failed", job, reason=reason)


def main(arguments: list[str] | None = None) -> int:
    """Read jobs until the input ends or a signal comes; the job in hand is left so that it can be gone on with."""
    parser = argparse.ArgumentParser(prog="repro.run.worker", description=__doc__)
    parser.add_argument("--loaders", type=int, default=0, help="processes that decode images, 0: this one")
    parser.add_argument("--processes", type=int, default=1, help="that share a pretraining, at most")
    parser.add_argument("--silence", type=float, default=0.0, help="seconds it outlives its runner, hung; 0: for ever")
    parser.add_argument("--results", type=Path, required=True)
    options = parser.parse_args(arguments)
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints goes to the log, never between the events
    worker = Worker(Store(options.results), events, loaders=options.loaders, processes=options.processes)

    def ask_to_stop(*_: object) -> None:
        worker.stop = True

    signal.signal(signal.SIGTERM, ask_to_stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; whoever started us decides
    if options.silence:
        descendants.end_alone(options.silence, said=lambda: worker.said)
    worker.tell("ready", "")
    for line in sys.stdin:
        worker.work([Asked(one["job"], one["label"]) for one in json.loads(line)["jobs"]])
        if worker.stopping():
            break
    return 0


if __name__ == "__main__":
    sys.exit(main())
