"""A labelled set of images as every job meets it: in memory, on disk, and as one digest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from repro.errors import DataMissing

PICTURES = "images.npy"
TARGETS = "targets.npz"
INFO = "info.json"
LAYOUT = 1


@dataclass(frozen=True)
class Recipe:
    """Which sets a row learns from, by the paper's names for them, and at which size."""

    pretrain: str
    labelled: str
    pixels: int


@dataclass(frozen=True)
class Images:
    """A set of images of one size, with what is known of each.

    `images` is uint8 (N, 3, H, W); `labels` int64 (N,), -1 where unlabelled; `classes` names the labels. `textures`
    int64 (N,) is the class of the texture where it differs from the shape's (cue conflict). `condition` int64 (N,)
    indexes `conditions`, such as "gaussian_noise/3". `names` (N,) tells the images of a set apart, so that sets made
    from the same images can be laid side by side; a file's is its path without the ending. `parents` maps each class to
    an index of `parent_names`, -1 for a class without a superclass.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    textures: NDArray[np.int64] | None = None
    condition: NDArray[np.int64] | None = None
    conditions: tuple[str, ...] = ()
    names: NDArray[np.str_] | None = None
    parents: tuple[int, ...] | None = None
    parent_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
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
        for column in (self.images, self.labels, self.textures, self.condition, self.names):
            total.update(b"none" if column is None else np.ascontiguousarray(column).data)
        return total.hexdigest()


def write(images: Images, folder: Path) -> list[str]:
    """Write a set as three files of `folder` and return their names; `info.json` comes last and holds the digest."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / PICTURES, images.images)
    columns = {name: getattr(images, name) for name in ("labels", "textures", "condition", "names")}
    np.savez(folder / TARGETS, **{name: column for name, column in columns.items() if column is not None})
    info = {"layout": LAYOUT, "digest": images.digest, **_description(images)}
    (folder / INFO).write_text(json.dumps(info, indent=1) + "\n", encoding="utf-8")
    return [PICTURES, TARGETS, INFO]


def read(folder: Path) -> Images:
    """Read a set that `write` wrote; the images stay on disk, memory-mapped.

    Raises `DataMissing` when a file is absent, cut short or does not belong to the others.
    """
    try:
        info = json.loads((folder / INFO).read_text(encoding="utf-8"))
        pictures = np.load(folder / PICTURES, mmap_mode="r")
        with open(folder / TARGETS, "rb") as file, np.load(file) as targets:
            columns = {name: targets[name] for name in targets.files}
        if info["layout"] != LAYOUT or list(pictures.shape) != info["shape"] or len(columns["labels"]) != len(pictures):
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


def _description(images: Images) -> dict[str, object]:
    return {
        "shape": list(images.images.shape),
        "classes": list(images.classes),
        "conditions": list(images.conditions),
        "parents": None if images.parents is None else list(images.parents),
        "parent_names": list(images.parent_names),
    }
