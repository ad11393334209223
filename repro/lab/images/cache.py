"""A set's images decoded once, each whole, its shorter side at most so many pixels: bytes that are mapped into memory.

A cache is a folder of shards, `00000.pack` and so on, of 512 images each in the order of their paths, uint8 (3, h, w)
one after the other; beside each a file of JSON with its SHA-256 and of each image the size and the CRC-32, written when
the shard is whole; and last `index.npz` with all paths, places and CRC-32, and `cache.json`, which says of what listing
the cache is.

Differs: a training crop of a cached image is resized twice, where that of a file is resized once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from repro.errors import DataMissing
from repro.files import digest, file_digest
from repro.lab.data import Files, Packed

ABOUT, INDEX = "cache.json", "index.npz"
LAYOUT = 2


def listing(files: Files) -> str:
    """Digest of the relative paths and sizes of a set's files, whatever their order and wherever they are."""
    rows = sorted(zip(files.paths.tolist(), files.sizes.tolist(), strict=True))
    return digest([list(row) for row in rows])


def check(held: Mapping[str, Any], files: Files, folder: Path, *, side: int) -> None:
    """Raises `DataMissing` where what `about` gave is not of these files at this side."""
    if (held["listing"], held["side"]) != (listing(files), side):
        raise DataMissing(
            f"{folder}: holds a cache of other images: of {held['images']:,} with a shorter side of {held['side']}, "
            f"where {len(files):,} with {side} are asked for; name another folder, or delete this one"
        )


def packed(files: Files, folder: Path, *, side: int) -> Packed:
    """The images of `files` as the cache in `folder` holds them, in the order of `files`.

    Each image is compared with its CRC-32 whenever it is read; the SHA-256 of the files are not compared here, which
    `repro data make cache --check` does. Raises `DataMissing` where there is no whole cache, or that of other images or
    of another side.
    """
    held = about(folder)
    if held is None:
        raise DataMissing(f"{folder}: expected a cache of {len(files):,} images, found none; `repro data make cache`")
    check(held, files, folder, side=side)
    try:
        with np.load(folder / INDEX) as index:
            paths, cells = index["paths"], index["cells"]
        if file_digest(folder / INDEX) != held["index"] or len(paths) != held["images"]:
            raise ValueError("its files do not belong together")
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as fault:
        raise DataMissing(f"{folder / INDEX}: cannot be read ({fault}); `repro data make cache` again") from fault
    names, digests = zip(*held["shards"], strict=True)
    absent = [name for name in names if not (folder / name).is_file()]
    if absent:
        raise DataMissing(
            f"{folder}: {len(absent)} of {len(names)} files of the cache are gone, such as {absent[0]}; "
            "`repro data make cache` again"
        )
    rows = np.searchsorted(paths, files.paths)  # sorted when they were written
    return Packed(folder, names, digests, cells[rows], resize=files.resize, pixels=files.pixels)


def about(folder: Path) -> dict[str, Any] | None:
    """What `cache.json` says; raises `DataMissing` where it is damaged or of another layout."""
    try:
        held: dict[str, Any] = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        claimed = held.pop("digest")
        if held["layout"] != LAYOUT or claimed != digest(held):
            raise ValueError("its digest is not that of its content")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as fault:
        raise DataMissing(f"{folder / ABOUT}: cannot be read ({fault}); delete it and make the cache again") from fault
    return {**held, "digest": claimed}
