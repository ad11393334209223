"""The verbs that judge and run nothing: check, export, audit, diff."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from repro.errors import StoreError
from repro.verbs import completion
from repro.verbs.options import PLANNED, shared
from repro.verbs.planning import Typed, planned

if TYPE_CHECKING:
    from repro.judge.board import Board
    from repro.judge.matching import Side
    from repro.plan.expand import Plan
    from repro.store import Store

FAILING = ("differs", "unexpected", "incomplete", "missing")  # what a check can fail on


def _failing(_: click.Context, parameter: click.Parameter, typed: str) -> frozenset[str]:
    words = [word.strip() for word in typed.split(",") if word.strip()]
    for word in words:
        if word not in (*FAILING, "nothing"):
            raise click.BadParameter(f'expected some of {", ".join(FAILING)}, or nothing, found "{word}"')
    return frozenset(word for word in words if word in FAILING)


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
    fail_on: frozenset[str],
    junit: Path | None,
    github: bool,
    badge: Path | None,
    **typed: Any,
) -> None:
    """Judge what is there and run nothing: exit 0 fine, 1 differs, 2 usage, 3 incomplete, 4 data missing."""
    from repro.judge.board import CODES, FINE, assemble
    from repro.leftovers import write
    from repro.render import ci, documents, terminal

    specs, plan, store = planned(table, Typed(**typed))
    board = assemble(specs.tables, plan, store)
    code, reason = board.outcome()
    end = next((CODES[kind] for kind in board.findings() if kind in fail_on), FINE)
    if junit:
        write(junit, ci.junit(board), option="--junit")
    if badge:
        write(badge, ci.badge(badge, board, code), option="--badge")
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
@click.argument("table", required=False, shell_complete=completion.tables)
@shared(*PLANNED)
@click.option(
    "--format",
    "form",
    type=click.Choice(["latex", "macros", "markdown", "csv", "json", "expected"]),
    default="markdown",
    show_default=True,
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write; the terminal where left out.",
)
@click.pass_context
def export(context: click.Context, /, table: str | None, form: str, output: Path | None, **typed: Any) -> None:
    """The comparison as LaTeX, Markdown, CSV or JSON; macros for LaTeX, of every table where TABLE is left out.

    `expected` writes our numbers as what the profile is expected to give.
    """
    from repro.judge.board import assemble
    from repro.leftovers import write
    from repro.plan.typed import again
    from repro.render import documents, markup, terminal
    from repro.render.latex import document as latex

    if form == "macros":
        text = _macros(table, output, typed)
    elif table is None:
        told = "Only --format macros does without, and then writes those of every table."
        raise click.MissingParameter(told, ctx=context, param_hint="'TABLE'", param_type="argument")
    else:
        specs, plan, store = planned(table, Typed(**typed))
        board = assemble(specs.tables, plan, store)
        if form == "expected":
            text = _expected(board, plan, store, f"repro run {again(table, {**typed, 'results': None})}")
        elif form == "json":
            text = documents.text(documents.check(board, *board.outcome()))
        else:
            text = {"latex": latex.table, "markdown": markup.markdown, "csv": markup.csv}[form](board)
    if output:
        write(output, text, option="--output")
    else:
        terminal.raw(text)


def _expected(board: Board, plan: Plan, store: Store, command: str) -> str:
    """A part of `profiles/expected/<profile>.toml`."""
    from repro.judge.expected import machines
    from repro.render import expected

    return expected.toml(board, command=command, machines=machines(plan, store))


def _macros(table: str | None, output: Path | None, typed: Mapping[str, Any]) -> str:
    """Numbers for the text of a paper, of one table or of all; the results are where the file will be read from."""
    from repro.judge.board import assemble
    from repro.judge.evidence import gather
    from repro.plan.typed import again
    from repro.render.latex import macros
    from repro.spec import load

    found = []
    for name in [table] if table else load.specs().tables:
        specs, plan, store = planned(name, Typed(**typed))
        evidence = gather(plan, store)  # first, so that what comes in between shows as a change
        found.append((assemble(specs.tables, plan, store), evidence))
    written = f" -o {shlex.quote(str(output))}" if output else ""
    command = f"repro export {again(table or '', typed)}".rstrip() + f" --format macros{written}"
    here = output.parent.resolve() if output else Path.cwd()
    return macros.document(found, results=os.path.relpath(typed["results"].resolve(), here), command=command)


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
@click.option("--regression", is_flag=True, help="Of the same weights only: exit 1 where a metric moved.")
@shared("json")
def diff(first: str, second: str, regression: bool, as_json: bool) -> None:
    """Two results folders, or two rows (FOLDER:ROW), image by image: who is right where, and is it more than chance."""
    from repro.judge.matching import side
    from repro.render import terminal

    sides = side(first), side(second)
    document, code = _regressed(*sides, as_json) if regression else _differing(*sides, as_json)
    for words in dict.fromkeys(words for each in sides for words in each.store.damaged.values()):
        click.echo(f"repro: {words}", err=True)
    if as_json:
        terminal.json(document)
    sys.exit(code)


def _differing(first: Side, second: Side, is_silent: bool) -> tuple[dict[str, Any], int]:
    from repro.judge import paired as judge
    from repro.lab import evaluation
    from repro.render import paired as render

    found, names = judge.pairs(first, second, read=evaluation.read), {"first": str(first), "second": str(second)}
    if not is_silent:
        render.show(found, **names)
    return render.document(found, **names), 0


def _regressed(first: Side, second: Side, is_silent: bool) -> tuple[dict[str, Any], int]:
    from repro.judge import regression as judge
    from repro.lab import evaluation
    from repro.render import regression as render

    found = judge.regressions(first, second, read=evaluation.read)
    if not is_silent:
        render.show(found)
    changed = any(each.change is judge.Change.METRIC for each in found)
    return render.document(found, first=str(first), second=str(second)), int(changed)
