"""The verbs about images: which data sets there are, where each is, fetch, look at, derive one, draw some."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from repro.errors import DataMissing, StoreError, UsageError
from repro.verbs import cache, completion, textures
from repro.verbs.options import shared
from repro.verbs.textures import cores, stoppable

if TYPE_CHECKING:
    from repro.holdings.findings import Finding, Survey
    from repro.holdings.places import Glance
    from repro.spec.catalogue import DataSet
    from repro.spec.locations import Locations

FAULTY = 1  # exit code of verify where a run would trip


@click.group()
def data() -> None:
    """The images that tables and profiles use."""


@data.group()
def make() -> None:
    """Make one data set out of another."""


make.add_command(textures.make)
make.add_command(cache.cache)
data.add_command(textures.look)


@data.command("list")
@shared("json")
def list_(as_json: bool) -> None:
    """Every data set: licence, size, hashes, number of images, and whether it is here at a glance."""
    from repro.render import dataset_documents, datasets, terminal

    glances, locations = _glances()
    if as_json:
        terminal.json(dataset_documents.listing(glances, locations))
    else:
        datasets.listing(glances, locations)


@data.command()
@click.argument("name", required=False, shell_complete=completion.datasets)
@shared("json")
def where(name: str | None, as_json: bool) -> None:
    """Where a data set is and who said so, what is missing, and the exact next step; all sets where none is named."""
    from repro.render import dataset_documents, datasets, terminal

    glances, _ = _glances(name)
    if as_json:
        terminal.json(dataset_documents.where(glances))
    else:
        for glance in glances:
            datasets.where(glance)


@data.command()
@click.argument("name", shell_complete=completion.datasets)
@click.option("--to", type=click.Path(path_type=Path), help="Where it goes; the folder of repro.toml where left out.")
@click.option(
    "--from", "given", type=click.Path(path_type=Path), multiple=True, help="An archive that you have; repeat it."
)
@click.option("--only", multiple=True, metavar="ARCHIVE", help="These archives alone; repeat it.")
@click.option("--keep", is_flag=True, help="Keep the archives that were downloaded.")
@click.option("--offline", is_flag=True, help="Ask nothing of a network; also by REPRO_OFFLINE=1.")
def fetch(name: str, to: Path | None, given: Sequence[Path], only: Sequence[str], keep: bool, offline: bool) -> None:
    """Download a data set's archives or take those you have, check and unpack them; goes on where it was cut off."""
    gc.enable()
    from repro.holdings import obtain
    from repro.render import terminal
    from repro.render.transfer import Transfer

    (glance,), locations = _glances(name)
    folder = (to or _target(glance, locations)).expanduser()
    paths = [path.expanduser() for path in given]
    order = obtain.order(glance.set, folder, paths, only, offline=offline, keep=keep)
    with Transfer(terminal.console()) as transfer, stoppable():
        done = obtain.obtain(order, transfer)
    terminal.line(f"{name}: {', '.join(done) if done else 'nothing'} unpacked to {folder}")
    if glance.folder is None or glance.folder.resolve() != folder.resolve():
        terminal.command(f'next: {name} = "{folder.absolute()}" in [data] of repro.toml')
    terminal.command(f"next: repro data verify {name}")


@data.command()
@click.argument("name", shell_complete=completion.datasets)
@click.option("--folder", type=click.Path(path_type=Path), help="Look here; the folder of repro.toml where left out.")
@click.option("--quick", is_flag=True, help="Read the headers of the images alone, and hash no file.")
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="File for every finding, one a line.")
@click.option("--workers", type=click.IntRange(min=1, max=1024), help="Processes; one a core where left out.")
@shared("json")
def verify(
    name: str, folder: Path | None, quick: bool, report: Path | None, workers: int | None, as_json: bool
) -> None:
    """Look at every image of a data set before a run does; exit 1 where there is a fault."""
    gc.enable()
    from repro.leftovers import write
    from repro.render import dataset_documents, datasets, terminal

    glance = _present(name, folder)
    with stoppable("stopped; nothing was changed"):
        survey, looked_at, found = _verified(glance, quick=quick, workers=workers or cores(), quiet=as_json)
    faults = sum(finding.level == "fault" for finding in found)
    code = FAULTY if faults else 0
    if report:
        write(report, datasets.report(found), option="--report")
    if as_json:
        terminal.json(
            dataset_documents.verified(glance.set, survey, found, looked_at=looked_at, is_quick=quick, code=code)
        )
    else:
        datasets.findings(found)
        where = f"; all of them in {report}" if report else ""
        looked = f"{looked_at:,} images {'looked at, headers alone' if quick else 'decoded'}"
        told = f"{faults:,} fault{'' if faults == 1 else 's'}, {len(found) - faults:,} notes"
        terminal.line(f"verify {name}: {looked}; {told}{where} (exit {code})", "bold")
    sys.exit(code)


@make.command("imagenet-100")
@click.option("--root", type=click.Path(path_type=Path), help="ImageNet; the folder of repro.toml where left out.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Where the tree goes.")
@click.option("--copy", "is_copy", is_flag=True, help="Copy the images; links where left out.")
def imagenet_100(root: Path | None, out: Path, is_copy: bool) -> None:
    """The 100 classes of CMC's list out of ImageNet, as a tree of links."""
    from repro.holdings import subset
    from repro.holdings.classes import members
    from repro.render import terminal
    from repro.render.tally import Tally

    glances, _ = _glances("imagenet")
    found = root or glances[0].folder
    if found is None:
        raise UsageError("--root: expected the folder of ImageNet, as neither repro.toml nor a variable names it")
    names = members("imagenet-100")
    place, total = subset.copy if is_copy else subset.link, len(names) * len(subset.SPLITS)
    with Tally(terminal.console(), "imagenet-100", total=total, unit="classes") as tally, stoppable():
        done = subset.derive(found.expanduser(), out.expanduser(), names, place=place, step=tally.step)
    how = "copied" if is_copy else "linked"
    terminal.line(f"{out}: {done.made} class folders {how}, {done.there} were there")


@data.command()
@shared("profile", "data")
@click.option(
    "--output", "-o", type=click.Path(path_type=Path, dir_okay=False), default=Path("sheet.png"), show_default=True
)
def sheet(profile: str, data: Sequence[str], output: Path) -> None:
    """Draw a contact sheet: one row a data set of the profile, one column a class."""
    from repro.files import explain
    from repro.lab.images.preview import preview
    from repro.plan.sets import resolved
    from repro.plan.typed import folders
    from repro.render import terminal
    from repro.render.sheet import contact_sheet
    from repro.spec import load

    means = load.profile(profile)
    named = folders(data, list(means.data), profile=means.id)
    specs = {name: resolved(means, name, named) for name in means.datasets}
    sets = {name: preview(spec, of=specs.get(str(spec.get("of")))) for name, spec in specs.items()}
    shown = {name: images for name, images in sets.items() if images is not None}
    if not shown:
        raise DataMissing(f'the profile "{means.id}" has no images to show')
    try:
        contact_sheet(shown, path=output)
    except OSError as error:
        raise StoreError(explain(error, output, option="--output")) from error
    terminal.line(f"{output}: contact sheet of the profile {means.id}")


def _glances(name: str | None = None) -> tuple[list[Glance], Locations]:
    """One data set, or all, at a glance."""
    from repro.holdings import places
    from repro.spec import catalogue, locations

    known, here = catalogue.read(), locations.load()
    wanted = known.sets if name is None else [known.find(name)]
    return [places.glance(each, known, here) for each in wanted], here


def _target(glance: Glance, locations: Locations) -> Path:
    """Where a data set goes that no option says: its own folder, or one below the root."""
    name = glance.set.name
    if glance.folder is not None and glance.within is None:
        return glance.folder
    if locations.root is not None:
        return locations.root / name
    raise UsageError(f"--to: expected a folder for {name}, as repro.toml has neither {name} nor root in its [data]")


def _present(name: str, folder: Path | None) -> Glance:
    """A data set that is there, where it was named or where `folder` says; raises `DataMissing` with the next step."""
    from dataclasses import replace

    from repro.holdings import places
    from repro.render import datasets

    (glance,), _ = _glances(name)
    if folder is not None:
        folder = folder.expanduser()
        return replace(glance, folder=folder, base=places.base(folder, glance.set), within=None)
    if glance.state in ("not named", "missing"):
        steps = "; or ".join(datasets.steps(glance))
        raise DataMissing(f"{name}: {datasets.standing(glance)}; next: {steps}")
    return glance


def _verified(glance: Glance, *, quick: bool, workers: int, quiet: bool) -> tuple[Survey, int, list[Finding]]:
    """Folders and numbers first, then every image: what was counted, how many were looked at, what was found."""
    from repro.holdings import survey
    from repro.holdings.findings import Finding
    from repro.holdings.receipts import unfinished
    from repro.render import datasets, terminal
    from repro.render.tally import Tally

    each, base, within = glance.set, glance.base, glance.within is not None
    assert base is not None
    assert glance.folder is not None
    found = []
    if mark := unfinished(glance.folder):
        found.append(
            Finding("fault", "unfinished", "", f"repro data fetch was cut off at {mark.archive}; run it again")
        )
    folders = survey.folders_of(each, base, within=within) if base.is_dir() else 0
    with Tally(terminal.console(), f"{each.name}: folders", total=folders, unit="folders") as tally:
        surveyed = survey.survey(each, base, within=within, quick=quick, step=_nothing if quiet else tally.step)
    if not quiet:
        datasets.surveyed(each, surveyed)
    looked_at, remarks = _inspected(each, surveyed, quick=quick, workers=workers, quiet=quiet)
    return surveyed, looked_at, [*found, *surveyed.findings, *remarks]


def _inspected(each: DataSet, surveyed: Survey, *, quick: bool, workers: int, quiet: bool) -> tuple[int, list[Finding]]:
    """Every image file, in worker processes."""
    from repro.holdings import survey
    from repro.holdings.findings import Finding
    from repro.lab.images import inspection
    from repro.render import terminal
    from repro.render.tally import Tally

    tasks = (inspection.Task(path, tree.pixels or 0) for path, tree in survey.pictures(each, surveyed.base))
    found: list[Finding] = []
    total = surveyed.images if each.trees else 0
    looked_at, workers = 0, workers if total > inspection.TOGETHER else 1
    with Tally(terminal.console(), f"{each.name}: images", total=total, unit="images") as tally:
        for count, remarks in inspection.inspect(surveyed.base, tasks, workers=workers, decode=not quick):
            looked_at += count
            found += [Finding(remark.level, remark.what, remark.path, remark.detail) for remark in remarks]
            for _ in range(0 if quiet else count):
                tally.step()
    return looked_at, sorted(found, key=lambda finding: finding.path)


def _nothing() -> None:
    """Nobody watches."""
