"""The verbs about ImageNet-Texture: made from a tree of photographs, and looked at."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from repro.errors import Interrupted, StoreError, UsageError

if TYPE_CHECKING:
    from repro.lab.textures.making import Order, Outcome

F = TypeVar("F", bound=Callable[..., Any])
NAMED = 10  # sources without a texture that are printed; the rest is in the file
FAULTS = "not-made.txt"
NAME = "imagenet-texture"
SETS = click.Choice([NAME])


def _of_textures(verb: F) -> F:
    """The options of both verbs that grow textures."""
    for option in (
        click.option("--side", type=click.IntRange(min=2), help="Side of the patches; 96, or else 48, where left out."),
        click.option("--pixels", type=click.IntRange(min=8, max=4096), default=224, show_default=True),
        click.option("--seed", type=int, default=0, show_default=True, help="Every image's own seed comes from it."),
        click.option(
            "--program", type=click.Choice(["own", "texture-synthesis"]), default="own", show_default=True,
            help="Who grows them: the code here, or the program that the paper used, from the PATH.",
        ),
        click.option("--splits", default="train,val", show_default=True, help="Folders of the root, commas between."),
        click.option("--root", type=click.Path(path_type=Path), required=True, help="Photographs: train/CLASS/IMAGE."),
    ):  # fmt: skip
        verb = option(verb)
    return verb


@click.command("imagenet-texture")
@_of_textures
@click.option("--out", type=click.Path(path_type=Path), help="Where the textures go; ROOT-texture where left out.")
@click.option("--workers", type=click.IntRange(min=1, max=1024), help="Processes; one a core where left out.")
@click.option("--format", "form", type=click.Choice(["jpeg", "png"]), default="jpeg", show_default=True)
@click.option("--limit", type=click.IntRange(min=1), help="At most N images of each split, spread over it.")
@click.option(
    "--check", "only_check", is_flag=True, help="Make nothing, look only; exit 1 where something is not right."
)
def make(root: Path, out: Path | None, splits: str, workers: int | None, limit: int | None, **typed: Any) -> None:
    """Make a texture of each photograph in a tree beside it; what is there and right is left as it is."""
    gc.enable()
    from repro.lab.textures import tree
    from repro.render import terminal
    from repro.render.tally import Tally

    root, wanted = root.expanduser(), _names(splits)
    out = (out or root.absolute().with_name(f"{root.absolute().name}-texture")).expanduser()
    order = _order(**typed)
    todo = tree.tasks(root, out, wanted, order, limit=limit)
    workers = workers or cores()
    terminal.line(_opening(NAME, len(todo), root, out, wanted, order, workers))
    counts: Counter[str] = Counter()
    faults: list[Outcome] = []
    with Tally(terminal.console(), NAME, total=len(todo), unit="images") as tally, stoppable():
        for outcome in tree.make(todo, order, workers=workers):
            counts[outcome.how] += 1
            if outcome.reason and outcome.how != "remade":
                faults.append(outcome)
            tally.step()
    strays = tree.strays(todo, out, wanted) if limit is None else []
    _report(counts, sorted(faults, key=lambda each: each.name), strays, out, only_check=order.only_check)
    wrong = ("corrupt", "failed", "missing", "wrong")
    if any(counts[how] for how in wrong) or (strays and order.only_check):
        sys.exit(1)


@click.command()
@_of_textures
@click.option("--limit", type=click.IntRange(min=1), default=8, show_default=True, help="Photographs of each split.")
@click.option(
    "--output", "-o", type=click.Path(path_type=Path, dir_okay=False), default=Path("textures.png"), show_default=True
)
@click.argument("name", type=SETS, metavar=NAME)
def look(name: str, root: Path, splits: str, limit: int, output: Path, **typed: Any) -> None:
    """Draw photographs beside their textures and baselines, and print how far each is from its patches."""
    gc.enable()
    from repro.files import explain
    from repro.lab.textures import comparison, tree
    from repro.render import terminal, texture_sheet

    order = _order(**typed, form="png", only_check=False)
    todo = tree.tasks(root.expanduser(), Path(os.devnull), _names(splits), order, limit=limit)
    found = comparison.compare(todo, order)
    rows = [texture_sheet.Row(each.photograph, each.places, each.pictures) for each in found]
    try:
        texture_sheet.draw(rows, path=output)
    except OSError as error:
        raise StoreError(explain(error, output, option="--output")) from error
    terminal.line(f"{output}: {len(found)} photographs with their textures; mean distance from the patches:")
    for kind, (histogram, gram) in comparison.means(found).items():
        terminal.line(f"  {kind:18} patch histograms {histogram:.4f}  Gram matrices {gram:.4f}")


def _names(splits: str) -> list[str]:
    found = list(dict.fromkeys(part.strip() for part in splits.split(",") if part.strip()))
    if not found:
        raise UsageError("--splits: expected names of folders with commas between, found none")
    return found


def _order(*, program: str, pixels: int, side: int | None, seed: int, form: Any, only_check: bool) -> Order:
    from repro.lab.textures import external, tree

    command, version = external.find() if program == external.PROGRAM else ("", program)
    return tree.order(
        pixels=pixels, side=side, form=form, seed=seed, program=version, command=command, only_check=only_check
    )


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _opening(name: str, count: int, root: Path, out: Path, splits: Sequence[str], order: Order, workers: int) -> str:
    """What will be done, and what it costs at most."""
    from repro.render.printable import clock

    what = f"{count:,} images of {root} ({', '.join(splits)})"
    if order.only_check:
        return f"{name}: look at the textures of {what} in {out}"
    begun = f"{name}: textures of {what} to {out}, {order.pixels} x {order.pixels} {order.form}, seed {order.seed}"
    if order.command:
        return f"{begun}, by {order.program}; {workers} at a time"
    from repro.lab.textures import cost

    each = cost.seconds(order.pixels, order.side)
    hours = count * each / 3600
    return (
        f"{begun}; {each:.2f} CPU-seconds each on this machine: at most {hours:.3g} CPU-hours, "
        f"{clock(count * each / workers)} with {workers} worker{'s' * (workers > 1)}"
    )


def _report(
    counts: Counter[str], faults: Sequence[Outcome], strays: Sequence[str], out: Path, *, only_check: bool
) -> None:
    """One line of numbers, then what could not be made, by name; all of those in a file among the textures."""
    from repro.files import write_whole
    from repro.render import terminal

    kinds = ("there", "missing", "wrong", "corrupt") if only_check else ("made", "there", "remade", "corrupt", "failed")
    words = {"there": "were there", "corrupt": "corrupt sources"}
    shown = [kind for kind in kinds if counts[kind] or kind not in ("failed",)]
    terminal.line(", ".join(f"{counts[kind]:,} {words.get(kind, kind)}" for kind in shown))
    lines = [f"{each.name}: {each.how}, {each.reason}" for each in faults]
    for line in lines[:NAMED]:
        terminal.line(f"  {line}")
    if not only_check:
        if lines:
            write_whole(out / FAULTS, "".join(f"{line}\n" for line in lines), option="--out")
        else:
            with suppress(OSError):
                (out / FAULTS).unlink(missing_ok=True)
    if len(lines) > NAMED:
        where = "" if only_check else f"; all of them in {out / FAULTS}"
        terminal.line(f"  and {len(lines) - NAMED:,} more{where}")
    if strays:
        terminal.line(f"  {len(strays):,} pictures in {out} belong to no photograph, such as {strays[0]}")


@contextmanager
def stoppable(words: str = "stopped; nothing finished is lost, the same command goes on from here") -> Iterator[None]:
    """Turn a signal to stop into `Interrupted` with some words."""

    def stop(*_: object) -> None:
        raise Interrupted(words)

    stops = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, stop) for number in stops]
    try:
        yield
    finally:
        for number, handler in zip(stops, before, strict=True):
            signal.signal(number, handler)
