"""What is printed on a terminal or into a pipe; meaning is carried by words and signs, colour only repeats it."""

from __future__ import annotations

import json as encoder
import os
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from repro.render.printable import clock, escaped, printable
from repro.spec.model import Table
from repro.spec.profile import Profile

if TYPE_CHECKING:
    from repro.judge.board import Board
    from repro.judge.findings import Finding
    from repro.plan.expand import CellKey, Plan
    from repro.plan.needs import Needs
    from repro.run.local import Summary
    from repro.spec.model import Column
    from repro.store import Store


class Outlet(Console):
    """A console that outlives its reader: behind `| head` a verb still ends with its own exit code."""

    def on_broken_pipe(self) -> None:
        """From here on everything is written to nowhere."""
        self.quiet = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


@cache
def console() -> Outlet:
    """Where everything goes; 80 columns where the width is not known, NO_COLOR and FORCE_COLOR are heeded."""
    return Outlet(highlight=False, emoji=False, markup=False)


def raw(text: str) -> None:
    """Text as it is, for a program or a file."""
    try:
        console().file.write(text)
        console().file.flush()
    except BrokenPipeError:
        console().on_broken_pipe()


def line(text: str, style: str = "") -> None:
    """One line, never cut or wrapped in a pipe."""
    console().print(Text(printable(text), style=style), soft_wrap=not console().is_terminal)


def command(text: str, style: str = "") -> None:
    """A line with something to copy from it: never broken, not on a terminal either."""
    console().print(Text(printable(text), style=style), soft_wrap=True)


def json(document: Any) -> None:
    """A document for a program: nothing but JSON."""
    raw(escaped(encoder.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)) + "\n")


ROW = 14
"""Characters that the name of a row has at least."""


def ruled(*heads: str, left: int = 1) -> Grid:
    grid = Grid(box=SIMPLE_HEAD, pad_edge=False, padding=0, show_edge=False)
    for index, head in enumerate(heads):
        grid.add_column(Text(printable(head)), justify="left" if index < left else "right", overflow="fold")
    return grid


def listing(profile: Profile, rows: Sequence[Mapping[str, Any]]) -> None:
    """`repro list`."""
    line(f"profile {profile.id}: {profile.title}", "bold")
    grid = ruled("", "section", "rows", "reported", "claims", "done")
    for row in rows:
        if row["units"]:
            share = f"{row['done']} of {row['units']}"
        else:
            share = "not runnable yet" if row["rows"] else "nothing to run"
        section = printable(row["section"])
        grid.add_row(row["id"], section, str(row["rows"]), str(row["reported"]), str(row["claims"]), share)
    console().print(grid)
    line(
        "done: evaluations of one cell with one seed. Next: repro show table1, repro plan table1, repro run table1",
        "dim",
    )


def reported(spec: Table) -> None:
    """`repro show`: the paper's numbers as printed, its claims and what does not fit."""
    line(f"{spec.title}, section {spec.section}", "bold")
    line(textwrap.fill(spec.caption, console().width), "dim")
    grid = ruled("", *(_head(column.label) for column in spec.columns))
    marked = []
    for index, row in enumerate(spec.rows):
        cells = []
        for column in spec.columns:
            text = row.reported.get(column.id, "not reported").replace(" ± ", "±")
            if column.id in row.suspect:
                text += "?"
                marked.append(f"? {row.id}, {column.id}: {row.suspect[column.id]}")
            cells.append(text)
        last = index + 1 == len(spec.rows) or spec.rows[index + 1].block != row.block
        grid.add_row(printable(row.label), *cells, end_section=last)
    console().print(grid)
    for text in [*marked, *(f"{note.severity} {note.id}: {note.text}" for note in spec.notes)]:
        hanging(text)
    if spec.claims:
        line(f"\n{len(spec.claims)} claims", "bold")
        for claim in spec.claims:
            hanging(f"{claim.id:5} {claim.statement}")


def hanging(text: str, *, indent: int = 6, style: str = "") -> None:
    """Text over several lines, all but the first indented; a path or an id is never broken."""
    filled = textwrap.fill(
        printable(text),
        console().width,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    line(filled, style)


def opening(spec: Plan, found: Needs, *, workers: int, damaged: Sequence[str]) -> None:
    """The first lines of a run: on what means, how much there is to do, and which records cannot be used."""
    from repro.plan.cost import stated

    means = spec.profile
    line(f"profile {means.id}: {means.title}", "bold")
    if means.judges == "claims":
        line(
            "its numbers are not comparable with the paper's; it tests the paper's claims (orderings, trends) in small"
        )
    left = clock(stated(means).total_seconds(found.todo.values()) / workers)
    line(f"{jobs(len(found.todo))} to run with {hands(workers)}, about {left}; {len(found.reused)} reused")
    for sentence in damaged:
        command(f"  {sentence}", "yellow")


def hands(number: int) -> str:
    return f"{number} worker{'' if number == 1 else 's'}"


def jobs(number: int) -> str:
    return f"{number} job{'' if number == 1 else 's'}"


def summary(done: Summary, spec: Plan, store: Store) -> None:
    """How a run went, with every failure and its log."""
    reused = f", {len(done.reused)} done by another run" if done.reused else ""
    lost = f", {len(done.lost)} that rest on them not tried" if done.lost else ""
    line(f"{jobs(len(done.computed))} done{reused}, {len(done.failed)} failed{lost} in {clock(done.seconds)}")
    for job, reason in done.failed.items():
        log = f" (log: {store.log(job)})" if store.log(job).is_file() else ""
        command(f"✗ {spec.jobs[job].label}: {reason}{log}", "red")


def board(judged: Board) -> None:
    """Reported and ours under one another, why a cell has no number, and what the signs mean; then the claims."""
    from repro.render import marks

    seeds = len(judged.options.seeds)
    many = f"{seeds} seeds: mean±sd" if seeds > 1 else "1 seed"
    leg = f", {judged.leg}" if judged.leg else ""
    line(f"\n{judged.table.title}, profile {judged.profile.id}{leg}: reported above, ours below ({many})", "bold")
    notes: dict[str, int] = {}
    shown: dict[CellKey, tuple[Text, Text]] = {}
    for row in judged.rows:
        for column in judged.columns:
            cell = judged.cells[row.id, column.id]
            above = marks.printed(cell.reported) + ("?" if cell.column in row.suspect else "")
            sign = f" {marks.SIGN[cell.verdict]}" if marks.SIGN[cell.verdict] else ""
            if not cell.seeds:
                sign = f" [{notes.setdefault(cell.reason, len(notes) + 1)}]"
            below = Text(marks.brief(cell) + sign, style=marks.COLOUR[cell.verdict])
            shown[row.id, column.id] = Text(above, style="dim"), below
    for columns in _abreast(judged, shown):
        _grid(judged, columns, shown)
    for text, number in notes.items():
        hanging(f"  [{number}] {text}", style="dim")
    _signs(judged)
    claims(judged)
    for words in judged.rules.changed:
        hanging(f"! the rules of judging changed after there were results: {words}", indent=2, style="yellow")
    line(f"\njudged by the rules {judged.rules.stamp}", "dim")


def _grid(judged: Board, columns: Sequence[tuple[Column, int]], shown: Mapping[CellKey, tuple[Text, Text]]) -> None:
    """Some columns of a table, each at least so wide; two lines a row."""
    grid = ruled("", *(_head(column.label) for column, _ in columns))
    for place, (_, wide) in enumerate(columns, start=1):
        grid.columns[place].min_width = wide
    for index, row in enumerate(judged.rows):
        cells = [shown[row.id, column.id] for column, _ in columns]
        grid.add_row(Text(printable(row.label)), *(above for above, _ in cells))
        last = index + 1 == len(judged.rows) or judged.rows[index + 1].block != row.block
        grid.add_row(Text(row.id, style="dim"), *(below for _, below in cells), end_section=last)
    console().print(grid)


def _abreast(judged: Board, shown: Mapping[CellKey, tuple[Text, Text]]) -> Iterator[list[tuple[Column, int]]]:
    """The columns in groups that fit beside one another, each with what it needs so that no number is broken."""
    room = left = console().width - ROW
    group: list[tuple[Column, int]] = []
    for column in judged.columns:
        texts = [text.plain for row in judged.rows for text in shown[row.id, column.id]]
        words = [word for text in texts for word in ([text] if text[0].isdigit() else text.split())]
        wide = max(map(len, [*words, *_head(column.label).split()]))
        if group and wide >= left:
            yield group
            group, left = [], room
        group.append((column, wide))
        left -= wide + 1
    yield group


def _head(label: str) -> str:
    """A column's name, cut at its hyphen where it is long."""
    return label.replace("-", "-\n", 1) if len(label) > 10 else label


def _signs(judged: Board) -> None:
    from repro.render import marks

    used = sorted({cell.verdict for cell in judged.cells.values() if marks.SIGN[cell.verdict] and cell.seeds})
    words = [f"{marks.SIGN[verdict]} {verdict}" for verdict in used]
    if any(column in row.suspect for row in judged.rows for column in row.suspect):
        words.append("? beside a reported number: suspect, see repro show")
    if words:
        hanging(f"      {'  '.join(words)}", style="dim")


def claims(judged: Board) -> None:
    """Each claim of the paper that our numbers say something of, with the evidence; the others in a line each kind."""
    shown = [reading for reading in judged.claims if reading.claim.of_paper]
    if not shown:
        return
    line(f"\nclaims of {judged.table.title}, on our numbers", "bold")
    units = {column.id: column.unit for column in judged.table.columns}
    silent: dict[str, list[str]] = {}
    for reading in shown:
        verdict = str(reading.ours.verdict)
        if verdict not in CLAIM_MARKS:
            silent.setdefault(verdict, []).append(reading.claim.id)
            continue
        sign, style = CLAIM_MARKS[verdict]
        hanging(f"{sign} {reading.claim.id:4} {reading.standing}: {reading.claim.statement}", indent=7, style=style)
        telling = [finding for finding in reading.ours.findings if str(finding.verdict) == verdict]
        hanging(f"       {'; '.join(_evidence(finding, units) for finding in telling)}", indent=7, style="dim")
    for verdict, names in silent.items():
        hanging(f"· {verdict}: {', '.join(names)} ({SILENT.get(verdict, '')})", indent=7, style="dim")


CLAIM_MARKS = {"supported": ("✓", "green"), "not supported": ("✗", "red"), "undecided": ("~", "yellow")}
SILENT = {
    "not run": "rows they need are not there; repro check --json says which",
    "not applicable": "printed gains, compared on the paper's own data only",
}


def _evidence(finding: Finding, units: Mapping[str, str]) -> str:
    """A contrast in few words: the column where there is but one, the estimate, its interval; `units` of columns."""
    from repro.render import marks

    columns = {name.partition(":")[2] for name in finding.cells}
    digits = max((marks.DECIMALS.get(units.get(column, ""), 2) for column in columns), default=2)
    what = columns.pop() if len(columns) == 1 else finding.statement
    value = "" if finding.estimate is None else f" {float(finding.estimate):+.{digits}f}"
    low_high = finding.interval and f" [{finding.interval.low:.{digits}f}, {finding.interval.high:.{digits}f}]"
    spread = low_high or " (one run)"
    return f"{what}{value}{spread}"


def closing(judged: Board, store: Store, typed: str) -> None:
    """Where everything is, and what to type next."""
    command(f"\nstored in {store.root}/, one folder a job with its record.json and log.txt")
    for verb in (f"repro check {typed}", f"repro export {typed} --format latex", f"repro show {judged.table.id}"):
        command(f"next: {verb}")
