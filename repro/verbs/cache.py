"""The verb that decodes a set's images once, into a cache that training reads instead of the files."""

from __future__ import annotations

import gc
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from repro.errors import DataMissing, UsageError
from repro.verbs.options import shared
from repro.verbs.textures import cores, stoppable

if TYPE_CHECKING:
    from repro.lab.data import Files
    from repro.lab.images.shard import Outcome

NAMED = 10  # shards that are not right, printed by name


@click.command("cache")
@shared("profile", "data")
@click.option("--set", "name", help="A set of the profile, such as imagenet-100/train.")
@click.option("--root", type=click.Path(path_type=Path), help="In place of a set: a folder, with all images below it.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of caches; each in one of its own.")
@click.option("--side", type=click.IntRange(min=8, max=4096), default=256, show_default=True, help="Shorter side.")
@click.option("--workers", type=click.IntRange(min=1, max=1024), help="Processes; one a core where left out.")
@click.option("--check", "only_check", is_flag=True, help="Make nothing, read all and compare hashes; exit 1 if wrong.")
def cache(
    profile: str,
    data: Sequence[str],
    name: str | None,
    root: Path | None,
    out: Path,
    side: int,
    workers: int | None,
    only_check: bool,
) -> None:
    """Decode a set's images into files of bytes; what is there and right is left as it is."""
    gc.enable()
    from repro.lab.images import caching
    from repro.leftovers import sweep
    from repro.render import terminal
    from repro.render.tally import Tally

    if (name is None) == (root is None):
        raise UsageError("cache: expected one of --set NAME and --root DIR")
    if root is not None:
        found, folder = caching.tree(root.expanduser()), out.expanduser() / root.absolute().name
    else:
        found, of = _of_profile(str(name), profile, data)
        folder = out.expanduser() / of
    todo = caching.shards(found, folder, side=side, only_check=only_check)
    workers = min(workers or cores(), len(todo))
    what = f"{len(found):,} images of {found.root}"
    if only_check:
        terminal.line(f"cache: look at {what} in {folder}")
    else:
        sweep(folder)
        size = caching.check_room(found, folder, side=side)
        terminal.line(f"cache: {what} to {folder}, shorter side at most {side}, up to {size / 1e9:,.1f} GB")
    outcomes: list[Outcome] = []
    with Tally(terminal.console(), "cache", total=len(todo), unit="shards") as tally, stoppable():
        for outcome in caching.make(todo, workers=workers):
            outcomes.append(outcome)
            tally.step()
    _report(outcomes, only_check=only_check)
    failed = [each for each in outcomes if each.how == "failed"]
    if failed:
        raise DataMissing(caching.unread(failed))
    if not only_check:
        about = caching.finish(todo)
        terminal.line(f"{folder}: {about['images']:,} images, {about['bytes'] / 1e9:,.2f} GB, {about['digest'][:16]}")
    elif any(each.how != "there" for each in outcomes) or not caching.is_finished(todo):
        terminal.line(f"{folder}: not a whole cache; the same command without --check makes what is missing")
        sys.exit(1)


def _of_profile(name: str, profile: str, data: Sequence[str]) -> tuple[Files, str]:
    """The files of a set of a profile, and the set's name; of a cached one those of the set that it is made of."""
    from repro.lab.images import caching
    from repro.plan.sets import resolved
    from repro.plan.typed import folders
    from repro.spec import load, recipes

    means = load.profile(profile)
    if name not in means.datasets:
        raise UsageError(f'--set: the profile "{means.id}" has no set {name}; it has {", ".join(means.datasets)}')
    spec: dict[str, Any] = recipes.dataset(means, name)
    named = folders(data, list(means.data), profile=means.id)
    of = str(spec.get("of", name))
    return caching.files(resolved(means, of, named), name=of), of


def _report(outcomes: Sequence[Outcome], *, only_check: bool) -> None:
    from repro.render import terminal

    counts = Counter(each.how for each in outcomes)
    kinds = ("there", "missing", "wrong") if only_check else ("made", "there", "remade", "failed")
    words = {"there": "were there"}
    shown = ", ".join(f"{counts[how]:,} {words.get(how, how)}" for how in kinds if counts[how] or how != "failed")
    terminal.line(f"shards: {shown}")
    wrong = [each for each in outcomes if each.how in ("wrong", "remade")]
    for each in wrong[:NAMED]:
        terminal.line(f"  {each.shard.file}: {'; '.join(each.reasons)}")
    if len(wrong) > NAMED:
        terminal.line(f"  and {len(wrong) - NAMED:,} more")
