"""Folders of arrays that nobody needs any more, and their end."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from repro.run.slurm import orders, survey
from repro.run.slurm.arrays import Place
from repro.run.slurm.scheduler import Entry
from repro.store import Store

KEPT = 7 * 86_400.0  # seconds that a folder is kept of whose tasks some told no end


def sweep(store: Store, entries: Mapping[Place, Entry]) -> None:
    """Remove the folders of arrays whose jobs all have records, once no array of this results folder is in the queue.

    A task that told no end may be in a queue that was not seen; its array is kept for a week. What did not come to a
    record stays, with what it printed.
    """
    if survey.live(store, entries):
        return
    for left in orders.root(store).glob(f"{orders.AWAY}*"):  # by a run that was ended meanwhile
        shutil.rmtree(left, ignore_errors=True)
    for folder, tasks in orders.listed(store):
        is_done = all(store.has(job.id) for jobs in tasks.values() for job in jobs)
        if is_done and (_are_over(folder, tasks) or time.time() - _touched(folder) > KEPT):
            orders.discard(folder)


def _are_over(folder: Path, tasks: Iterable[int]) -> bool:
    return all(orders.is_over(folder, number) for number in tasks)


def _touched(folder: Path) -> float:
    """When something was last written in a folder."""
    return max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
