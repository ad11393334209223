"""A worker: reads jobs as JSON lines, computes each once, writes its record; tells what it does as JSON lines.

`python -m repro.run.worker --results DIR` reads from standard input until it ends. The events, one a line on
standard output: `ready`, `start`, `progress`, `note`, `done`, `reused`, `busy`, `damaged`, `failed`, `stopped`.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, TextIO

from repro.errors import ReproError
from repro.files import explain, file_digest
from repro.lab.jobs import Context, Stopped
from repro.lab.recipes import member
from repro.run import environment
from repro.store import Record, Store, identity

CHECKED: set[tuple[str, int, int]] = set()  # job, its record's time of change and size: files hashed in this process


class DamagedInput(Exception):
    """A finished job whose record or files cannot be used; whoever runs us computes it again."""

    def __init__(self, job: str, sentence: str) -> None:
        self.job = job
        super().__init__(sentence)


class Worker:
    """One process that computes one job at a time."""

    def __init__(self, store: Store, events: TextIO) -> None:
        self.store, self.events = store, events
        self.stop = False
        self.parent = os.getppid()
        self.told = 0.0

    def tell(self, event: str, job: str, **facts: Any) -> None:
        """Send one event; a reader that is gone means stop."""
        try:
            self.events.write(json.dumps({"event": event, "id": job, **facts}) + "\n")
            self.events.flush()
        except (OSError, ValueError):
            self.stop = True

    def stopping(self) -> bool:
        """Whether to stop after the step in hand: asked to, or left alone."""
        return self.stop or os.getppid() != self.parent

    def work(self, content: Mapping[str, Any], label: str) -> None:
        """Do one job unless it is done or another process is at it."""
        job = identity(content)
        try:
            with self.store.claim(job) as mine:
                if not mine:
                    self.tell("busy", job)
                elif self.store.read(job) is not None:
                    self.tell("reused", job)
                else:
                    self.tell("start", job)
                    self._attempt(job, content, label)
        except ReproError as error:  # of the claim itself
            self._failed(job, str(error))

    def _attempt(self, job: str, content: Mapping[str, Any], label: str) -> None:
        """Compute a job that is ours; whatever goes wrong is one sentence."""
        try:
            self._compute(job, content, label)
        except DamagedInput as error:
            self.tell("damaged", job, input=error.job, reason=str(error))
        except ReproError as error:
            self._failed(job, str(error))
        except OSError as error:
            self._failed(job, explain(error, self.store.folder(job)))
        except MemoryError:
            self._failed(job, "out of memory; use fewer workers (--workers 1) or a smaller profile")
        except Exception as error:
            self._failed(job, f"{type(error).__name__}: {error}", trace=traceback.format_exc())

    def _compute(self, job: str, content: Mapping[str, Any], label: str) -> None:
        folder = self.store.folder(job)
        self.store.clear(job)
        inputs = {role: self._input(role, other) for role, other in content["inputs"].items()}
        if content["kind"] != "data":  # drawing and decoding need no torch, which takes seconds to import
            import_module("repro.lab.threads").limit(content["threads"])

        def progress(done: int, total: int, unit: str) -> None:
            if time.monotonic() - self.told > 0.2 or done == total:
                self.told = time.monotonic()
                self.tell("progress", job, done=done, total=total, unit=unit)

        def note(text: str) -> None:
            self._log(job, text)
            self.tell("note", job, text=text)

        context = Context(device=content["device"], progress=progress, note=note, stopping=self.stopping)
        started, wall, cpu = datetime.now(UTC), time.monotonic(), time.process_time()
        self._log(job, f"{started.isoformat(timespec='seconds')} {label}")
        try:
            outcome = member("jobs", content["kind"]).run(
                content["spec"], seed=content["seed"], inputs=inputs, folder=folder, context=context
            )
        except Stopped:
            self.tell("stopped", job)
            return
        files = {
            name: {"sha256": file_digest(folder / name), "bytes": (folder / name).stat().st_size}
            for name in outcome.files
        }
        seconds = time.monotonic() - wall
        times = (started.isoformat(timespec="seconds"), round(seconds, 3), round(time.process_time() - cpu, 3))
        self.store.write(Record(job, dict(content), label, outcome.values, files, *times, environment.describe()))
        self._log(job, f"done in {seconds:.1f} s")
        self.tell("done", job, seconds=seconds)

    def _input(self, role: str, job: str) -> Path:
        """The folder of a finished input, its files checked against their hashes once in this process."""
        record = self.store.read(job)
        if record is None:
            raise DamagedInput(
                job, self.store.damaged.get(job, f"{self.store.folder(job)}: the input {role} has no record")
            )
        status = (self.store.folder(job) / "record.json").stat()
        key = (job, status.st_mtime_ns, status.st_size)
        if key not in CHECKED:
            fault = self.store.verify(record)
            if fault:
                self.store.discard(record)
                raise DamagedInput(job, fault)
            CHECKED.add(key)
        return self.store.folder(job)

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
    parser.add_argument("--results", type=Path, required=True)
    options = parser.parse_args(arguments)
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints goes to the log, never between the events
    worker = Worker(Store(options.results), events)

    def ask_to_stop(*_: object) -> None:
        worker.stop = True

    signal.signal(signal.SIGTERM, ask_to_stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; whoever started us decides
    worker.tell("ready", "")
    for line in sys.stdin:
        message = json.loads(line)
        worker.work(message["job"], message["label"])
        if worker.stopping():
            break
    return 0


if __name__ == "__main__":
    sys.exit(main())
