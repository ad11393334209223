"""Where a data set is on this machine, at a glance: a look at a few folders, nothing read or counted."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from repro.holdings import classes
from repro.holdings.receipts import unfinished
from repro.spec.catalogue import Catalogue, DataSet, Tree, folders
from repro.spec.locations import Locations

State = Literal["here", "in part", "unfinished", "missing", "not named"]
_FEW = 4  # trees whose class folders are counted at a glance


@dataclass(frozen=True)
class Glance:
    """One data set at a glance."""

    set: DataSet
    folder: Path | None  # as it was named
    said: str  # who named it
    base: Path | None  # where its images begin: the folder, or the one in it that its archive has everything in
    state: State
    missing: tuple[str, ...]  # folders and files of the set that are not there
    within: str | None  # the data set it is looked for in, where it has no folder of its own


def glance(each: DataSet, catalogue: Catalogue, locations: Locations) -> Glance:
    """Look where a data set is said to be."""
    folder, said, within = locations.data.get(each.name), locations.whose(each.name), None
    if folder is None and each.of is not None and each.of in locations.data:
        folder, said, within = locations.data[each.of], locations.whose(each.of), each.of
    if folder is None:
        return Glance(each, None, "", None, "not named", (), None)
    start = base(folder, catalogue.find(within) if within else each)
    absent = tuple(missing(each, start))
    parts = sum(len(folders(tree)) for tree in each.trees if not tree.spare) + len(each.files)
    state: State = "here" if not absent else "in part"
    if unfinished(folder) is not None:
        state = "unfinished"
    elif not start.is_dir() or len(absent) >= parts:
        state = "missing"
    return Glance(each, folder, said, start, state, absent, within)


def base(folder: Path, each: DataSet) -> Path:
    """The folder where a set's images begin: the one named, or what its archive put everything into."""
    inner = folder / each.inner if each.inner else folder
    return inner if inner.is_dir() else folder


def missing(each: DataSet, start: Path) -> list[str]:
    """Folders and files that a whole set has and this one has not, spare ones left out; class folders are counted."""
    found = [file.name for file in each.files if not (start / file.name).is_file()]
    for tree in each.trees:
        if not tree.spare:
            parts = folders(tree)
            found += [part or "." for part in parts if not (start / part).is_dir()]
            if len(parts) <= _FEW:
                found += [lack for part in parts if (lack := _classes(tree, start / part, part))]
    return found


def _classes(tree: Tree, folder: Path, part: str) -> str:
    """How many class folders a tree lacks, in words; "" where none or all of it does."""
    if not folder.is_dir():
        return ""
    wanted = [set(expected(tree.classes)), *(set(expected(name)) for name in tree.also)]
    found = set(subfolders(folder))
    lacking = min(len(names - found) for names in wanted)
    total = len(wanted[0])
    if lacking >= total or not found & wanted[0]:
        return part or "."
    return f"{lacking} class folder{'s' * (lacking > 1)} of {part or 'it'}" if lacking else ""


def expected(names: str | list[str]) -> tuple[str, ...]:
    """The class folders that a tree of the catalogue asks for."""
    return classes.members(names) if isinstance(names, str) else tuple(sorted(names))


def subfolders(folder: Path) -> list[str]:
    """Sorted names of the folders in a folder, hidden ones left out; none where it cannot be looked into."""
    try:
        with os.scandir(folder) as found:
            return sorted(entry.name for entry in found if not entry.name.startswith(".") and entry.is_dir())
    except OSError:
        return []
