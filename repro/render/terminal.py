"""What the verbs print on a terminal or into a pipe; words and signs carry the meaning, colour only repeats it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.table import Table as Grid
from rich.text import Text

from repro.render import grid
from repro.render.outlet import command, console, hanging, json, line, raw
from repro.render.printable import clock, printable
from repro.spec.model import Table
from repro.spec.profile import Profile

if TYPE_CHECKING:
    from repro.judge.board import Board
    from repro.plan.expand import Plan
    from repro.plan.needs import Needs
    from repro.run.local import Summary
    from repro.store import Store

__all__ = [
    "board",
    "closing",
    "command",
    "console",
    "hands",
    "hanging",
    "jobs",
    "json",
    "line",
    "listing",
    "opening",
    "raw",
    "reported",
    "ruled",
    "summary",
]


def ruled(*heads: str, left: int = 1) -> Grid:
    found = Grid(box=SIMPLE_HEAD, pad_edge=False, padding=0, show_edge=False)
    for index, head in enumerate(heads):
        found.add_column(Text(printable(head)), justify="left" if index < left else "right", overflow="fold")
    return found


def listing(profile: Profile, rows: Sequence[Mapping[str, Any]]) -> None:
    """`repro list`."""
    line(f"profile {profile.id}: {profile.title}", "bold")
    found = ruled("", "section", "rows", "reported", "claims", "done")
    for row in rows:
        if row["units"]:
            share = f"{row['done']} of {row['units']}"
        else:
            share = "not runnable yet" if row["rows"] else "nothing to run"
        section = printable(row["section"])
        found.add_row(row["id"], section, str(row["rows"]), str(row["reported"]), str(row["claims"]), share)
    console().print(found)
    line(
        "done: evaluations of one cell with one seed. Next: repro show table1, repro plan table1, repro run table1",
        "dim",
    )


def reported(spec: Table) -> None:
    """`repro show`: the paper's numbers as printed, its claims and what does not fit."""
    line(f"{spec.title}, section {spec.section}", "bold")
    line(textwrap.fill(spec.caption, console().width), "dim")
    rows, marked = [], []
    for row in spec.rows:
        cells = []
        for column in spec.columns:
            text = row.reported.get(column.id, "not reported").replace(" ± ", "±")
            if column.id in row.suspect:
                text += "?"
                marked.append(f"? {row.id}, {column.id}: {row.suspect[column.id]}")
            cells.append((Text(printable(text)),))
        rows.append(grid.Row((Text(" ".join(row.label.split())),), (tuple(cells),), row.block))
    grid.draw(rows, [grid.Column(column.label) for column in spec.columns])
    for text in [*marked, *(f"{note.severity} {note.id}: {note.text}" for note in spec.notes)]:
        hanging(text)
    if spec.claims:
        line(f"\n{len(spec.claims)} claims", "bold")
        for claim in spec.claims:
            hanging(f"{claim.id:5} {claim.statement}")


def opening(spec: Plan, found: Needs, *, workers: int, executor: str, damaged: Sequence[str]) -> None:
    """The first lines of a run: on what means, how much there is to do, and which records cannot be used."""
    from repro.plan.cost import stated

    means = spec.profile
    line(f"profile {means.id}: {means.title}", "bold")
    if means.judges == "claims":
        line(
            "its numbers are not comparable with the paper's; it tests the paper's claims (orderings, trends) in small"
        )
    left = clock(stated(means).total_seconds(found.todo.values()) / workers)
    how = f"with {hands(workers)}, about {left}" if executor == "local" else "on SLURM"
    line(f"{jobs(len(found.todo))} to run {how}; {len(found.reused)} reused")
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
    """A judged table and its claims; loads the judge, which a verb that looks up numbers does without."""
    from repro.render import comparison

    comparison.board(judged)


def closing(judged: Board, store: Store, typed: str) -> None:
    """Where everything is, and what to type next."""
    command(f"\nstored in {store.root}/, one folder a job with its record.json and log.txt")
    for verb in (f"repro check {typed}", f"repro export {typed} --format latex", f"repro show {judged.table.id}"):
        command(f"next: {verb}")
