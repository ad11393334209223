"""Ends a test's daemons when the test is gone, however it went: their ancestor, which lives as long as its input.

`python -m tests.run.slurm.guard` reads commands as JSON lists, a line each, runs each to its end and answers with a
line of JSON: its exit code and what it said. Whatever they leave running stays below this process, by Linux's child
subreaper. When its input ends, as it does when the process that writes it is killed, everything below is killed.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of <linux/prctl.h>
PATIENCE = 60.0  # seconds for a command
LAST = 30.0  # seconds for what was killed to be gone


def below(process: int) -> list[int]:
    """Every process that descends from one, the nearest first."""
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{process}/task").iterdir():
            found += [int(word) for word in (task / "children").read_text().split()]
    return found + [one for child in found for one in below(child)]


def end() -> None:
    """Kill everything below this process, and what that starts meanwhile."""
    deadline = time.monotonic() + LAST
    while (left := below(os.getpid())) and time.monotonic() < deadline:
        for process in left:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.02)


def main() -> None:
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    try:
        for line in sys.stdin:
            with tempfile.TemporaryFile("w+") as said:  # a pipe would be held open by a daemon
                done = subprocess.run(
                    json.loads(line), stdin=subprocess.DEVNULL, stdout=said, stderr=said, timeout=PATIENCE, check=False
                )
                said.seek(0)
                print(json.dumps([done.returncode, said.read()]), flush=True)
    finally:
        end()


if __name__ == "__main__":
    main()
