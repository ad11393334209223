"""SLURM's own programs, each called with a time limit: what waits and runs, submitting, cancelling, requeueing.

What the scheduler calls the state of a job is never taken for a result: a job is done when its record is there.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from repro.errors import ReproError
from repro.run.arrays import Place

PATIENCE = 60.0  # seconds that one call may take


class SchedulerError(ReproError):
    """A scheduler that is not there, does not answer or refuses."""

    exit_code = 3


@dataclass(frozen=True)
class Entry:
    """One task in the queue."""

    place: Place
    is_running: bool
    reason: str  # why it waits, as SLURM says it
    name: str  # of its array: "repro-" and the name of the array's folder


def queue() -> dict[Place, Entry]:
    """Every task of ours that waits or runs; raises `SchedulerError`."""
    said = _call("squeue", "--me", "--array", "--noheader", "--format=%F|%K|%T|%r|%j")
    found = {}
    for line in said.splitlines():
        array, number, state, reason, name = line.split("|", 4)
        if name.startswith("repro-") and number.isdigit():
            place = (array, int(number))
            found[place] = Entry(place, state in ("RUNNING", "COMPLETING", "SUSPENDED"), reason, name)
    return found


def submit(script: Path) -> str:
    """Submit a script; the number that the scheduler gave it."""
    said = _call("sbatch", str(script))
    number = re.search(r"job (\d+)", said)
    if number is None:
        raise SchedulerError(f'sbatch: expected "Submitted batch job N", found "{said.strip()}"')
    return number[1]


def cancel(arrays: Sequence[str]) -> None:
    """End arrays, whatever their tasks are at."""
    _call("scancel", *arrays)


def requeue(place: Place) -> None:
    """Put a task that runs back into the queue; it is ended for that."""
    _call("scontrol", "requeue", f"{place[0]}_{place[1]}")


def is_running(place: Place) -> bool:
    """Whether the scheduler means a task to run on: not one that it is ending."""
    return _call("squeue", "--noheader", "--format=%T", f"--jobs={place[0]}_{place[1]}").strip() == "RUNNING"


def _call(program: str, *words: str) -> str:
    try:
        done = subprocess.run(
            [program, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
    except FileNotFoundError as error:
        raise SchedulerError(f"{program}: not found; --executor slurm is typed where SLURM's programs are") from error
    except subprocess.TimeoutExpired as error:
        raise SchedulerError(f"{program}: no answer in {PATIENCE:.0f} seconds; try again later") from error
    except subprocess.CalledProcessError as error:
        said = " ".join((error.stderr or error.stdout).split())  # over several lines, now and then
        raise SchedulerError(f"{program}: {said or 'failed'}") from error
    return done.stdout
