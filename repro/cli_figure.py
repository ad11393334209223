"""The verb that draws: what a figure needs is run, then its pictures, numbers and caption are written."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from repro import completion
from repro.cli_plan import Typed, planned
from repro.cli_run import INCOMPLETE, carry_out
from repro.errors import DataMissing, UsageError
from repro.options import PLANNED, shared

if TYPE_CHECKING:
    from repro.judge.figure import Figure
    from repro.plan.expand import Plan

FORMATS = ("pdf", "png", "svg")


def _formats(_: click.Context, parameter: click.Parameter, typed: str) -> tuple[str, ...]:
    words = tuple(dict.fromkeys(word.strip() for word in typed.split(",") if word.strip()))
    for word in words:
        if word not in FORMATS:
            raise click.BadParameter(f'expected some of {", ".join(FORMATS)}, found "{word}"')
    return words


@click.command()
@click.argument("number", shell_complete=completion.figures)
@shared(*PLANNED, "workers", "executor", "silence")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the files; `figures` in the folder of results where left out.",
)
@click.option("--formats", default=",".join(FORMATS), show_default=True, callback=_formats, help="Which pictures.")
@click.option("--no-run", "is_drawn_only", is_flag=True, help="Draw what is there and run nothing.")
@click.option("--image", type=click.Path(path_type=Path), help="Of Figure 1: a picture of your own to make them of.")
def figure(
    number: str,
    workers: int | None,
    executor: str,
    silence: float,
    output: Path | None,
    formats: tuple[str, ...],
    is_drawn_only: bool,
    image: Path | None,
    **typed: Any,
) -> None:
    """Run what a figure needs, then draw it: figure 6, or figure6."""
    from repro.judge import figure as judge
    from repro.lab.images.shelf import Shelf
    from repro.render import terminal
    from repro.render.figures import files

    name = f"figure{number}" if number.isdigit() else number
    asked = Typed(**typed)
    failed = 0
    if is_drawn_only or image:
        specs, plan, store = planned(name, asked)
    else:
        done = carry_out(name, asked, workers=workers, executor=executor, silence=60 * silence)
        specs, plan, store, failed = done.specs, done.plan, done.store, len(done.summary.failed)
    found = judge.figure(specs.tables, plan, store, look=Shelf)
    if image:
        found = _of_image(found, plan, image)
    if found.is_empty:
        raise DataMissing(f"{name}: there is nothing of ours to draw: {'; '.join(found.missing)}")
    for path in files.write(found, output or asked.results / "figures", formats):
        terminal.line(f"wrote {path}")
    terminal.line(judge.caption(found))
    if failed or found.board.failed:
        sys.exit(INCOMPLETE)


def _of_image(found: Figure, plan: Plan, image: Path) -> Figure:
    """The figure with a picture of the user's in the place of the data set's."""
    import tempfile

    from repro.judge import figure as judge
    from repro.lab.images import given

    if image.exists() and not (image.is_file() or image.is_dir()):
        raise UsageError(f"--image {image}: expected a picture, found a device or a pipe; name a file")
    jobs = {row: plan.jobs[next(iter(seeds.values()))] for (row, _), seeds in plan.cells.items() if seeds}
    works = {
        row: (job.spec, job.seed or 0, "textures" in job.inputs) for row, job in jobs.items() if job.kind == "samples"
    }
    with tempfile.TemporaryDirectory() as folder:
        pixels = next((int(spec["pixels"]) for spec, _, _ in works.values()), 0)
        looks = given.shelves(image, works, pixels=pixels, folder=Path(folder)) if works else {}
        return judge.of_image(found, image.stem, looks)
