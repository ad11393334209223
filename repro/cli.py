"""The verbs: parses what a person typed, calls, prints. Heavy imports wait until a verb needs them."""

from __future__ import annotations

import errno
import gc
import io
import sys
from pathlib import Path
from typing import Any

import click

from repro import completion
from repro.cli_certify import certify, verify
from repro.cli_checkpoints import checkpoints
from repro.cli_data import data
from repro.cli_figure import figure
from repro.cli_judge import audit, check, diff, export
from repro.cli_plan import Typed, planned
from repro.cli_report import report
from repro.cli_run import run
from repro.cli_slurm import cancel, status
from repro.errors import Interrupted, ReproError, SpecError
from repro.options import PLANNED, shared
from repro.render.printable import printable

FINE, USAGE = 0, 2  # exit codes; those of verdicts are in repro/judge/board.py, of errors with each error


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
@shared(*PLANNED, "executor", "json")
def plan_(table: str, executor: str, as_json: bool, **typed: Any) -> None:
    """What would run, why, what it costs and what is missing; runs nothing."""
    from repro.cli_slurm import check_device, scripts
    from repro.plan.cost import tariff
    from repro.plan.needs import needs
    from repro.render import documents, forecast, queue, terminal

    _, plan, store = planned(table, Typed(**typed))
    if executor == "slurm":
        check_device(plan, typed["device"])
    found = needs(plan, store)
    costs = tariff(plan, found)
    sent = scripts(plan, found, store) if executor == "slurm" else []
    if as_json:
        terminal.json({**documents.plan(plan, found, costs), **({"sbatch": sent} if sent else {})})
    else:
        forecast.plan(plan, found, costs)
        queue.scripts(sent)


@cli.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion_(shell: str) -> None:
    """What makes a shell offer names at Tab: eval "$(repro completion bash)" in ~/.bashrc; fish: ... | source."""
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(cli, {}, "repro", "_REPRO_COMPLETE").source())


cli.add_command(run)
cli.add_command(figure)
cli.add_command(check)
cli.add_command(export)
cli.add_command(audit)
cli.add_command(diff)
cli.add_command(certify)
cli.add_command(verify)
cli.add_command(report)
cli.add_command(status)
cli.add_command(cancel)
cli.add_command(data)
cli.add_command(checkpoints)


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
        shown = io.StringIO()
        error.show(shown)
        click.echo(printable(shown.getvalue()), nl=False, err=True)
        return USAGE
    except ReproError as error:
        faults = error.faults if isinstance(error, SpecError) else [str(error)]
        click.echo("repro: " + "\n".join(printable(" ".join(fault.splitlines())) for fault in faults), err=True)
        return error.exit_code
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        name = printable(" ".join(str(error.filename).split()))
        told = f"a name of {len(name)} letters is too long for a file; give another"
        click.echo(f"repro: {name[:60]}...: {told}", err=True)
        return USAGE
    return FINE


if __name__ == "__main__":
    sys.exit(main())
