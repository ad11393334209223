"""What a figure shows, as numbers: the paper's points and ours, panel by panel, and what is missing from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from repro.errors import UsageError
from repro.judge import panels, pictures
from repro.judge.board import Board, assemble
from repro.judge.panels import Panel, Sources
from repro.judge.pictures import Look
from repro.judge.printed import Printed
from repro.plan.expand import Plan
from repro.spec.model import Table
from repro.store import Store


@dataclass(frozen=True)
class Figure:
    """A figure ready to be drawn; `missing` has a sentence for each thing that it should show and does not."""

    board: Board
    panels: tuple[Panel, ...]
    missing: tuple[str, ...]
    is_apart: bool  # the paper's numbers stand beside ours, not among them
    image: str = ""  # the stem of the picture of a person's own that it shows

    @property
    def name(self) -> str:
        """Stem of its files: the figure and the profile, and the leg where that is not training."""
        leg = "-download" if self.board.options.source == "download" else ""
        own = f"-{self.image}" if self.image else ""
        return f"{self.board.table.id}-{self.board.profile.id}{leg}{own}"

    @property
    def is_empty(self) -> bool:
        """Whether nothing of ours is in it."""
        return not any(panel.has_ours for panel in self.panels)


def figure(tables: Mapping[str, Table], plan: Plan, store: Store, *, look: Callable[[Path], Look]) -> Figure:
    """Gather what a figure shows; `look` opens the pictures of a data set or of samples in a job's folder.

    Raises `UsageError` for a table.
    """
    axes = plan.table.axes
    if axes is None:
        drawn = ", ".join(name for name, table in tables.items() if table.axes is not None)
        raise UsageError(f"{plan.table.id} is a table, which repro export writes; figures are {drawn}")
    board = assemble(tables, plan, store)
    sources = Sources(board, plan, store, Printed(tables), look)
    found = tuple(panels.panel(each, axes, sources) for each in axes.panels)
    apart = plan.profile.judges == "claims"
    return Figure(board, found, tuple(_missing(board, found, axes.x)), apart)


def of_image(found: Figure, image: str, looks: Mapping[str, Look]) -> Figure:
    """A figure of samples with those of one picture, by the row that made them, in place of the data set's.

    Raises `UsageError` for a figure of anything else.
    """
    if [panel.kind for panel in found.panels] != ["samples"]:
        raise UsageError(f"--image: {found.board.table.id} shows no samples of an image; Figure 1 does")
    labels = {row.id: row.label for row in found.board.rows}
    tiles = pictures.samples({labels[row]: look for row, look in looks.items()})
    panel = replace(found.panels[0], tiles=tiles, legend=f"Each line is a draw of the picture {image}.")
    return replace(found, panels=(panel,), missing=(), image=image)


def _missing(board: Board, found: Sequence[Panel], placed: Mapping[str, float]) -> Iterator[str]:
    """What is not shown, ours then the paper's; cells without a number are told once for each reason."""
    shown = dict.fromkeys(column for panel in found for column in panel.columns)
    reasons: dict[str, list[str]] = {}
    for (row, column), cell in board.cells.items():
        if column in shown and not cell.seeds and (row in placed or not placed):
            reasons.setdefault(f"{cell.verdict}: {cell.reason}", []).append(f"{row}:{column}")
    for reason, cells in reasons.items():
        few = ", ".join(cells[:3]) + (f" and {len(cells) - 3} more" if len(cells) > 3 else "")
        yield f"{few} {reason}"
    for panel in found:
        yield from panel.missing
    silent = [panel.title for panel in found if panel.can_hold_paper and not panel.has_paper]
    if silent:
        yield f"the paper prints no numbers for {'; '.join(silent)}"


def _whose(found: Figure) -> list[str]:
    """Where the paper's numbers are, and that those of other data are not for comparison."""
    shown = {panel.kind for panel in found.panels if panel.has_paper}
    if not shown:
        return []
    if not found.is_apart:
        return ["Hollow marks are the paper's numbers."]
    where = "Hollow marks are" if shown == {"histograms"} else "A row of their own has"
    return [f"{where} the paper's numbers, which are of other data: orders may be compared, numbers not."]


def caption(found: Figure) -> str:
    """The paper's caption, then whose numbers are drawn, of which runs, and what is missing."""
    table = found.board.table
    return f"{table.title} of the paper: {table.caption.strip()} {about(found)}"


def about(found: Figure) -> str:
    """Whose numbers are drawn, of which runs, how, and what is missing."""
    board = found.board
    seeds = board.options.seeds
    whose = "published weights" if board.options.source == "download" else f"profile {board.profile.id}"
    limit = f", at most {board.options.limit} images of each set" if board.options.limit else ""
    counted = f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))} (n = {len(seeds)})"
    said = [f"Ours: {whose} ({board.profile.title}), {counted}{limit}."]
    said += list(dict.fromkeys(panel.legend for panel in found.panels if panel.legend and panel.has_ours))
    said += _whose(found)
    if found.missing:
        said.append(f"Not shown: {'; '.join(found.missing)}.")
    return " ".join(said)
