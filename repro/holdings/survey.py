"""A data set's folders beside the catalogue: folders, classes, numbers of images and names; no image is opened.

Whatever does not fit is told by name: what is missing, what is too much, what lies in the wrong place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from repro.errors import DataMissing
from repro.holdings import branches, files
from repro.holdings.branches import Held
from repro.holdings.classes import another, fingerprint, identify
from repro.holdings.findings import Count, Finding, Survey
from repro.holdings.places import expected
from repro.holdings.trees import images, level
from repro.spec.catalogue import DataSet, Tree, folders

Step = Callable[[], None]


@dataclass(frozen=True)
class Wanted:
    """One folder of class folders, and which of them count."""

    tree: Tree
    folder: str
    names: tuple[str, ...]  # the list that the folders found come closest to
    found: tuple[str, ...]  # folders that are there


def survey(each: DataSet, base: Path, *, within: bool, quick: bool, step: Step) -> Survey:
    """Compare a data set's folder with the catalogue; `step` hears of each class folder that was looked into.

    `within`: it is part of another set's folder, where more may lie. `quick`: files are not hashed. Raises
    `DataMissing` where there is no such folder or it cannot be read.
    """
    if not base.is_dir():
        raise DataMissing(
            f"{base}: expected {each.title}, {each.layout}; found {'a file' if base.exists() else 'nothing'}"
        )
    try:
        counts, findings = [], list(_top(each, base, within=within))
        for tree in each.trees:
            held: list[Held] = []
            for want in _wanted(tree, base, within=within):
                here = branches.held(base, want.folder, want.names, want.found, tree, step)
                held.append(here)
                counts.append(_count(want, here))
                findings += [*_classes(want, here), *_number(want, here), *branches.judged(here, tree, each.beside)]
            findings += [*_absent(tree, base), *(_unlike(held, base) if tree.alike else ())]
        for file in each.files:
            counts += [files.count(file, base)] if file.images else []
            findings += files.judged(file, base, quick=quick)
        if each.manifest:
            findings += files.against_manifest(each.manifest, base, quick=quick)
    except OSError as error:
        raise DataMissing(f"{error.filename or base}: cannot be read ({error.strerror or error})") from error
    return Survey(base, tuple(counts), tuple(findings))


def pictures(each: DataSet, base: Path) -> Iterator[tuple[str, Tree]]:
    """Every image of the set's own classes, as a path below `base`, with the tree that it belongs to."""
    for tree in each.trees:
        for want in _wanted(tree, base, within=False):
            start = f"{want.folder}/" if want.folder else ""
            for name in images(base / want.folder, want.names):
                yield start + name, tree


def folders_of(each: DataSet, base: Path, *, within: bool) -> int:
    """How many class folders a survey looks into."""
    return sum(len(want.found) for tree in each.trees for want in _wanted(tree, base, within=within))


def _wanted(tree: Tree, base: Path, *, within: bool) -> Iterator[Wanted]:
    """The folders of a tree that are there, each with the list of classes that it comes closest to."""
    lists = [expected(tree.classes), *(expected(name) for name in tree.also)]
    for folder in folders(tree):
        if (base / folder).is_dir():
            found = level(base / folder).folders
            names = next((each for each in lists if set(each) == set(found)), lists[0])
            found = tuple(name for name in found if name in set(names)) if within else found
            yield Wanted(tree, folder, names, found)


def _top(each: DataSet, base: Path, *, within: bool) -> Iterator[Finding]:
    """What lies in the set's folder and belongs to no part of it."""
    if within or any(tree.folder == "" for tree in each.trees):
        return
    known = {folder.split("/")[0] for tree in each.trees for folder in folders(tree)}
    known |= {file.name for file in each.files} | set(each.beside) | {each.inner or ""}
    here = level(base)
    for name in (*here.folders, *here.files):
        if name not in known:
            yield Finding("note", "belongs to no part of the set, left out", name)


def _count(want: Wanted, here: Held) -> Count:
    tree = want.tree
    is_whole = want.names == expected(tree.classes)
    images = tree.images if is_whole else tree.per_class and tree.per_class * len(want.names)
    inside = [name for name in want.found if name in want.names]
    return Count(
        want.folder, here.images, images, len(inside), len(want.names), identify(want.found), fingerprint(want.found)
    )


def _classes(want: Wanted, here: Held) -> Iterator[Finding]:
    """Class folders that are missing or unknown, and the list that they are where it is not the set's own."""
    found, names = set(want.found), set(want.names)
    if text := another(found):
        yield Finding("fault", text, want.folder)
        return
    for name in sorted(names - found):
        yield Finding("fault", "class folder missing", _below(want.folder, name))
    for name in sorted(found - names):
        yield _unknown(_below(want.folder, name), here.strangers[name], is_subset=found > names)
    if want.names != expected(want.tree.classes):
        text = f"holds {len(names)} classes, those that networks on ImageNet-100 know; not the whole set"
        yield Finding("note", text, want.folder)


def _number(want: Wanted, here: Held) -> Iterator[Finding]:
    """A number of images that is not the one expected; where classes are missing, that says it already."""
    count = _count(want, here)
    if count.images_expected in (None, count.images) or not set(want.names) <= set(want.found):
        return
    text = f"found {count.images:,}, expected {count.images_expected:,}"
    if want.tree.doubt:
        yield Finding("note", "number of images", want.folder, f"{text}; {want.tree.doubt}")
    else:
        yield Finding("fault", "number of images", want.folder, text)


def _unknown(path: str, images: int, *, is_subset: bool) -> Finding:
    if is_subset and _is_class(path):
        return Finding("note", "class folder of another class, left out", path, f"{images:,} images")
    return Finding(
        "fault",
        "unknown class folder",
        path,
        f"its {images:,} images are left out; labels that follow the order of folders would shift",
    )


def _is_class(path: str) -> bool:
    """Whether a folder is named after one of ImageNet's classes."""
    return path.rsplit("/", 1)[-1] in expected("imagenet-1k")


def _absent(tree: Tree, base: Path) -> list[Finding]:
    """Folders of a tree that are not there: all of them or, of a spare one, some of them."""
    parts = folders(tree)
    absent = [part for part in parts if not (base / part).is_dir()]
    if tree.spare:
        begun = {part.split("/")[0] for part in parts if part not in absent}
        absent = [part for part in absent if part.split("/")[0] in begun]
    return [Finding("fault", "folder missing", part) for part in absent]


def _unlike(held: list[Held], base: Path) -> Iterator[Finding]:
    """Folders whose images have other names than most of the folders have."""
    marks = [each.mark for each in held]
    most = held[marks.index(max(marks, key=marks.count))] if held else None
    for each in held:
        if most is not None and each.mark != most.mark:
            theirs, ours = (set(images(base / one.folder, tuple(one.sizes))) for one in (most, each))
            shown = ", ".join((sorted(theirs - ours) + sorted(ours - theirs))[:2])
            text = (
                f"{len(theirs - ours):,} of {most.folder} are not here, {len(ours - theirs):,} are here alone: {shown}"
            )
            yield Finding("fault", "images have other names than in the other folders", each.folder, text)


def _below(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
