"""What a command costs before it does anything: CPU seconds of `repro list` and `repro show`, beside a bare Python."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import timing

REPEATS = 9
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "repro show table1": ["-m", "repro", "show", "table1"],
    "repro list, no results yet": ["-m", "repro", "list", "--results", "ABSENT"],
    "repro list, empty results": ["-m", "repro", "list", "--results", "EMPTY"],
    "python -c 'import torch'": ["-c", "import torch"],
}


def seconds(words: list[str]) -> float:
    """CPU seconds, user and system, of one run of Python on the checkout's `repro`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "PYTHONPATH": str(timing.ROOT)}
    subprocess.run([sys.executable, *words], check=True, capture_output=True, cwd=timing.ROOT, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folders = {name: str(Path(scratch, name)) for name in ("ABSENT", "EMPTY")}
        Path(folders["EMPTY"]).mkdir()
        commands = [[folders.get(word, word) for word in words] for words in COMMANDS.values()]
        rounds = [[seconds(words) for words in commands] for _ in range(REPEATS)]
    found = [median(turns) for turns in zip(*rounds, strict=True)]
    print(f"start, CPU seconds (medians of {REPEATS})")
    for command, spent in zip(COMMANDS, found, strict=True):
        print(f"{command:26}  {spent:6.3f}  {spent / found[0]:6.1f}x")


if __name__ == "__main__":
    main()
