"""What a command costs before it does anything: CPU seconds of `repro list` and `repro show`, beside a bare Python."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from statistics import median

import timing

REPEATS = 9
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "repro list": ["-m", "repro", "list", "--results", "RESULTS"],
    "repro show table1": ["-m", "repro", "show", "table1"],
    "python -c 'import torch'": ["-c", "import torch"],
}


def seconds(words: list[str]) -> float:
    """CPU seconds, user and system, of one run of Python in the checkout."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as results:
        words = [word.replace("RESULTS", results) for word in words]
        environment = {**os.environ, "PYTHONPATH": str(timing.ROOT)}
        subprocess.run([sys.executable, *words], check=True, capture_output=True, cwd=timing.ROOT, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    rounds = [[seconds(words) for words in COMMANDS.values()] for _ in range(REPEATS + 1)][1:]
    found = dict(zip(COMMANDS, (median(turns) for turns in zip(*rounds, strict=True)), strict=True))
    bare = found["python -c pass"]
    print(f"start, CPU seconds (medians of {REPEATS})")
    for command, spent in found.items():
        print(f"{command:24}  {spent:6.3f}  {spent / bare:6.1f}x")


if __name__ == "__main__":
    main()
