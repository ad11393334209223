"""The verb that does the work, and what it shares with `figure`: from what was typed to a judged table."""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from repro import cli_slurm, completion
from repro.cli_plan import Typed, absent, planned, settle
from repro.errors import DataMissing, Interrupted, UsageError
from repro.options import PLANNED, shared

if TYPE_CHECKING:
    from repro.plan.expand import Plan
    from repro.plan.needs import Needs
    from repro.render.progress import Display
    from repro.run.local import Local, Summary
    from repro.run.slurm import Slurm
    from repro.spec.checkpoint import Checkpoint
    from repro.spec.load import Specs
    from repro.store import Store

INCOMPLETE = 3  # exit code where something failed
STOPPED = {
    "local": "stopped; nothing finished is lost, the same command goes on from here",
    "slurm": "no longer watching; what is in the queue goes on, and the same command watches it again "
    "(repro status shows it, repro cancel ends it)",
}


@dataclass(frozen=True)
class Done:
    """What was asked for, and how doing it went."""

    specs: Specs
    plan: Plan
    store: Store
    summary: Summary


@dataclass(frozen=True)
class Means:
    """How jobs are done, of what the command line says."""

    workers: int
    silence: float  # seconds
    executor: str


@click.command()
@click.argument("table", shell_complete=completion.tables)
@shared(*PLANNED, "workers", "executor", "silence")
def run(table: str, workers: int | None, executor: str, silence: float, **typed: Any) -> None:
    """Do what is missing, then print ours beside theirs and the claims with their verdicts."""
    from repro.judge.board import assemble
    from repro.plan.typed import again
    from repro.render import terminal

    done = carry_out(table, Typed(**typed), workers=workers, executor=executor, silence=60 * silence)
    board = assemble(done.specs.tables, done.plan, done.store)
    terminal.board(board)
    if not done.plan.cells:
        raise DataMissing(board.outcome()[1])
    terminal.closing(board, done.store, again(table, typed))
    if board.failed or done.summary.failed:
        sys.exit(INCOMPLETE)


def carry_out(table: str, typed: Typed, *, workers: int | None, executor: str, silence: float) -> Done:
    """Do what a table or figure still needs; raises `Interrupted` where a signal stopped it."""
    from repro.judge import rules
    from repro.plan import code
    from repro.plan.expand import has_card
    from repro.plan.needs import needs
    from repro.render import terminal
    from repro.run.local import Summary
    from repro.spec import locations

    specs, plan, store = planned(table, typed)
    if executor == "slurm":
        cli_slurm.check_device(plan, typed.device)
    away = absent(specs, plan)
    if away:
        _fetch(away, locations.load(plan.profile.data).weights)
        specs, plan, store = planned(table, typed)
    if executor == "local" and plan.options.device == "cuda" and not has_card():
        raise UsageError("--device cuda: this machine shows no graphics card; --device cpu does without")
    store.prepare()
    code.remember(store.sources)
    settle(plan, store)
    rules.note(plan, store)
    found = needs(plan, store)
    count = workers or plan.profile.workers
    damaged = [store.damaged[job] for job in found.todo if job in store.damaged]
    terminal.opening(plan, found, workers=count, executor=executor, damaged=damaged)
    means = Means(count, silence, executor)
    summary = _do(plan, found, store, means) if found.todo else Summary()
    if summary.stopped:
        raise Interrupted(STOPPED[executor])
    return Done(specs, plan, store, summary)


def _fetch(away: Mapping[str, Checkpoint], folder: Path) -> None:
    """Bring published weights here; a row whose file does not come says so in its cells, the rest goes on."""
    import os

    from repro.cli_checkpoints import bring
    from repro.fetch.weights import Asked
    from repro.render import terminal

    try:
        bring(list(away.values()), folder, Asked(mirror=os.environ.get("REPRO_MIRROR")))
    except DataMissing as error:
        terminal.command(f"✗ {error}", "red")


def _do(plan: Plan, found: Needs, store: Store, means: Means) -> Summary:
    """Run the jobs that are to do and say how it went; a signal stops them so that they can be gone on with."""
    from repro.render import terminal
    from repro.render.progress import Display

    gc.freeze()  # the plan stays to the end
    gc.enable()
    display = Display(terminal.console(), found.todo, plan.profile, means.workers)
    try:
        hands = _hands(plan, store, display, means)
    except BaseException:
        display.close()
        raise
    stops = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, lambda *_: hands.ask_to_stop()) for number in stops]
    try:
        summary = hands.run(found.todo, plan.jobs)
    finally:
        display.close()
        for number, handler in zip(stops, before, strict=True):
            signal.signal(number, handler)
    terminal.summary(summary, plan, store)
    return summary


def _hands(plan: Plan, store: Store, display: Display, means: Means) -> Local | Slurm:
    """Who does the jobs: processes of this machine, or a cluster."""
    profile = plan.profile
    if means.executor == "slurm":
        from repro.run.slurm import Slurm
        from repro.spec import load

        each = {"loaders": profile.loaders, "processes": profile.processes}
        order = {"threads": profile.threads, "silence": means.silence, **each}
        return Slurm(store, cluster=load.slurm(), means=order, observer=display)
    from repro.plan.expand import processes
    from repro.run.local import Local

    return Local(
        store,
        workers=means.workers,
        threads=profile.threads,
        observer=display,
        loaders=profile.loaders,
        processes=processes(profile, plan.options.device),
        silence=means.silence,
    )
