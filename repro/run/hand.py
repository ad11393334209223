"""One worker process as the executor sees it: what it is given, and what it tells."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from repro.errors import StoreError
from repro.files import explain
from repro.plan.jobs import Job
from repro.store import Store

Events = queue.Queue[tuple[int, dict[str, Any] | None]]  # (hand, what its worker tells; None: it is gone)


class Hand:
    """One worker process and the jobs in it: one, or evaluations that go together."""

    def __init__(
        self, number: int, store: Store, *, log: Path, threads: int, loaders: int, processes: int, events: Events
    ) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
        results = f"--results={store.root}"  # one word, as it may begin with a dash
        options = ["--loaders", str(loaders), "--processes", str(processes), results]
        try:
            with log.open("ab") as stream:
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
        self.jobs, self.begun = {job.id: job for job in jobs}, time.monotonic()
        message = {"jobs": [{"job": job.content, "label": job.label} for job in jobs]}
        with suppress(OSError):
            self.process.stdin.write(json.dumps(message) + "\n")
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
