"""The verbs about a cluster's queue: how what was submitted stands, and ending it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from repro.errors import UsageError
from repro.verbs.options import shared

if TYPE_CHECKING:
    from repro.plan.needs import Needs
    from repro.plan.outline import Plan
    from repro.store import Store


@click.command()
@shared("results", "json")
def status(results: Path, as_json: bool) -> None:
    """What was submitted to SLURM from this results folder: waiting, running, done, failed with the log's tail."""
    from repro.render import queue, terminal
    from repro.run.slurm import orders, scheduler, survey
    from repro.store import Store

    store, note = Store(results), ""
    store.check()
    entries: dict[Any, scheduler.Entry] = {}
    try:
        entries = scheduler.queue() if orders.root(store).is_dir() else {}  # nothing of ours can be there without
    except scheduler.SchedulerError as error:
        note = str(error)
    found = survey.survey(store, entries)
    if as_json:
        terminal.json(queue.document(found, note))
    else:
        queue.status(found, note)


@click.command()
@shared("results")
def cancel(results: Path) -> None:
    """End every job of this results folder that waits or runs on SLURM; nothing finished is lost."""
    from repro.render import terminal
    from repro.run.slurm import orders, scheduler, survey
    from repro.store import Store

    store = Store(results)
    store.check()
    entries = scheduler.queue()
    found = survey.live(store, entries)
    for folder in found:
        orders.cancel(folder)  # before: a task that is told to stop must not go back into the queue
    if found:
        scheduler.cancel(sorted(found.values(), key=int))
    tasks = sum(array in found.values() for array, _ in entries)
    terminal.line(
        f"{tasks} task{'' if tasks == 1 else 's'} of {len(found)} array{'' if len(found) == 1 else 's'} ended"
    )


def check_device(plan: Plan, typed: str | None) -> None:
    """See that somebody said where the nodes compute; raises `UsageError` otherwise."""
    if (typed or plan.profile.device) == "auto":
        raise UsageError(
            "--executor slurm: the device auto is that of this machine, not of the nodes; say --device cuda or "
            "--device cpu"
        )


def scripts(plan: Plan, found: Needs, store: Store) -> list[str]:
    """The scripts that `repro run --executor slurm` would hand to sbatch."""
    from repro.run.slurm import orders, sbatch
    from repro.spec import load

    return sbatch.preview(load.slurm(), found.todo, plan.jobs, orders.root(store))
