"""SLURM's own programs, each called with a time limit: what waits and runs, submitting, cancelling, requeueing.

What the scheduler calls the state of a job is never taken for a result: a job is done when its record is there.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from repro.errors import ReproError
from repro.run.slurm.arrays import Place

PATIENCE = 60.0  # seconds that one call may take
OVER = (
    *(
        "BOOT_FAIL",
        "CANCELLED",
        "COMPLETED",
        "DEADLINE",
        "FAILED",
        "NODE_FAIL",
        "OUT_OF_MEMORY",
        "PREEMPTED",
        "REVOKED",
    ),
    "TIMEOUT",
)
"""States of a task that is in the queue no more, should squeue name it still."""
VARIABLES = {"array": "ARRAY_INX", "time": "TIMELIMIT"}  # of sbatch that are not called as their option is


class SchedulerError(ReproError):
    """A scheduler that is not there, does not answer or refuses."""

    exit_code = 3


class NoAnswer(SchedulerError):
    """A scheduler that may have done what it was asked, or not."""


@dataclass(frozen=True)
class Entry:
    """One task in the queue."""

    place: Place
    is_running: bool
    reason: str  # why it waits, as SLURM says it
    name: str  # of its array: "repro-" and the name of the array's folder


def queue() -> dict[Place, Entry]:
    """Every task of ours that waits or runs; raises `SchedulerError`."""
    narrow = {name for name in os.environ if name.startswith("SQUEUE_")}
    said = _call("squeue", "--me", "--array", "--noheader", "--format=%F|%K|%T|%r|%j", without=narrow)
    found = {}
    for line in said.splitlines():
        array, number, state, reason, name = (*line.split("|", 4), "", "", "", "")[:5]  # a person's names have any sign
        if name.startswith("repro-") and number.isdigit() and state not in OVER:
            place = (array, int(number))
            found[place] = Entry(place, state in ("RUNNING", "COMPLETING", "SUSPENDED"), reason, name)
    return found


def submit(script: Path) -> str:
    """Submit a script from its folder; the number that the scheduler gave it."""
    options = re.findall(r"(?m)^#SBATCH --([a-z-]+)", script.read_text(encoding="utf-8"))
    bend = {f"SBATCH_{VARIABLES.get(name, name.replace('-', '_').upper())}" for name in options}
    said = _call("sbatch", script.name, folder=script.parent, without=bend | {"SBATCH_NO_REQUEUE", "SBATCH_WAIT"})
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


def _call(program: str, *words: str, folder: Path | None = None, without: Set[str] = frozenset()) -> str:
    """What a program said; `without` are variables of a person's own with which it would do what we do not say."""
    try:
        done = subprocess.run(
            [program, *words],
            cwd=folder,
            env={name: value for name, value in os.environ.items() if name not in without},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
            check=True,
        )
    except FileNotFoundError as error:
        raise SchedulerError(f"{program}: not found; --executor slurm is typed where SLURM's programs are") from error
    except subprocess.TimeoutExpired as error:
        raise NoAnswer(f"{program}: no answer in {PATIENCE:.0f} seconds; try again later") from error
    except subprocess.CalledProcessError as error:
        said = " ".join((error.stderr or error.stdout).split())  # over several lines, now and then
        raise SchedulerError(f"{program}: {said or 'failed'}") from error
    return done.stdout
