"""The verbs about weight files that others made: which there are, bring them, look at them again, add one."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from repro.errors import DataMissing, StoreError, UsageError
from repro.verbs import completion
from repro.verbs.options import shared
from repro.verbs.textures import stoppable

if TYPE_CHECKING:
    from repro.fetch.weights import Asked, Held
    from repro.spec.checkpoint import Checkpoint, Checkpoints
    from repro.spec.load import Specs

F = TypeVar("F", bound=Callable[..., Any])
STOPPED = "stopped; what came is kept, the same command goes on from here"
WRONG = 1  # exit code of verify where a file is not what it was


_weights = click.option(
    "--weights",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the weight files; the one of repro.toml or REPRO_WEIGHTS where left out, ~/.cache/repro/weights.",
)


def _chosen(verb: F) -> F:
    """The options by which every verb but `add` says which files are meant."""
    for option in (
        click.option(
            "--rows",
            default="",
            shell_complete=completion.rows,
            help="Only those of these rows of the table, with commas between.",
        ),
        click.option(
            "--table",
            default="",
            shell_complete=completion.tables,
            help="Those that a table or figure needs, such as table1.",
        ),
        _weights,
        click.argument("names", nargs=-1, shell_complete=completion.checkpoints),
    ):
        verb = option(verb)
    return verb


@click.group()
def checkpoints() -> None:
    """Weight files that others published."""


@checkpoints.command("list")
@_chosen
@shared("json")
def list_(names: Sequence[str], folder: Path | None, table: str, rows: str, as_json: bool) -> None:
    """Every weight file: which row it serves, size, hash and whose, licence, and whether it is here."""
    from repro.fetch.weights import survey
    from repro.render import terminal, weights
    from repro.spec import lists

    place, specs, known = _known(folder)
    found, missing = lists.selected(specs, known, names, table=table, rows=rows)
    entries, same = survey(found, place), lists.same(specs.tables)
    if as_json:
        terminal.json(weights.document(entries, missing, same, place))
    else:
        also = {row: ", ".join(dict.fromkeys(one.split("/")[0] for one in others)) for row, others in same.items()}
        weights.listing(entries, missing, also, place)


@checkpoints.command()
@_chosen
@click.option(
    "--from", "file", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Take this file as NAME."
)
@click.option("--mirror", envvar="REPRO_MIRROR", help="Folder or address of copies, named as they are here.")
@click.option("--offline", is_flag=True, help="Ask nothing of a network; also by REPRO_OFFLINE=1.")
@click.option(
    "--accept-digest", "accept", metavar="sha256:HEX", help="Take the file with this hash though another was known."
)
def fetch(names: Sequence[str], folder: Path | None, table: str, rows: str, accept: str | None, **typed: Any) -> None:
    """Bring weight files here, checked, each with its classifier; what is here stays, what was cut goes on."""
    gc.enable()
    from repro.fetch.weights import Asked
    from repro.render import terminal
    from repro.spec import lists

    place, specs, known = _known(folder)
    if not names and not table:
        raise UsageError("expected names of weight files, or --table; repro checkpoints list shows what there is")
    found, missing = lists.selected(specs, known, names, table=table, rows=rows)
    if len(found) != 1 and (typed["file"] or accept):
        option = "--from" if typed["file"] else "--accept-digest"
        raise UsageError(f"{option} is of one file: name one, found {len(found)}")
    asked = Asked(accept=_digest(accept), **typed)
    for row, why in missing.items():
        terminal.hanging(f"{row} has no public weights: {why}")
    if not found:
        raise DataMissing("there are no public weights of these rows")
    by_name = {each.name: each for each in known.checkpoints}
    if asked.file or accept:
        bring(found, place, asked)
        _tell_partner(found[0], by_name, place)
    else:
        bring(lists.with_classifiers(found, by_name), place, asked)


def bring(found: Sequence[Checkpoint], place: Path, asked: Asked) -> None:
    """Fetch weight files into a folder one after the other, with a bar; what fails does not keep the rest.

    Raises `DataMissing` where one did not come.
    """
    from repro.fetch import drive, weights
    from repro.fetch.wanted import is_offline
    from repro.render import terminal
    from repro.render import weights as shown
    from repro.render.transfer import Transfer

    if asked.file is None and asked.mirror is None and not is_offline(asked.offline):
        away = [each for each in found if not weights.path_of(each, place).exists()]
        if all(drive.id_of(each.url) for each in away):  # else the others come, and these say it one by one
            drive.check([each.name for each in away])
    failed = []
    with Transfer(terminal.console()) as transfer, stoppable(STOPPED):
        for each in found:
            transfer.begin(each.name)
            try:
                held = weights.fetch(each, place, asked=asked, progress=transfer.step, note=transfer.say)
            except DataMissing as error:
                if len(found) == 1:
                    raise
                failed.append(each.name)
                terminal.command(f"✗ {error}", "red")
            else:
                shown.came(each.name, held)
    if failed:
        raise DataMissing(f"{len(failed)} of {len(found)} weight files did not come: {', '.join(failed)}")


@checkpoints.command()
@_chosen
@shared("json")
def verify(names: Sequence[str], folder: Path | None, table: str, rows: str, as_json: bool) -> None:
    """Read every weight file that is here again, hash it, open it; exit 1 where one is not what it was."""
    gc.enable()
    from repro.fetch.weights import path_of
    from repro.render import terminal, weights
    from repro.spec import lists

    place, specs, known = _known(folder)
    found, _ = lists.selected(specs, known, names, table=table, rows=rows)
    here = [each for each in found if path_of(each, place).is_file()]
    absent = [each.name for each in found if each not in here] if names else []
    if not here:
        raise DataMissing(f"none of {len(found)} weight files is in {place}; repro checkpoints fetch brings them")
    results = []
    for each in here:
        held, words = _verified(each, place)
        results.append({"name": each.name, "held": weights.held(held), "found": words})
        if not as_json:
            weights.verified(each.name, held, words)
    wrong = [each["name"] for each in results if each["held"] is None]
    if as_json:
        terminal.json({"schema": weights.SCHEMA, "folder": str(place), "checkpoints": results, "absent": absent})
    else:
        terminal.line(f"{len(here) - len(wrong)} of {len(here)} are what they were")
    if absent:
        raise DataMissing(f"not here: {', '.join(absent)}; repro checkpoints fetch brings them")
    if wrong:
        sys.exit(WRONG)


def _verified(checkpoint: Checkpoint, folder: Path) -> tuple[Held | None, str]:
    """A file that is what it was, and what it holds; or None, and what is wrong."""
    from repro.fetch import weights
    from repro.lab.weights import recognise

    try:
        held = weights.verify(checkpoint, folder)
        return held, recognise.describe(held.path).removeprefix(f"{held.path}: ")
    except (DataMissing, StoreError) as error:
        return None, str(error)


@checkpoints.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--name", required=True, help="Its name from now on: small letters, digits, dots and hyphens.")
@click.option("--serves", multiple=True, metavar="TABLE/ROW", help="The row whose network it is; none of a classifier.")
@click.option("--run", type=click.IntRange(1, 3), help="Which of the row's runs; the first where left out.")
@click.option("--classifier", metavar="NAME", help="Entry of the classifier that goes with it, added before.")
@click.option("--licence", default="none stated", show_default=True)
@click.option("--url", help="Where it is from; its path where left out.")
@click.option("--layout", help="How its tensors are named; recognised where left out.")
@click.option("--note", help="A sentence to remember about it.")
@click.option("--link", is_flag=True, help="Leave the file where it is, and link to it.")
@_weights
def add(file: Path, folder: Path | None, link: bool, layout: str | None, **typed: Any) -> None:
    """Give a weight file of your own a name, and the row that it serves."""
    gc.enable()
    from repro.fetch import own
    from repro.render import terminal
    from repro.render import weights as shown
    from repro.render.transfer import Transfer
    from repro.spec import lists, load

    if not file.is_file():
        raise UsageError(f"{file}: expected a weight file, found a device or a pipe; name a file")
    place, specs, known = _known(folder)
    by_name = {each.name: each for each in known.checkpoints}
    if typed["name"] in by_name:
        raise UsageError(f'--name: "{typed["name"]}" is in the list already; take another')
    lists.check_rows(specs.tables, typed["serves"])
    entry = own.described(file, layout or _layout(file), typed)
    replaced = lists.check_new(entry, specs.tables, by_name, shipped=load.shipped_checkpoints())
    with Transfer(terminal.console()) as transfer, stoppable("stopped; nothing was added"):
        transfer.begin(entry.name)
        added = own.add(file, entry, place, is_linked=link, progress=transfer.step)
    shown.came(entry.name, added.held)
    purpose = f"serves {', '.join(entry.serves)}" if entry.serves else "a classifier, for the encoder that names it"
    terminal.command(f"  {entry.layout}; {purpose}; listed in {added.list}")
    for name, row in replaced.items():
        terminal.command(f"  it stands for run {lists.run(entry)} of {row} from now on, in place of {name}")
    _tell_partner(entry, by_name, place)
    _tell_place(place)


def _tell_partner(entry: Checkpoint, known: Mapping[str, Checkpoint], place: Path) -> None:
    """Say that the classifier which goes with a file is not here, where that is so."""
    from repro.fetch import weights
    from repro.render import terminal

    if entry.classifier is not None and weights.held(known[entry.classifier], place) is None:
        name = entry.classifier
        terminal.command(f"  its classifier {name} is not here, which it needs: repro checkpoints fetch {name}")


def _tell_place(place: Path) -> None:
    """Say where runs look for weights, where that is not the folder of this file."""
    from repro.render import terminal
    from repro.spec import locations

    found = locations.load().weights
    if found.resolve() != place.resolve():
        say = 'weights = "..." in repro.toml or REPRO_WEIGHTS names another folder'
        terminal.command(f"  runs look for it in {found}, not here: {say}")


def _layout(file: Path) -> str:
    """How the tensors of a file are named; raises where nobody knows it, or no row can be measured with it."""
    from repro.lab.weights import file as files
    from repro.lab.weights import recognise
    from repro.spec.checkpoint import CLASSIFIERS

    found = recognise.recognise(files.read(file))[1]
    layout: str = found.layout
    if found.refused is not None and layout not in CLASSIFIERS:
        raise UsageError(f"{file}: {found.says}: {found.refused}")
    return layout


def _known(folder: Path | None) -> tuple[Path, Specs, Checkpoints]:
    """The folder of the weights, the tables, and every weight file that is listed."""
    from repro.spec import load, locations

    place = folder.expanduser() if folder else locations.load().weights
    specs = load.specs()
    return place, specs, load.checkpoints(specs.tables, place)


def _digest(text: str | None) -> str | None:
    """A hash as a person gives it, checked."""
    kind, _, digits = (text or "").rpartition(":")
    if text is not None and (
        kind not in ("", "sha256") or len(digits) != 64 or set(digits.lower()) - set("0123456789abcdef")
    ):
        raise UsageError(f"--accept-digest: expected sha256: and 64 hexadecimal digits, found {text!r}")
    return f"sha256:{digits.lower()}" if text else None
