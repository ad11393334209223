"""What `repro status` and `repro plan --executor slurm` print of a cluster's queue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from repro.render.outlet import command, console, hanging, line, raw
from repro.render.printable import printable
from repro.render.terminal import ruled
from repro.run.slurm.survey import STATES, State

SCHEMA = 1
SHOWN = 20  # jobs that failed or are gone, with the ends of their logs


def status(found: Sequence[State], note: str) -> None:
    """A row for each kind of job, then what runs, what waits and why, and what failed with the end of its log."""
    if note:
        command(f"the queue is not known, so that what waits or runs counts as gone: {note}", "yellow")
    if not found:
        line("nothing was submitted to SLURM from this results folder")
        return
    kinds = list(dict.fromkeys(one.job.kind for one in found))
    grid = ruled("job", *STATES)
    for kind in kinds:
        counts = Counter(one.state for one in found if one.job.kind == kind)
        grid.add_row(kind, *(str(counts[state]) for state in STATES))
    console().print(grid)
    for one in _of(found, "running"):
        hanging(f"▸ {one.job.label} ({_place(one)}): {printable(one.detail)}")
    reasons = Counter(one.detail for one in _of(found, "waiting"))
    for reason, count in reasons.items():
        hanging(f"… {count} waiting: {printable(reason)}", style="dim")
    bad = [*_of(found, "failed"), *_of(found, "gone")]
    for one in bad[:SHOWN]:
        command(f"✗ {one.job.label} ({_place(one)}), {one.state}: {one.detail} (log: {one.log})", "red")
        for text in one.tail:
            hanging(f"    {printable(text)}", style="dim")
    if len(bad) > SHOWN:
        command(f"✗ and {len(bad) - SHOWN} more; repro status --json has all", "red")


def document(found: Sequence[State], note: str) -> dict[str, Any]:
    """The same as JSON."""
    return {
        "schema": SCHEMA,
        "note": note,
        "jobs": [
            {
                "id": one.job.id,
                "kind": one.job.kind,
                "label": one.job.label,
                "slurm": _place(one),
                "state": one.state,
                "detail": one.detail,
                "log": str(one.log) if one.log else None,
                "tail": list(one.tail),
            }
            for one in found
        ],
    }


def scripts(texts: Sequence[str]) -> None:
    """The scripts that would be handed to sbatch, one after the other."""
    for text in texts:
        raw(text)


def _of(found: Sequence[State], state: str) -> list[State]:
    return [one for one in found if one.state == state]


def _place(one: State) -> str:
    return f"SLURM job {one.place[0]}_{one.place[1]}" if one.place[0] else "not submitted"
