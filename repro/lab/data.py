"""A labelled set of images as every job meets it: in memory, on disk, and as one digest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from repro.errors import DataMissing
from repro.files import write_whole

PICTURES = "images.npy"
LISTING = "files.npz"
PLACE = "place.json"
TARGETS = "targets.npz"
INFO = "info.json"
LAYOUT = 1


@dataclass(frozen=True)
class Recipe:
    """Which sets a row learns from, by the paper's names for them, and at which size."""

    pretrain: str
    labelled: str
    held_out: str  # watched by a probe that looks after each epoch
    pixels: int


@dataclass(frozen=True)
class Files:
    """Images that stay where their owner has them, decoded each time they are asked for (`repro.lab.images.reading`).

    Looked at as they are, an image has its shorter side brought to `resize` (0: left as it is), then the middle
    `pixels` x `pixels` is cut out; what trains on them cuts its own crops out of the whole image.
    """

    root: Path
    paths: NDArray[np.str_]  # (N,), below the root, with / between folders
    sizes: NDArray[np.int64]  # (N,), bytes
    resize: int
    pixels: int

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, rows: Any) -> Files:
        return replace(self, paths=self.paths[rows], sizes=self.sizes[rows])


@dataclass(frozen=True)
class Packed:
    """Images decoded into a cache (`repro.lab.images.cache`), each whole, of a size of its own; seen as `Files` are."""

    root: Path
    files: tuple[str, ...]  # below the root
    digests: tuple[str, ...]  # SHA-256 of each file
    cells: NDArray[np.int64]  # (N, 5): the file, first byte, height, width and CRC-32 of uint8 (3, height, width)
    resize: int
    pixels: int

    def __len__(self) -> int:
        return len(self.cells)

    def __getitem__(self, rows: Any) -> Packed:
        return replace(self, cells=self.cells[rows])


Pictures = NDArray[np.uint8] | Files | Packed
"""The images of a set, and of some of it: `pictures[rows]`."""


@dataclass(frozen=True)
class Images:
    """A set of images, with what is known of each.

    `images` is uint8 (N, 3, H, W), all of one size, or `Files` or `Packed` of any size; `labels` int64 (N,), -1 where
    unlabelled; `classes` names the labels. `textures` int64 (N,) is the class of the texture where it differs from the
    shape's (cue conflict). `condition` int64 (N,) indexes `conditions`, such as "gaussian_noise/3". `names` (N,) tells
    the images of a set apart, so that sets made from the same images can be laid side by side; a file's is its path
    without the ending. `parents` maps each class to an index of `parent_names`, -1 for a class without a superclass.
    """

    images: Pictures
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    textures: NDArray[np.int64] | None = None
    condition: NDArray[np.int64] | None = None
    conditions: tuple[str, ...] = ()
    names: NDArray[np.str_] | None = None
    parents: tuple[int, ...] | None = None
    parent_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.images, np.ndarray):
            assert self.images.shape[1:] == (3, *self.images.shape[2:])
            assert self.images.dtype == np.uint8
        for column in (self.labels, self.textures, self.condition):
            assert column is None or (column.shape == (len(self.images),) and column.dtype == np.int64)
        assert self.names is None or self.names.shape == (len(self.images),)
        assert (self.condition is None) == (not self.conditions)
        assert self.parents is None or len(self.parents) == len(self.classes)

    def __len__(self) -> int:
        return len(self.images)

    @property
    def digest(self) -> str:
        """SHA-256 of everything in the set, in hexadecimal: equal digests are equal sets."""
        total = hashlib.sha256(json.dumps(_description(self), sort_keys=True).encode())
        for column in (*_columns(self.images), self.labels, self.textures, self.condition, self.names):
            total.update(b"none" if column is None else np.ascontiguousarray(column).data)
        return total.hexdigest()

    def __getitem__(self, rows: Any) -> Images:
        """Some of the images, by a slice, indices or a mask; classes and conditions stay all."""
        names = ("images", "labels", "textures", "condition", "names")
        columns = {name: getattr(self, name) for name in names}
        return replace(self, **{name: column[rows] for name, column in columns.items() if column is not None})


def write(images: Images, folder: Path, *, place: str = "") -> list[str]:
    """Write a set as three files of `folder` and return their names; `info.json` comes last and holds the digest.

    Of `Files` and `Packed` the listing is written, and apart from it where they are, as that may change; `place` is the
    folder of their owner's that they lie in or below.
    """
    folder.mkdir(parents=True, exist_ok=True)
    seen = images.images
    pictures = PICTURES if isinstance(seen, np.ndarray) else LISTING
    if isinstance(seen, np.ndarray):
        np.save(folder / PICTURES, seen)
    else:
        listed = {"paths": seen.paths, "sizes": seen.sizes} if isinstance(seen, Files) else {"cells": seen.cells}
        np.savez_compressed(folder / LISTING, **listed)
        _put(folder, seen.root, Path(place) if place else seen.root)
    columns = {name: getattr(images, name) for name in ("labels", "textures", "condition", "names")}
    np.savez(folder / TARGETS, **{name: column for name, column in columns.items() if column is not None})
    info = {"layout": LAYOUT, "digest": images.digest, **_description(images)}
    (folder / INFO).write_text(json.dumps(info, indent=1) + "\n", encoding="utf-8")
    return [pictures, TARGETS, INFO]


def move(folder: Path, place: Path) -> None:
    """Note that the owner's folder is at another place now; the set is the same. One of arrays stays as it is."""
    try:
        now = json.loads((folder / PLACE).read_text(encoding="utf-8"))
        if now["place"] != str(place):
            _put(folder, place / Path(now["root"]).relative_to(now["place"]), place)
    except FileNotFoundError:
        return
    except (ValueError, KeyError, TypeError) as fault:
        told = f"{folder / PLACE}: cannot be read ({fault}); delete {folder} to have the set listed again"
        raise DataMissing(told) from fault


def _put(folder: Path, root: Path, place: Path) -> None:
    write_whole(folder / PLACE, json.dumps({"root": str(root), "place": str(place)}) + "\n")


def read(folder: Path) -> Images:
    """Read a set that `write` wrote; the images stay on disk, memory-mapped or in their files.

    Raises `DataMissing` when a file is absent, cut short or does not belong to the others.
    """
    try:
        info = json.loads((folder / INFO).read_text(encoding="utf-8"))
        is_listed = "files" in info or "packed" in info
        pictures = _listed(folder, info) if is_listed else np.load(folder / PICTURES, mmap_mode="r")
        with open(folder / TARGETS, "rb") as file, np.load(file) as targets:
            columns = {name: targets[name] for name in targets.files}
        if info["layout"] != LAYOUT or _shape(pictures) != info["shape"] or len(columns["labels"]) != len(pictures):
            raise ValueError("its files do not belong together")
        parents = info["parents"]
        return Images(
            images=pictures,
            labels=columns["labels"],
            classes=tuple(info["classes"]),
            textures=columns.get("textures"),
            condition=columns.get("condition"),
            conditions=tuple(info["conditions"]),
            names=columns.get("names"),
            parents=None if parents is None else tuple(parents),
            parent_names=tuple(info["parent_names"]),
        )
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as fault:
        raise DataMissing(
            f"{folder}: expected a set of images, found none that can be read ({fault}); make it again"
        ) from fault


def _listed(folder: Path, info: dict[str, Any]) -> Files | Packed:
    root = Path(json.loads((folder / PLACE).read_text(encoding="utf-8"))["root"])
    with open(folder / LISTING, "rb") as file, np.load(file) as listing:
        if "files" in info:
            return Files(root, listing["paths"], listing["sizes"], **info["files"])
        known = {name: tuple(part) if isinstance(part, list) else part for name, part in info["packed"].items()}
        return Packed(root, cells=listing["cells"], **known)


def _columns(pictures: Pictures) -> tuple[NDArray[Any], ...]:
    """What tells the images of a set from others; the hashes of packed ones are in the description."""
    if isinstance(pictures, Files):
        return pictures.paths, pictures.sizes
    return (pictures.cells,) if isinstance(pictures, Packed) else (pictures,)


def _shape(pictures: Pictures) -> list[int]:
    return list(pictures.shape) if isinstance(pictures, np.ndarray) else [len(pictures)]


def _seen(pictures: Pictures) -> dict[str, object]:
    if isinstance(pictures, np.ndarray):
        return {}
    how: dict[str, object] = {"resize": pictures.resize, "pixels": pictures.pixels}
    if isinstance(pictures, Files):
        return {"files": how}
    return {"packed": {**how, "files": list(pictures.files), "digests": list(pictures.digests)}}


def _description(images: Images) -> dict[str, object]:
    return {
        **_seen(images.images),
        "shape": _shape(images.images),
        "classes": list(images.classes),
        "conditions": list(images.conditions),
        "parents": None if images.parents is None else list(images.parents),
        "parent_names": list(images.parent_names),
    }
