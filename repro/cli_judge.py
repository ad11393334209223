"""The verbs that judge and run nothing: check, export, audit, diff."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from repro import completion
from repro.cli_plan import Typed, planned
from repro.errors import StoreError
from repro.options import PLANNED, shared

FAILING = {"differs": 1, "incomplete": 3, "missing": 4}  # what a check can fail on -> its exit code


def _failing(_: click.Context, parameter: click.Parameter, typed: str) -> frozenset[int]:
    words = [word.strip() for word in typed.split(",") if word.strip()]
    for word in words:
        if word not in (*FAILING, "nothing"):
            raise click.BadParameter(f'expected some of {", ".join(FAILING)}, or nothing, found "{word}"')
    return frozenset(FAILING[word] for word in words if word in FAILING)


@click.command()
@click.argument("table", shell_complete=completion.tables)
@shared(*PLANNED, "json")
@click.option(
    "--fail-on",
    default=",".join(FAILING),
    show_default=True,
    callback=_failing,
    help="Outcomes with an exit code of their own; all others end with 0. Or: nothing.",
)
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), help="Also write JUnit's XML to this file.")
@click.option("--github", is_flag=True, help="Also mark what failed in a GitHub workflow, with a summary on its page.")
@click.option(
    "--badge", type=click.Path(path_type=Path, dir_okay=False), help="Also draw a badge: .svg, or .json for shields.io."
)
def check(
    table: str,
    as_json: bool,
    fail_on: frozenset[int],
    junit: Path | None,
    github: bool,
    badge: Path | None,
    **typed: Any,
) -> None:
    """Judge what is there and run nothing: exit 0 fine, 1 differs, 2 usage, 3 incomplete, 4 data missing."""
    from repro.files import write_whole
    from repro.judge.board import FINE, assemble
    from repro.render import ci, documents, terminal

    specs, plan, store = planned(table, Typed(**typed))
    board = assemble(specs.tables, plan, store)
    code, reason = board.outcome()
    end = code if code in fail_on else FINE
    if junit:
        write_whole(junit, ci.junit(board), option="--junit")
    if badge:
        write_whole(badge, ci.badge(badge, board, code), option="--badge")
    if as_json:
        terminal.json(documents.check(board, code, reason))
    else:
        terminal.board(board)
        terminal.line(f"check {table}: {reason} (exit {end})")
    if github:
        _tell_github(ci.summary(board, code, reason), list(ci.marked(board)), err=as_json)
    sys.exit(end)


def _tell_github(summary: str, marked: list[str], *, err: bool) -> None:
    """Annotations go to standard output, or where that is JSON to the other; the summary where its variable says."""
    for line in marked:
        click.echo(line, err=err)
    place = os.environ.get("GITHUB_STEP_SUMMARY")
    if not place:
        click.echo("repro: --github: GITHUB_STEP_SUMMARY is not set, so the summary is left out", err=True)
        return
    try:
        with Path(place).open("a", encoding="utf-8") as page:
            page.write(summary)
    except OSError as error:
        raise StoreError(f"--github: {place}, named by GITHUB_STEP_SUMMARY: {error.strerror}") from error


@click.command()
@click.argument("table", shell_complete=completion.tables)
@shared(*PLANNED)
@click.option(
    "--format", "form", type=click.Choice(["latex", "markdown", "csv", "json"]), default="markdown", show_default=True
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write; the terminal where left out.",
)
def export(table: str, form: str, output: Path | None, **typed: Any) -> None:
    """The comparison as LaTeX, Markdown, CSV or JSON."""
    from repro.files import write_whole
    from repro.judge.board import assemble
    from repro.render import documents, latex, markup, terminal

    specs, plan, store = planned(table, Typed(**typed))
    board = assemble(specs.tables, plan, store)
    if form == "json":
        text = documents.text(documents.check(board, *board.outcome()))
    else:
        text = {"latex": latex.table, "markdown": markup.markdown, "csv": markup.csv}[form](board)
    if output:
        write_whole(output, text, option="--output")
    else:
        terminal.raw(text)


@click.command("audit")
@click.argument("table", required=False, shell_complete=completion.tables)
@shared("json")
def audit(table: str | None, as_json: bool) -> None:
    """The paper against itself: its text, tables, README and code, with the arithmetic; of one TABLE or of all."""
    from repro.judge import audit as judge
    from repro.render import audit as render
    from repro.render import terminal
    from repro.spec import load

    specs = load.specs()
    found = judge.audit(specs.tables, only=specs.table(table).id if table else None)
    if as_json:
        terminal.json(render.document(found))
    else:
        render.show(found, specs.tables)


@click.command()
@click.argument("first")
@click.argument("second")
@shared("json")
def diff(first: str, second: str, as_json: bool) -> None:
    """Two results folders, or two rows (FOLDER:ROW), image by image: who is right where, and is it more than chance."""
    from repro.judge import paired as judge
    from repro.lab import evaluation
    from repro.render import paired as render
    from repro.render import terminal

    sides = judge.side(first), judge.side(second)
    found = judge.pairs(*sides, read=evaluation.read)
    for words in dict.fromkeys(words for side in sides for words in side.store.damaged.values()):
        click.echo(f"repro: {words}", err=True)
    if as_json:
        terminal.json(render.document(found, first=first, second=second))
    else:
        render.show(found, first=first, second=second)
