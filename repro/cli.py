"""The verbs: parses what a person typed, calls, prints. Heavy imports wait until a verb needs them."""

from __future__ import annotations

import errno
import gc
import io
import sys

import click

from repro.errors import Interrupted, ReproError, SpecError
from repro.render.printable import printable
from repro.verbs.certify import certify, verify
from repro.verbs.checkpoints import checkpoints
from repro.verbs.data import data
from repro.verbs.figure import figure
from repro.verbs.judge import audit, check, diff, export
from repro.verbs.listing import list_, plan_, show
from repro.verbs.report import report
from repro.verbs.run import run
from repro.verbs.slurm import cancel, status

FINE, USAGE = 0, 2  # exit codes; those of verdicts are in repro/judge/board.py, of errors with each error


def _version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from importlib import metadata

        try:
            click.echo(f"repro {metadata.version('repro-ns')}")
        except metadata.PackageNotFoundError:
            click.echo("repro, from a checkout that is not installed")
        context.exit()


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Say which one.")
def cli() -> None:
    """Put the paper 'Robust Contrastive Learning Using Negative Samples with Diminished Semantics' to the test."""


@cli.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion_(shell: str) -> None:
    """What makes a shell offer names at Tab: eval "$(repro completion bash)" in ~/.bashrc; fish: ... | source."""
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(cli, {}, "repro", "_REPRO_COMPLETE").source())


cli.add_command(list_)
cli.add_command(show)
cli.add_command(plan_)
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
