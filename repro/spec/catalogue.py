"""The data sets that the paper uses, as `datasets.toml` tells of them: origin, archives, layout, numbers, steps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from repro.errors import SpecError, UsageError
from repro.spec import home, load
from repro.spec.model import Id, Part, Text
from repro.spec.places import Faults, listed, nearest

Md5 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Ending = Annotated[str, StringConstraints(pattern=r"^\.[A-Za-z0-9]+$")]
Folder = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9_\-{},]+(/[A-Za-z0-9_\-{},]+)*)?$")]
ClassList = Literal["imagenet-1k", "imagenet-100", "imagenet-r", "imagenet-100-r", "geirhos-16"]
"""Lists of class folders' names that `repro/reference` holds."""
_CHOICE = re.compile(r"\{([^{}]*)\}")


class Archive(Part):
    """A file that a data set is unpacked from, and what is published of it."""

    name: Text
    url: Text | None = None
    bytes: int | None = Field(default=None, gt=0)
    md5: Md5 | None = None
    sha256: Sha256 | None = None
    hash_by: Literal["authors", "others", "none"]  # "others": pinned by libraries; "none": recorded at first download
    holds: Literal["tree", "ilsvrc-train", "ilsvrc-val", "ilsvrc-devkit"] = "tree"
    strip: Text | None = None  # the folder in the archive whose contents are the data set's folder
    gives: list[Text] = Field(
        default_factory=list
    )  # entries of the set's folder that come out of it, where that is known
    spare: bool = False  # no number of the paper needs it
    source: Text  # who published size and hashes


class Tree(Part):
    """A folder of class folders of images; `folder` may name alternatives, `{a,b}/{1,2}`, each of which is one."""

    folder: Folder  # below the set's folder; "": that folder itself
    classes: ClassList | list[Text]
    also: list[ClassList] = Field(
        default_factory=list
    )  # classes that make a whole set too, such as those of ImageNet-100
    endings: list[Ending] = Field(min_length=1)  # in any case of letters
    images: int | None = Field(default=None, gt=0)  # in each of the alternatives
    doubt: Text | None = None  # why another number of images is no fault
    per_class: int | None = Field(default=None, gt=0)
    pixels: int | None = Field(default=None, gt=0)  # side of every image, where it is fixed
    unique: Literal["class", "tree"] = "class"  # within what a file's name is given once
    alike: bool = False  # the alternatives hold the same names
    spare: bool = False  # may be absent


class Listed(Part):
    """A file of a set that is no tree of images."""

    name: Text
    bytes: int = Field(gt=0)
    md5: Md5
    images: int | None = Field(default=None, gt=0)
    labels: tuple[int, int] | None = Field(default=None, strict=False)  # each byte lies between these


class DataSet(Part):
    """One data set: where from, under which terms, what it holds, and what to do where it is missing."""

    name: Id
    title: Text
    home: Text
    licence: Text
    comes: Literal["download", "login", "derived", "made"]
    of: Id | None = None  # looked for in the folder of this set, where it has none of its own
    layout: Text
    inner: Text | None = None  # the folder that its archive has everything in; it may be left or not
    beside: list[Text] = Field(default_factory=list)  # files that lie beside the images and are none
    extracted: int | None = Field(default=None, gt=0)  # bytes, where published
    manifest: Text | None = None  # a hash of each image: "cue_conflict" of `repro/reference`, or a file beside this one
    archives: list[Archive] = Field(default_factory=list)
    trees: list[Tree] = Field(default_factory=list)
    files: list[Listed] = Field(default_factory=list)
    notes: list[Text] = Field(default_factory=list)
    steps: list[Text] = Field(min_length=1)
    sources: list[Text] = Field(min_length=1)

    @property
    def images(self) -> int | None:
        """Images that a whole set holds, spare parts left out; None where that is not known."""
        wanted = [tree for tree in self.trees if not tree.spare]
        if any(tree.images is None for tree in wanted):
            return None
        return sum((tree.images or 0) * len(folders(tree)) for tree in wanted) + sum(
            file.images or 0 for file in self.files
        )

    @property
    def loads(self) -> int | None:
        """Bytes to load, spare archives left out; None where one of them is not known or nothing is loaded."""
        sizes = [archive.bytes for archive in self.archives if not archive.spare and archive.holds != "ilsvrc-devkit"]
        return None if not sizes or None in sizes else sum(size or 0 for size in sizes)


class Catalogue(Part):
    """Every data set, in the order of the file."""

    schema_: Literal[1] = Field(alias="schema")
    sets: list[DataSet] = Field(min_length=1)

    def find(self, name: str) -> DataSet:
        """The data set of that name, or a sentence with the nearest one."""
        known = [each.name for each in self.sets]
        if name not in known:
            raise UsageError(f'no data set "{name}"; there are {listed(known)}{nearest(name, known)}')
        return self.sets[known.index(name)]


def read() -> Catalogue:
    """Load and check `datasets.toml`; raises `SpecError` with one line for each of its faults."""
    faults, found = load._read(home.datasets(), Catalogue)
    if found is not None:
        _check(found, faults)
    if faults.lines:
        raise SpecError(faults.lines)
    assert found is not None
    return found


def folders(tree: Tree) -> list[str]:
    """The folders of a tree, with one of each alternative.

    >>> folders(Tree(folder="{a,b}/{1,2}", classes=["x"], endings=[".png"]))
    ['a/1', 'a/2', 'b/1', 'b/2']
    """
    return list(_expanded(tree.folder))


def _expanded(pattern: str) -> Iterator[str]:
    parts = _CHOICE.split(pattern)  # text and choices in turn
    for chosen in product(*(part.split(",") if index % 2 else [part] for index, part in enumerate(parts))):
        yield "".join(chosen)


def _check(found: Catalogue, faults: Faults) -> None:
    """What the schema cannot say."""
    names = [each.name for each in found.sets]
    for index, each in enumerate(found.sets):
        if names.index(each.name) != index:
            faults.add(("sets", index, "name"), f'sets: the name "{each.name}" is given twice')
        if each.of is not None and each.of not in names:
            faults.add(("sets", index, "of"), f'set "{each.name}": of: no set "{each.of}"{nearest(each.of, names)}')
        if not each.trees and not each.files:
            faults.add(("sets", index), f'set "{each.name}": expected [[sets.trees]] or [[sets.files]], found neither')
        _archives(each.name, index, each.archives, faults)


def _archives(name: str, index: int, archives: Sequence[Archive], faults: Faults) -> None:
    for place, archive in enumerate(archives):
        here, label = ("sets", index, "archives", place), f'set "{name}", archive "{archive.name}"'
        has_hash = archive.md5 is not None or archive.sha256 is not None
        if has_hash == (archive.hash_by == "none"):
            faults.add(here, f'{label}: hash_by is "{archive.hash_by}" and {"a" if has_hash else "no"} hash is given')
