"""The guard of the tests' daemons: whoever is killed, nothing stays behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

from tests.conftest import CHECKOUT
from tests.run.test_run import gone, wait

DAEMON = ["sh", "-c", "setsid sh -c 'sleep 1000 & echo $! $$; wait' & sleep 0.3"]  # has a child, and lets go of both
PARENT = f"""
import subprocess, sys, time
guard = subprocess.Popen([sys.executable, "-m", "tests.run.slurm.guard"], stdin=subprocess.PIPE, text=True)
guard.stdin.write({json.dumps(json.dumps(DAEMON))} + "\\n")
guard.stdin.flush()
time.sleep(1000)
"""


def test_what_a_killed_process_had_started_is_killed_with_all_below_it() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
    try:
        assert parent.stdout is not None
        code, said = json.loads(parent.stdout.readline())
        assert code == 0
        daemon = [int(word) for word in said.split()]
        assert len(daemon) == 2
        assert not any(map(gone, daemon))
        parent.send_signal(signal.SIGKILL)
        wait(lambda: all(map(gone, daemon)))
    finally:
        parent.kill()
        parent.communicate()
