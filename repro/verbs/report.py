"""The verb that writes everything on one page: report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from repro.errors import UsageError
from repro.verbs import completion
from repro.verbs.options import PLANNED, shared
from repro.verbs.planning import Typed, planned

if TYPE_CHECKING:
    from repro.judge.audit import Audit
    from repro.plan.expand import Plan
    from repro.render.report.contents import Chapter, Report
    from repro.render.report.picture import Picture
    from repro.spec.load import Specs
    from repro.store import Store

OF_ONE = ("rows", "columns", "weights")  # options that mean something for one table only


@click.command()
@click.argument("tables", nargs=-1, metavar="[TABLE]...", shell_complete=completion.tables)
@shared(*PLANNED)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("report.html"),
    show_default=True,
    help="File to write.",
)
def report(tables: tuple[str, ...], output: Path, **typed: Any) -> None:
    """Everything on one self-contained HTML page: numbers, verdicts, claims, audit, figures, sources. Runs nothing."""
    from repro.leftovers import write
    from repro.render import terminal
    from repro.render.printable import size
    from repro.render.report.elements import counted
    from repro.render.report.page import page

    found = _gathered(tables, typed)
    text = page(found)
    write(output, text, option="--output")
    board = found.chapters[0].board
    cells = sum(len(chapter.board.cells) for chapter in found.chapters)
    many = len(found.chapters)
    told = [
        "1 table or figure" if many == 1 else f"{many} tables and figures",
        counted(cells, "cell"),
        counted(len(found.audit.claims), "claim"),
        counted(len(found.audit.remarks), "remark"),
    ]
    terminal.line(f"profile {board.profile.id}: {board.profile.title}", "bold")
    terminal.command(f"{output}: {', '.join(told)}, {size(len(text.encode()))}")


def _gathered(names: Sequence[str], typed: Mapping[str, Any]) -> Report:
    """Judge the tables that were asked for, all where none was, and look up what they rest on."""
    from repro.plan.expand import expand
    from repro.render.report.contents import Report
    from repro.spec import load

    known = load.specs()
    wanted = [known.table(name) for name in dict.fromkeys(names)] or list(known.tables.values())
    given = [f"--{name}" for name in OF_ONE if typed[name]]
    if given and len(wanted) > 1:
        raise UsageError(f"{', '.join(given)}: meant for one table, found {len(wanted)}; name it: repro report TABLE")
    specs, first, store = planned(wanted[0].id, Typed(**typed))
    plans = [first, *(expand(specs.tables, table, first.profile, first.options) for table in wanted[1:])]
    chapters = tuple(_chapter(specs, plan, store) for plan in plans)
    drawn = pictures(specs, chapters, store)
    return Report(chapters, _audit(specs, [plan.table.id for plan in plans]), store, typed, drawn)


def _chapter(specs: Specs, plan: Plan, store: Store) -> Chapter:
    from repro.judge.board import assemble
    from repro.judge.provenance import trace
    from repro.render.report.contents import Chapter

    origin = trace(specs.tables, plan, store)
    known = {work.job.id: work.record.values for work in origin.works if work.record}
    return Chapter(assemble(specs.tables, plan, store, known=known), plan, origin)


def _audit(specs: Specs, tables: Sequence[str]) -> Audit:
    """The paper against itself, of the tables on the page."""
    from repro.judge.audit import Audit, audit

    found = audit(specs.tables)
    return Audit(
        tuple(remark for remark in found.remarks if remark.table in tables),
        tuple(one for one in found.claims if one.table in tables),
    )


def pictures(specs: Specs, chapters: Sequence[Chapter], store: Store) -> Mapping[str, Picture]:
    """The figures of the chapters that have something to show, by id."""
    wanted = [each for each in chapters if each.plan.table.axes is not None and each.board.has_numbers]
    drawn = {each.plan.table.id: _picture(specs, each.plan, store) for each in wanted}
    return {name: picture for name, picture in drawn.items() if picture is not None}


def _picture(specs: Specs, plan: Plan, store: Store) -> Picture | None:
    """A figure as it is drawn, or None where there is nothing to draw."""
    from repro.judge.figure import about, caption, figure
    from repro.lab.images.shelf import Shelf
    from repro.render.figures import data, files, page
    from repro.render.report.picture import Picture

    found = figure(specs.tables, plan, store, look=Shelf)
    if found.is_empty:
        return None
    svg = files.encoded(page.draw(found), found, "svg").decode()
    return Picture(plan.table.title, svg, about(found), data.table(found), caption(found))
