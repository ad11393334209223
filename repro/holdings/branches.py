"""The class folders of one tree: how many images each holds, and files that are not what their place says."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from repro.holdings.findings import Finding
from repro.holdings.trees import Branch, branch, is_picture, level
from repro.spec.catalogue import Tree

_WNID = re.compile(r"(n\d{8})_")


@dataclass
class Held:
    """What a folder of class folders holds."""

    folder: str
    files: tuple[str, ...]  # that lie beside the class folders
    hidden: tuple[str, ...]
    sizes: dict[str, int] = field(default_factory=dict)  # class folder -> images
    strangers: dict[str, int] = field(default_factory=dict)  # unknown folder -> images
    mark: str = ""  # hash over the names of its images: trees that are alike have the same
    findings: list[Finding] = field(default_factory=list)

    @property
    def images(self) -> int:
        """Images in the class folders that count."""
        return sum(self.sizes.values())


def held(
    base: Path, folder: str, names: Sequence[str], found: Sequence[str], tree: Tree, step: Callable[[], None]
) -> Held:
    """Look into each class folder that is there; raises `OSError` where one cannot be read."""
    here = level(base / folder)
    held = Held(folder, here.files, here.hidden)
    wanted, total = set(names), hashlib.sha256()
    stems: dict[str, str] = {}  # stem -> class folder, where a name is given once in a tree
    for name in found:
        each = branch(base / folder / name)
        step()
        if name not in wanted:
            held.strangers[name] = len(each.images)
            continue
        held.sizes[name] = len(each.images)
        total.update("".join(f"{name}/{file}\n" for file in each.images).encode(errors="surrogateescape"))
        held.findings += _in_branch(_start(folder) + name, each, tree)
        if tree.unique == "tree":
            held.findings += _twice(folder, each, stems)
    held.mark = total.hexdigest()
    return held


def judged(held: Held, tree: Tree, beside: Sequence[str]) -> Iterator[Finding]:
    """What is wrong with, or to be said of, a tree's class folders and the files among them but those named."""
    start = _start(held.folder)
    for name in held.hidden:
        yield Finding("note", "hidden file or folder, left out", start + name)
    for name in held.files:
        if is_picture(name) and os.path.splitext(name)[1].lower() in _lower(tree.endings):
            yield Finding("fault", "image outside of any class folder", start + name, "it has no label and is left out")
        elif name not in beside:
            yield Finding("note", "belongs to no part of the set, left out", start + name)
    for name, size in held.sizes.items():
        if size == 0:
            yield Finding("fault", "class folder without an image", start + name)
        elif tree.per_class is not None and size != tree.per_class and tree.doubt is None:
            text = f"found {size:,}, expected {tree.per_class:,}"
            yield Finding("fault", "number of images in a class", start + name, text)
    yield from held.findings


def _in_branch(place: str, each: Branch, tree: Tree) -> Iterator[Finding]:
    for name in each.hidden:
        yield Finding("note", "hidden file or folder, left out", f"{place}/{name}")
    for name in each.others:
        yield Finding("note", "no image by its ending, left out", f"{place}/{name}")
    for name in each.folders:
        yield Finding("note", "folder inside of a class folder, looked into", f"{place}/{name}")
    endings = _lower(tree.endings)
    stems = Counter(os.path.splitext(name)[0] for name in each.images)
    for name in each.images:
        stem, ending = os.path.splitext(name)
        if ending.lower() not in endings:
            yield Finding("note", f"another ending than {' or '.join(tree.endings)}", f"{place}/{name}")
        if stems[stem] > 1:
            yield Finding("fault", "name given twice but for its ending", f"{place}/{name}")
        said = _WNID.match(os.path.basename(name))
        if said and said[1] != each.name:
            yield Finding("fault", "named after another class", f"{place}/{name}", f"it lies in {each.name}")


def _twice(folder: str, each: Branch, stems: dict[str, str]) -> Iterator[Finding]:
    """Images whose name another class has too."""
    for name in each.images:
        stem = os.path.splitext(os.path.basename(name))[0]
        other = stems.setdefault(stem, each.name)
        if other != each.name:
            path = f"{_start(folder)}{each.name}/{name}"
            yield Finding("fault", "name given in two classes", path, f"{other} has it too")


def _lower(endings: Sequence[str]) -> set[str]:
    return {ending.lower() for ending in endings}


def _start(folder: str) -> str:
    return f"{folder}/" if folder else ""
