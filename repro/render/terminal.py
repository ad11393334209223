"""What is printed on a terminal or into a pipe; meaning is carried by words and signs, colour only repeats it."""

from __future__ import annotations

import json as encoder
import textwrap
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from repro.render.progress import clock
from repro.spec.model import Profile, Table

if TYPE_CHECKING:
    from repro.judge.board import Board
    from repro.plan.expand import Plan
    from repro.plan.needs import Needs
    from repro.run.local import Summary
    from repro.store import Store


@cache
def console() -> Console:
    """Where everything goes; 80 columns where the width is not known, NO_COLOR and FORCE_COLOR are heeded."""
    return Console(highlight=False, emoji=False, markup=False)


def line(text: str, style: str = "") -> None:
    """One line, never cut or wrapped in a pipe."""
    console().print(Text(_clean(text), style=style), soft_wrap=not console().is_terminal)


def json(document: Any) -> None:
    """A document for a program: nothing but JSON."""
    console().file.write(encoder.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def _clean(text: str) -> str:
    """Text without the control characters that could steer a terminal."""
    return "".join(sign for sign in text if sign.isprintable() or sign in "\n\t")


def _grid(*heads: str, left: int = 1) -> Grid:
    grid = Grid(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for index, head in enumerate(heads):
        grid.add_column(Text(_clean(head)), justify="left" if index < left else "right", overflow="fold")
    return grid


def listing(profile: Profile, rows: Sequence[Mapping[str, Any]]) -> None:
    """`repro list`."""
    line(f"profile {profile.id}: {profile.title}", "bold")
    grid = _grid("", "section", "rows", "reported", "claims", "done")
    for row in rows:
        if row["units"]:
            share = f"{row['done']} of {row['units']}"
        else:
            share = "not runnable yet" if row["rows"] else "nothing to run"
        grid.add_row(row["id"], row["section"], str(row["rows"]), str(row["reported"]), str(row["claims"]), share)
    console().print(grid)
    line("done counts evaluations: one cell of one row with one seed. Next: repro show table1, repro plan table1, repro run table1", "dim")


def reported(spec: Table) -> None:
    """`repro show`: the paper's numbers as printed, its claims and what does not fit."""
    line(f"{spec.title}, section {spec.section}", "bold")
    line(textwrap.fill(spec.caption, console().width), "dim")
    grid = _grid("", *(column.label.replace("-", "-\u200b") for column in spec.columns))
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
        grid.add_row(_clean(row.label), *cells, end_section=last)
    console().print(grid)
    for text in [*marked, *(f"{note.severity} {note.id}: {note.text}" for note in spec.notes)]:
        _hanging(text)
    if spec.claims:
        line(f"\n{len(spec.claims)} claims", "bold")
        for claim in spec.claims:
            _hanging(f"{claim.id:5} {claim.statement}")


def _hanging(text: str, *, indent: int = 6, style: str = "") -> None:
    line(textwrap.fill(_clean(text), console().width, subsequent_indent=" " * indent), style)


def plan(spec: Plan, found: Needs) -> None:
    """`repro plan`: jobs by kind, the reason for each, the estimate, what is missing."""
    from repro.plan.needs import seconds, total_seconds

    line(f"{spec.table.title} on the profile {spec.profile.id} ({spec.profile.title}), seeds {', '.join(map(str, spec.options.seeds))}", "bold")
    grid = _grid("job", "", "why", left=3)
    for name, job in spec.jobs.items():
        action = "run" if name in found.todo else "reuse" if name in found.reused else "spare"
        expected = seconds(job, spec.profile) if name in found.todo else None
        grid.add_row(job.label, f"{action}{f', {clock(expected)}' if expected else ''}", _clean(found.reasons[name]))
    console().print(grid)
    _missing(spec.blocked)
    total = total_seconds(found.todo.values(), spec.profile)
    what = "GPU" if spec.options.device == "cuda" else "CPU"
    expected_time = f"about {clock(total)} of {what} time, {clock(total / spec.profile.workers)} with {spec.profile.workers} workers"
    line(f"{len(found.todo)} jobs to run, {len(found.reused)} reused, {len(found.spared)} not needed; {expected_time}")
    for kind, rate in spec.profile.rates.items():
        _hanging(f"      {kind}: {rate.images_per_second:g} images/s ({rate.why})", style="dim")


def _missing(blocked: Mapping[tuple[str, str], str]) -> None:
    """What cannot be run, by reason; where a reason holds for whole rows, the rows alone are named."""
    reasons: dict[str, dict[str, list[str]]] = {}
    for (row, column), reason in blocked.items():
        reasons.setdefault(reason, {}).setdefault(row, []).append(column)
    for reason, rows in reasons.items():
        columns = {tuple(names) for names in rows.values()}
        shared = f" ({', '.join(next(iter(columns)))})" if len(columns) == 1 else ""
        _hanging(f"not runnable: {', '.join(rows)}{shared}: {reason}", style="dim")


def opening(spec: Plan, found: Needs, workers: int) -> None:
    """The first lines of a run: on what means, and how much there is to do."""
    from repro.plan.needs import total_seconds

    means = spec.profile
    line(f"profile {means.id}: {means.title}", "bold")
    if means.judges == "claims":
        line("its numbers are not comparable with the paper's; it tests the paper's claims (orderings, trends) in small")
    left = clock(total_seconds(found.todo.values(), means) / workers)
    line(f"{len(found.todo)} jobs to run with {workers} workers, about {left}; {len(found.reused)} reused")


def summary(done: Summary, spec: Plan, store: Store) -> None:
    """How a run went, with every failure and its log."""
    reused = f", {len(done.reused)} done by another run" if done.reused else ""
    line(f"{len(done.computed)} jobs done{reused}, {len(done.failed)} failed in {clock(done.seconds)}")
    for job, reason in done.failed.items():
        line(f"✗ {spec.jobs[job].label}: {reason} (log: {store.log(job)})", "red")


def board(judged: Board) -> None:
    """Reported and ours under one another, the claims, and what the signs mean."""
    from repro.render import marks

    seeds = len(judged.options.seeds)
    line(f"\n{judged.table.title}, profile {judged.profile.id}: reported above, ours below ({seeds} seed{'s' if seeds > 1 else ''})", "bold")
    grid = _grid("", *(column.label.replace("-", "-\u200b") for column in judged.columns))
    notes: dict[str, int] = {}
    for index, row in enumerate(judged.rows):
        cells = [judged.cells[row.id, column.id] for column in judged.columns]
        above, below = [Text(_clean(row.label))], [Text(f"  {row.id}", style="dim")]
        for cell in cells:
            above.append(Text(marks.printed(cell.reported) + ("?" if cell.column in row.suspect else ""), style="dim"))
            sign = f" {marks.SIGN[cell.verdict]}" if marks.SIGN[cell.verdict] else ""
            if not cell.seeds:
                sign = f" {notes.setdefault(f'{marks.measured(cell)}: {cell.reason}', len(notes) + 1)}"
            below.append(Text(marks.measured(cell) + sign, style=marks.COLOUR[cell.verdict]))
        grid.add_row(*above)
        last = index + 1 == len(judged.rows) or judged.rows[index + 1].block != row.block
        grid.add_row(*below, end_section=last)
    console().print(grid)
    for text, number in notes.items():
        _hanging(f"{number:4}  {text}", style="dim")
    _signs(judged)
    claims(judged)


def _signs(judged: Board) -> None:
    from repro.render import marks

    used = sorted({cell.verdict for cell in judged.cells.values() if marks.SIGN[cell.verdict] and cell.seeds})
    if used:
        _hanging("      " + "  ".join(f"{marks.SIGN[verdict]} {verdict}" for verdict in used), style="dim")


def claims(judged: Board) -> None:
    """Each claim: its verdict on our numbers, and on the paper's own."""
    shown = [reading for reading in judged.claims if reading.claim.of_paper]
    if not shown:
        return
    line(f"\nclaims of {judged.table.title}, on our numbers", "bold")
    for reading in shown:
        verdict = str(reading.ours.verdict)
        sign, style = {"supported": ("✓", "green"), "not supported": ("✗", "red"), "undecided": ("~", "yellow")}.get(verdict, ("·", "dim"))
        _hanging(f"{sign} {reading.claim.id:5} {reading.standing}: {reading.claim.statement}", indent=8, style=style)
        _hanging(f"        {reading.ours.reason}", indent=8, style="dim")


def closing(judged: Board, store: Store, typed: str) -> None:
    """Where everything is, and what to type next."""
    line(f"\nstored in {store.root}/, one folder a job with its record.json and log.txt")
    line(f"next: repro check {typed} | repro export {typed} --format latex | repro plan {typed}")
