"""Data sets as text: what is known of each, where it is, what is missing, and what a look at its images found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from repro.holdings.findings import Count, Finding, Survey
from repro.holdings.places import Glance, State
from repro.render import terminal
from repro.render.printable import size
from repro.spec.catalogue import Archive, DataSet, Tree, folders
from repro.spec.locations import Locations

SHOWN = 3  # places of one kind of finding that are printed; all of them are in the report
_MISSING = 6  # parts that are named where some are missing
COMES = {
    "download": "can be downloaded",
    "login": "behind a login",
    "derived": "part of another set",
    "made": "made by its user",
}
SIGNS: dict[State, tuple[str, str]] = {
    "here": ("✓", "green"),
    "in part": ("~", "yellow"),
    "unfinished": ("~", "yellow"),
    "missing": ("✗", "red"),
    "not named": ("·", "dim"),
}
HASHES = {"authors": "published", "others": "pinned by others", "none": "none published"}


def listing(glances: Sequence[Glance], locations: Locations) -> None:
    """`repro data list`."""
    here = sum(glance.state == "here" for glance in glances)
    terminal.line(f"{len(glances)} data sets, {here} of them here at a glance", "bold")
    for glance in glances:
        each = glance.set
        sign, style = SIGNS[glance.state]
        terminal.line(f"{sign} {each.name:19}{each.title}: {glance.state}", style)
        images = f"{each.images:,} images" if each.images else "number of images not known"
        terminal.hanging(f"      {images}; {_origin(each)}; hashes: {hashes(each)}", indent=6)
        terminal.hanging(f"      {each.licence}", indent=6, style="dim")
        if glance.folder is not None:
            terminal.command(f"      {glance.folder} ({_said(glance)})")
    terminal.hanging(f"weights: {locations.weights} ({locations.said['weights']})", style="dim")
    terminal.line("next: repro data where NAME, repro data fetch NAME, repro data verify NAME", "dim")


def _origin(each: DataSet) -> str:
    if each.comes == "download" and each.loads is None:
        return f"{COMES[each.comes]}, size not published"
    return COMES[each.comes] + (f", {size(each.loads)}" if each.loads else "")


def hashes(each: DataSet) -> str:
    """Who published hashes of a set's archives, in words."""
    if each.manifest:
        return "published, of each image"
    if not each.archives:
        return "none, as nothing is downloaded"
    return ", ".join(dict.fromkeys(HASHES[archive.hash_by] for archive in each.archives))


def _said(glance: Glance) -> str:
    return glance.said if glance.within is None else f"within {glance.within}, {glance.said}"


def where(glance: Glance) -> None:
    """`repro data where`: one set, all that is known, what is there, what is missing and the next step."""
    each = glance.set
    sign, style = SIGNS[glance.state]
    terminal.line(f"{each.name}: {each.title}", "bold")
    terminal.line(f"{sign} {standing(glance)}", style)
    if glance.missing and glance.state == "in part":
        more = f" and {len(glance.missing) - _MISSING} more" if len(glance.missing) > _MISSING else ""
        terminal.hanging(f"  missing: {', '.join(glance.missing[:_MISSING])}{more}", indent=4)
    for step in steps(glance):
        terminal.command(f"  next: {step}")
    for label, text in (
        ("home", each.home), ("licence", each.licence), ("origin", _origin(each)), ("layout", each.layout)
    ):  # fmt: skip
        terminal.hanging(f"  {label:8} {text}", indent=11)
    terminal.hanging(f"  {'images':8} {_images(each)}", indent=11)
    for archive in each.archives:
        terminal.hanging(f"  {'archive':8} {_archive(archive)}", indent=11)
    for label, texts in (("note", each.notes), ("source", each.sources)):
        for text in texts:
            terminal.hanging(f"  {label:8} {text}", indent=11, style="dim")


def standing(glance: Glance) -> str:
    """In one sentence where a set is and whether it is there."""
    if glance.folder is None:
        return "no folder is named, neither in repro.toml nor by a variable"
    inner = f", in {glance.base.name}/" if glance.base is not None and glance.base != glance.folder else ""
    place = f"{glance.folder}{inner} ({_said(glance)})"
    return {
        "here": f"here at a glance: {place}; repro data verify {glance.set.name} looks at every image",
        "in part": f"in part: {place}",
        "unfinished": f"unfinished: {place}; repro data fetch was cut off there",
        "missing": f"missing: nothing of it is in {place}",
        "not named": "",
    }[glance.state]


def steps(glance: Glance) -> list[str]:
    """What to do next; nothing for what is here."""
    if glance.state == "here":
        return []
    if glance.state == "unfinished":
        return [f"repro data fetch {glance.set.name} --to {glance.folder}   (goes on from there)"]
    return glance.set.steps


def _images(each: DataSet) -> str:
    parts = [_tree(tree) for tree in each.trees]
    return "; ".join([*parts, *(f"{file.images:,} in {file.name}" for file in each.files if file.images)])


def _tree(tree: Tree) -> str:
    many, number = folders(tree), f"{tree.images:,}" if tree.images else "an unknown number"
    where = f" in each of {len(many)} folders" if len(many) > 1 else f" in {many[0]}" if many[0] else ""
    doubt, spare = f" ({tree.doubt})" if tree.doubt else "", ", which may be absent" if tree.spare else ""
    return f"{number}{where}{spare}{doubt}"


def _archive(archive: Archive) -> str:
    known = f"{archive.bytes:,} bytes" if archive.bytes else "size not published"
    sums = [f"{kind} {sum_}" for kind, sum_ in (("md5", archive.md5), ("sha256", archive.sha256)) if sum_]
    return f"{archive.name}: {known}; {', '.join(sums) or 'no hash published'} ({archive.source}); {archive.url or ''}"


def surveyed(each: DataSet, survey: Survey) -> None:
    """How many images and classes each part has beside what it should; alike parts in one line."""
    terminal.line(f"{each.name}: {each.title} in {survey.base}", "bold")
    for _, group in groupby(survey.counts, key=lambda count: (count.images, count.images_expected, count.hash)):
        counts = list(group)
        first = counts[0].folder or "in all"
        which = f"{first} to {counts[-1].folder}, {len(counts)} folders each" if len(counts) > 1 else first
        terminal.hanging(f"  {which}: {_count(counts[0])}", indent=4)


def _count(count: Count) -> str:
    beside = f" of {count.images_expected:,}" if count.images_expected is not None else ", how many is not known"
    images = f"{count.images:,}{beside} images"
    if not count.classes_expected:
        return images
    kind = count.list or "no known list"
    return f"{images}, {count.classes:,} of {count.classes_expected:,} classes ({kind}, {count.hash[:8]})"


def findings(found: Iterable[Finding]) -> None:
    """Faults, then notes, by kind, the first few of each by name."""
    for (level, what), group in kinds(found).items():
        sign, style = ("✗", "red") if level == "fault" else ("·", "")
        terminal.hanging(f"{sign} {len(group):,} {what}:" if len(group) > 1 else f"{sign} {what}:", style=style)
        for finding in group[:SHOWN]:
            terminal.command(f"    {place(finding)}")
        if len(group) > SHOWN:
            terminal.line(f"    and {len(group) - SHOWN:,} more")


def kinds(found: Iterable[Finding]) -> dict[tuple[str, str], list[Finding]]:
    """Findings of one kind together, faults first, each kind in the order of its first."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in sorted(found, key=lambda each: each.level):
        groups.setdefault((finding.level, finding.what), []).append(finding)
    return groups


def place(finding: Finding) -> str:
    """A finding's place and what is to say of it there."""
    return f"{finding.path or 'the whole'}{f': {finding.detail}' if finding.detail else ''}"


def report(found: Iterable[Finding]) -> str:
    """All findings, one a line: level, kind, path and detail with tabs between."""
    return "".join(
        "\t".join((finding.level, finding.what, finding.path, finding.detail)).replace("\n", " ") + "\n"
        for group in kinds(found).values()
        for finding in group
    )
