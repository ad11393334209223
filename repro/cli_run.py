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

from repro import completion
from repro.cli_plan import Typed, absent, planned, settle
from repro.errors import DataMissing, Interrupted, UsageError
from repro.options import PLANNED, shared

if TYPE_CHECKING:
    from repro.plan.expand import Plan
    from repro.plan.needs import Needs
    from repro.run.local import Summary
    from repro.spec.checkpoint import Checkpoint
    from repro.spec.load import Specs
    from repro.store import Store

INCOMPLETE = 3  # exit code where something failed


@dataclass(frozen=True)
class Done:
    """What was asked for, and how doing it went."""

    specs: Specs
    plan: Plan
    store: Store
    summary: Summary


@click.command()
@click.argument("table", shell_complete=completion.tables)
@shared(*PLANNED, "workers")
def run(table: str, workers: int | None, **typed: Any) -> None:
    """Do what is missing, then print ours beside theirs and the claims with their verdicts."""
    from repro.judge.board import assemble
    from repro.plan.typed import again
    from repro.render import terminal

    done = carry_out(table, Typed(**typed), workers=workers)
    board = assemble(done.specs.tables, done.plan, done.store)
    terminal.board(board)
    if not done.plan.cells:
        raise DataMissing(board.outcome()[1])
    terminal.closing(board, done.store, again(table, typed))
    if board.failed or done.summary.failed:
        sys.exit(INCOMPLETE)


def carry_out(table: str, typed: Typed, *, workers: int | None) -> Done:
    """Do what a table or figure still needs; raises `Interrupted` where a signal stopped it."""
    from repro.judge import rules
    from repro.plan import code
    from repro.plan.expand import has_card
    from repro.plan.needs import needs
    from repro.render import terminal
    from repro.run.local import Summary
    from repro.spec import locations

    specs, plan, store = planned(table, typed)
    away = absent(specs, plan)
    if away:
        _fetch(away, locations.load(plan.profile.data).weights)
        specs, plan, store = planned(table, typed)
    if plan.options.device == "cuda" and not has_card():
        raise UsageError("--device cuda: this machine shows no graphics card; --device cpu does without")
    store.prepare()
    code.remember(store.sources)
    settle(plan, store)
    rules.note(plan, store)
    found = needs(plan, store)
    count = workers or plan.profile.workers
    terminal.opening(
        plan, found, workers=count, damaged=[store.damaged[job] for job in found.todo if job in store.damaged]
    )
    summary = _do(plan, found, store, workers=count) if found.todo else Summary()
    if summary.stopped:
        raise Interrupted("stopped; nothing finished is lost, the same command goes on from here")
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


def _do(plan: Plan, found: Needs, store: Store, *, workers: int) -> Summary:
    """Run the jobs that are to do and say how it went; a signal stops them so that they can be gone on with."""
    from repro.plan.expand import processes
    from repro.render import terminal
    from repro.render.progress import Display
    from repro.run.local import Local

    gc.freeze()  # the plan stays to the end
    gc.enable()
    display = Display(terminal.console(), found.todo, plan.profile, workers)
    means = plan.profile
    how = {"threads": means.threads, "loaders": means.loaders, "processes": processes(means, plan.options.device)}
    local = Local(store, workers=workers, observer=display, **how)
    stops = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, lambda *_: local.ask_to_stop()) for number in stops]
    try:
        summary = local.run(found.todo, plan.jobs)
    finally:
        display.close()
        for number, handler in zip(stops, before, strict=True):
            signal.signal(number, handler)
    terminal.summary(summary, plan, store)
    return summary
