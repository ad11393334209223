"""Faults at length: `python -m tests.faults [FAMILY ...] --times N --seed S` tries them and prints a table.

Each lost trial is told as it is met, with what was seen; the next one is tried. Exit 1 if any was lost.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.faults import processes, trials, world
from tests.faults.trials import Trial

PROGRESS = 20.0  # seconds between two lines that say how far it is, where no person looks on


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the families that are asked for, all where none is named."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("families", nargs="*", metavar="FAMILY", help=f"some of {', '.join(trials.names())}")
    parser.add_argument("--times", type=int, help="faults of each family; where left out, as many as in the tests")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    strange = [name for name in asked.families if name not in trials.names()]
    if strange or (asked.times or 1) < 1:
        parser.error(f"expected families of {', '.join(trials.names())}, and --times 1 or more")
    console, root = Console(), Path(tempfile.mkdtemp(prefix="faults-")).resolve()
    found: list[Trial] = []
    try:
        there = world.build(root / "world")
        for name in asked.families or trials.names():
            for trial in _tried(console, there, name, times=asked.times, seed=asked.seed):
                found.append(trial)  # one by one, so that the table of a run that is stopped has them
    except KeyboardInterrupt:
        console.print("stopped")
    finally:
        processes.end(root)
        shutil.rmtree(root, ignore_errors=True)
        if found:
            console.print(table(found))
    return 1 if any(not trial.survived for trial in found) else 0


def _tried(console: Console, there: world.World, name: str, *, times: int | None, seed: int) -> Iterator[Trial]:
    """The trials of one family; how far it is on one line of a terminal, on a line now and then elsewhere."""
    family, lost, begun, told = trials.family(name), 0, time.monotonic(), 0.0
    reason = family.skipped()
    if reason:
        console.print(f"{name}: not tried: {reason}")
        return
    total = times or family.USUAL
    for done, trial in enumerate(family.trials(there, times=total, seed=seed), 1):
        yield trial
        if not trial.survived:
            lost += 1
            again = f"again: python -m tests.faults {name} --times {total} --seed {seed}"
            line = f"✗ lost, number {done}: {trial.fault}: {trial.told}; {again}"
            console.print(line, markup=False, soft_wrap=True)
        if console.is_terminal or time.monotonic() - told > PROGRESS or done == total:
            told = time.monotonic()
            ends = "\r" if console.is_terminal else "\n"
            console.print(f"{name}: {done} of {total}, {lost} lost, {told - begun:.0f} s", end=ends)
    console.print()


def table(found: Sequence[Trial]) -> Table:
    """Fault, times tried, survived, lost."""
    shown = Table("fault")
    for heading in ("tried", "survived", "lost"):
        shown.add_column(heading, justify="right")
    tried, survived = (Counter(one.fault for one in part) for part in (found, [one for one in found if one.survived]))
    for fault, many in tried.items():
        shown.add_row(fault, str(many), str(survived[fault]), str(many - survived[fault]))
    shown.add_section()
    whole, well = tried.total(), survived.total()
    shown.add_row("all", str(whole), str(well), str(whole - well))
    return shown


if __name__ == "__main__":
    sys.exit(main())
