"""One worker process as the executor sees it: what it is given, and what it tells."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from repro import leftovers
from repro.errors import StoreError
from repro.files import explain
from repro.plan.jobs import Job
from repro.run import descendants
from repro.store import Store

Events = queue.Queue[tuple[int, dict[str, Any] | None]]  # (hand, what its worker tells; None: it is gone)


class Hand:
    """One worker process and the jobs in it: one, or evaluations that go together."""

    def __init__(
        self,
        number: int,
        store: Store,
        *,
        log: Path,
        threads: int,
        loaders: int,
        processes: int,
        silence: float,
        events: Events,
    ) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
        results = f"--results={store.root}"  # one word, as it may begin with a dash
        options = ["--loaders", str(loaders), "--processes", str(processes), "--silence", str(silence), results]
        try:
            with log.open("ab") as stream:
                leftovers.hold(stream)
                self.process = subprocess.Popen(
                    [sys.executable, "-m", "repro.run.worker", *options],
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
        self.jobs: dict[str, Job] = {}  # in its hand still
        self.begun = 0.0
        self.leaving = False  # it was stopped by a signal of its own and takes no more jobs
        self.silent = 0.0  # seconds that it has told nothing for, of those that somebody listened
        self.ended = 0.0  # seconds since it was found ended, or was killed
        self.fate = ""  # why it was killed
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

    def give(self, jobs: Sequence[Job]) -> None:
        """Hand jobs over; where the worker is gone, its end is told as for one that died at work."""
        assert self.process.stdin is not None
        self.jobs, self.begun, self.silent = {job.id: job for job in jobs}, time.monotonic(), 0.0
        message = {"jobs": [{"job": job.content, "label": job.label} for job in jobs]}
        with suppress(OSError):
            self.process.stdin.write(json.dumps(message) + "\n")
            self.process.stdin.flush()

    def kill(self, why: str) -> None:
        """End a worker that hangs, with all that it started."""
        self.fate = why
        descendants.end(self.process.pid)

    def end(self) -> str:
        """How it ended."""
        code = self.process.returncode
        if self.fate or code is None:
            return self.fate
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"

    def reason(self, times: int) -> str:
        """How it ended, as the last of some that ended over the same job, and what to do."""
        printed = f"; what it printed is in {self.log}" if self.log.is_file() else ""
        if self.process.returncode is None:
            return f"{self.end()} and cannot be killed, as it waits for the system (a disk, a folder of a network?)"
        if self.fate:
            return f"{self.end()}, {times} times (does it need longer? --silence says how many minutes){printed}"
        advice = " (out of memory? try --workers 1)" if self.process.returncode == -signal.SIGKILL else ""
        return f"{self.end()} {times} times{advice}{printed}"

    def dismiss(self) -> None:
        """Give the worker no more jobs, so that it ends by itself."""
        assert self.process.stdin is not None
        with suppress(OSError):
            self.process.stdin.close()

    def close(self) -> None:
        """Leave nothing of a worker that ended but its log, where it says something."""
        self.dismiss()
        with suppress(OSError):  # a disk that has turned read-only keeps it
            if self.log.is_file() and self.log.stat().st_size == 0:
                self.log.unlink(missing_ok=True)


def spoken(seconds: float) -> str:
    """A length of time in words.

    >>> spoken(1800.0), spoken(60.0), spoken(2.5)
    ('30 minutes', '1 minute', '2.5 seconds')
    """
    number, unit = (seconds / 60, "minute") if seconds >= 60 else (seconds, "second")
    return f"{number:g} {unit}{'' if number == 1 else 's'}"
