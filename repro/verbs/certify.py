"""The verbs of a certificate: certify, verify."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from repro.errors import UsageError
from repro.verbs import completion
from repro.verbs.options import PLANNED, shared
from repro.verbs.planning import Typed, planned

if TYPE_CHECKING:
    from repro.judge.certificate.grounds import Now
    from repro.judge.certificate.layout import Certificate
    from repro.store import Store

_ITS_OWN = ("rows", "columns", "seeds", "limit", "device", "source", "weights", "classifier", "named")
"""What a certificate says itself."""


@click.command()
@click.argument("tables", metavar="TABLE...", nargs=-1, required=True, shell_complete=completion.tables)
@shared(*PLANNED)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="File to write.",
)
@click.option("--partial", is_flag=True, help="Also where results are missing; the certificate says which.")
def certify(tables: tuple[str, ...], output: Path, partial: bool, **typed: Any) -> None:
    """Write down what was measured, from which files, and every verdict, so that others can verify it."""
    from repro.judge import policy
    from repro.judge.certificate import composition, reading, verification
    from repro.judge.certificate.grounds import Now
    from repro.leftovers import write
    from repro.render import certificate as render

    began = time.perf_counter()
    asked = [planned(table, Typed(**typed)) for table in dict.fromkeys(tables)]
    specs, _, store = asked[0]
    plans = [plan for _, plan, _ in asked]
    held = composition.compose(specs.tables, plans, store, package=_package(), is_partial=partial)
    text = composition.text(held)
    certificate, document = reading.parse(text, str(output))
    now = Now(specs.tables, plans[0].profile, "", policy.of(plans[0].profile), plans[0].options.data)
    found = verification.verify(certificate, document, store, now=now)
    if found.disagreements:
        render.refused(found)
        sys.exit(found.exit_code)
    write(output, text, option="--output")
    seconds = time.perf_counter() - began
    render.written(certificate, found, output, len(text.encode()), seconds=seconds, typed=_again(output, typed))


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--profile",
    default=None,
    shell_complete=completion.profiles,
    help="Where the certificate's profile is not one of that name here: its .toml file.",
)
@shared("results", "data", "json")
def verify(file: Path, profile: str | None, results: Path, data: Sequence[str], as_json: bool) -> None:
    """Compute every number and verdict of a certificate FILE again: exit 0 agrees, 1 not, 2 usage, 4 missing."""
    from repro.judge.certificate import reading, verification
    from repro.render import certificate as render
    from repro.render import terminal
    from repro.store import Store

    began = time.perf_counter()
    certificate, document = reading.read(file)
    store = Store(results)
    store.check()
    found = verification.verify(certificate, document, store, now=_now(certificate, profile, data, store))
    seconds = time.perf_counter() - began
    if as_json:
        terminal.json(render.document(found, file=file, results=results, seconds=seconds))
    else:
        render.show(certificate, found, file=file, results=results, seconds=seconds)
    sys.exit(found.exit_code)


def _again(output: Path, asked: Mapping[str, Any]) -> str:
    """The options of `certify` that `verify` has to be told too."""
    from repro.plan import typed

    profile = asked["profile"] if asked["profile"].endswith(".toml") else ""
    return typed.again(shlex.quote(str(output)), {**asked, "profile": profile, **dict.fromkeys(_ITS_OWN)})


def _now(certificate: Certificate, profile: str | None, data: Sequence[str], store: Store) -> Now:
    """The specs and the profile of today, and the user's own folders."""
    from repro.judge import policy
    from repro.judge.certificate.grounds import Now
    from repro.plan import code, typed
    from repro.spec import load, locations

    code.recall(store.sources)
    specs = load.specs()
    try:
        means = load.profile(profile or certificate.profile.id)
    except UsageError as error:
        if profile is not None:
            raise
        return Now(specs.tables, None, str(error), policy.STANDARD, {})
    here = {name: folder for name, folder in locations.load(means.data).data.items() if name in means.data}
    named = typed.folders(data, list(means.data), profile=means.id)
    return Now(specs.tables, means, "", policy.of(means), {**here, **named})


def _package() -> str | None:
    """The version of this program, where it is installed."""
    from importlib import metadata

    try:
        return metadata.version("repro-ns")
    except metadata.PackageNotFoundError:
        return None
