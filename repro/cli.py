"""The verbs: parses what a person typed, calls, prints. Heavy imports wait until a verb needs them."""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from repro import completion
from repro.cli_checkpoints import checkpoints
from repro.cli_data import data
from repro.cli_judge import audit, check, diff, export
from repro.cli_plan import Typed, absent, planned, settle
from repro.errors import DataMissing, Interrupted, ReproError, UsageError
from repro.options import PLANNED, shared
from repro.render.printable import printable

if TYPE_CHECKING:
    from repro.plan.expand import Plan
    from repro.plan.needs import Needs
    from repro.run.local import Summary
    from repro.spec.checkpoint import Checkpoint
    from repro.spec.load import Specs
    from repro.store import Store

FINE, DIFFERS, USAGE, INCOMPLETE, DATA_MISSING = 0, 1, 2, 3, 4  # exit codes


def _version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    from importlib import metadata

    if wanted:
        try:
            click.echo(f"repro {metadata.version('repro-ns')}")
        except metadata.PackageNotFoundError:
            click.echo("repro, from a checkout that is not installed")
        context.exit()


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Say which one.")
def cli() -> None:
    """Put the paper 'Robust Contrastive Learning Using Negative Samples with Diminished Semantics' to the test."""


@cli.command("list")
@shared("profile", "results", "json")
def list_(profile: str, results: Path, as_json: bool) -> None:
    """Every table and figure, with how far each is."""
    from repro.plan import code, expand
    from repro.render import documents, terminal
    from repro.spec import load
    from repro.store import Store

    specs, means, store = load.specs(), load.profile(profile), Store(results)
    store.check()
    code.recall(store.sources)
    untouched = store.is_untouched()
    options = expand.Options(seeds=means.seeds, device=expand.device(means.device), counting=untouched)
    rows = []
    for table in specs.tables.values():
        plan = expand.expand(specs.tables, table, means, options)
        units = [job for seeds in plan.cells.values() for job in seeds.values()]
        rows.append(
            documents.progress(plan, done=0 if untouched else sum(store.has(job) for job in units), units=len(units))
        )
    if as_json:
        terminal.json(documents.listing(means, rows))
    else:
        terminal.listing(means, rows)


@cli.command()
@click.argument("table", shell_complete=completion.tables)
@shared("json")
def show(table: str, as_json: bool) -> None:
    """What the paper reports, with its claims and with notes on what does not fit."""
    from repro.render import documents, terminal
    from repro.spec import load

    specs = load.specs()
    if as_json:
        terminal.json(documents.table(specs.table(table)))
    else:
        terminal.reported(specs.table(table))


@cli.command("plan")
@click.argument("table", shell_complete=completion.tables)
@shared(*PLANNED, "json")
def plan_(table: str, as_json: bool, **typed: Any) -> None:
    """What would run, why, what it costs and what is missing; runs nothing."""
    from repro.plan.cost import tariff
    from repro.plan.needs import needs
    from repro.render import documents, forecast, terminal

    _, plan, store = _planned(table, **typed)
    found = needs(plan, store)
    costs = tariff(plan, found, store)
    if as_json:
        terminal.json(documents.plan(plan, found, costs))
    else:
        forecast.plan(plan, found, costs)


@cli.command()
@click.argument("table", shell_complete=completion.tables)
@shared(*PLANNED)
@click.option("--workers", type=click.IntRange(min=1), help="Worker processes; the profile's number where left out.")
def run(table: str, workers: int | None, **typed: Any) -> None:
    """Do what is missing, then print ours beside theirs and the claims with their verdicts."""
    gc.enable()
    from repro.judge import rules
    from repro.judge.board import assemble
    from repro.plan import code
    from repro.plan.expand import has_card
    from repro.plan.needs import needs
    from repro.plan.typed import again
    from repro.render import terminal
    from repro.run.local import Summary
    from repro.spec import locations

    specs, plan, store = _planned(table, **typed)
    away = absent(specs, plan)
    if away:
        _fetch(away, locations.load(plan.profile.data).weights)
        specs, plan, store = _planned(table, **typed)
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
    board = assemble(specs.tables, plan, store)
    terminal.board(board)
    if not plan.cells:
        raise DataMissing(board.outcome()[1])
    terminal.closing(board, store, again(table, typed))
    if board.failed or summary.failed:
        sys.exit(INCOMPLETE)


@cli.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion_(shell: str) -> None:
    """What makes a shell offer names at Tab: eval "$(repro completion bash)" in ~/.bashrc; fish: ... | source."""
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(cli, {}, "repro", "_REPRO_COMPLETE").source())


cli.add_command(check)
cli.add_command(export)
cli.add_command(audit)
cli.add_command(diff)
cli.add_command(data)
cli.add_command(checkpoints)


def _planned(table: str, **typed: Any) -> tuple[Specs, Plan, Store]:
    return planned(table, Typed(**typed))


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


def main() -> int:
    """Run the command line; every error a person can cause is a sentence on standard error and an exit code."""
    gc.disable()  # most verbs live a quarter of a second and leave nothing to collect; `run` turns it on again
    try:
        cli(standalone_mode=False, prog_name="repro")
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return FINE
    except click.exceptions.Abort:
        click.echo("repro: stopped", err=True)
        return Interrupted.exit_code
    except click.ClickException as error:
        error.show()
        return USAGE
    except ReproError as error:
        click.echo(f"repro: {printable(str(error))}", err=True)
        return error.exit_code
    return FINE


if __name__ == "__main__":
    sys.exit(main())
