"""Making a cache (`repro.lab.images.cache`): shard by shard in several processes, gone on with after any stop."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from repro.errors import DataMissing, JobFailed, StoreError, UsageError
from repro.files import digest, explain, file_digest, write_whole
from repro.lab.data import Files
from repro.lab.datasets.folder import NOT_PICTURES
from repro.lab.images import cache
from repro.lab.images.cache import ABOUT, INDEX, LAYOUT
from repro.lab.images.shard import OPTION, Outcome, Shard, carry_out, known_of, size_of
from repro.lab.jobs import Context
from repro.lab.recipes import build, member
from repro.lab.workers import prepare

SHARD = 512  # images; what a kill loses at most of each worker's
_NAMED = 3
_SPARE = 1.05  # of the estimate of bytes
_ASPECT = 1.4  # longer side over shorter, of most photographs at most, for that estimate


def tree(root: Path) -> Files:
    """All pictures below a folder, in the order of their paths. Raises `DataMissing` where there is none."""
    found = [path for path in root.rglob("*") if path.suffix.lower() not in NOT_PICTURES and path.is_file()]
    shown = sorted(path.relative_to(root).as_posix() for path in found)
    paths = [path for path in shown if not any(part.startswith(".") for part in path.split("/"))]
    if not paths:
        what = "none in it" if root.is_dir() else "no folder"
        raise DataMissing(f"{root}: expected a folder of images, found {what}")
    return Files(root, np.array(paths), np.array([(root / path).stat().st_size for path in paths]), resize=0, pixels=0)


def files(spec: Mapping[str, Any], *, name: str) -> Files:
    """The files of the set that `spec` describes; raises `UsageError` where its images are none."""
    module = member("datasets", spec["name"])
    recipe = build(module.Recipe, {key: value for key, value in spec.items() if key != "fingerprint"})
    context = Context(device="cpu")
    images = (module.find(recipe, context=context) if hasattr(module, "find") else module.build(recipe)).images
    if not isinstance(images, Files):
        raise UsageError(f"--set: the images of {name} are in memory already; a cache holds those of files")
    return images


def is_finished(todo: Sequence[Shard]) -> bool:
    """Whether the index of a cache is there too, and is that of these shards."""
    folder = todo[0].folder
    held = cache.about(folder)
    if held is None or not (folder / INDEX).is_file():
        return False
    shown = [[shard.file.name, (known_of(shard) or {}).get("sha256")] for shard in todo]
    return held["shards"] == shown and held["index"] == file_digest(folder / INDEX)


def shards(files: Files, folder: Path, *, side: int, only_check: bool) -> list[Shard]:
    """The shards that a set is cut into. Raises `DataMissing` where `folder` holds the cache of another set."""
    found, held = cache.listing(files), cache.about(folder)
    if held is not None:
        cache.check(held, files, folder, side=side)
    paths = sorted(files.paths.tolist())
    cuts = range(0, len(paths), SHARD)
    return [
        Shard(folder, number, files.root, tuple(paths[start : start + SHARD]), side, found, only_check)
        for number, start in enumerate(cuts)
    ]


def make(todo: Sequence[Shard], *, workers: int) -> Iterator[Outcome]:
    """Make the shards that are not there, in processes of their own; those there are read and their hashes compared.

    Closing the iterator stops; a shard that is whole is kept. Raises `StoreError` where one cannot be written, and
    `JobFailed` where a worker dies.
    """
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=prepare)
    rest, running = iter(todo), set[Future[Outcome]]()
    try:
        while True:
            running |= {pool.submit(carry_out, shard) for shard in islice(rest, workers - len(running))}
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    except BrokenProcessPool as error:
        raise JobFailed(
            "a worker was killed, perhaps as memory ran out; nothing finished is lost: run the same command again, "
            "with a smaller --workers"
        ) from error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def finish(todo: Sequence[Shard]) -> dict[str, Any]:
    """Write the index of a cache whose shards are all there, and `cache.json` last; gives what that holds."""
    known = [known_of(shard) or {} for shard in todo]
    cells = []
    for number, each in enumerate(known):
        start = 0
        for (height, width), check in zip(each["sizes"], each["checks"], strict=True):
            cells.append((number, start, height, width, check))
            start += 3 * height * width
    folder = todo[0].folder
    columns = {"paths": np.array([path for shard in todo for path in shard.paths]), "cells": np.array(cells, np.int64)}
    part = folder / f".{INDEX}.part"
    try:
        with part.open("wb") as file:
            np.savez_compressed(file, **columns)
            file.flush()
            os.fsync(file.fileno())  # `cache.json` must not outlive it where the machine goes down
        os.replace(part, folder / INDEX)
    except OSError as error:
        raise StoreError(explain(error, folder / INDEX, option=OPTION)) from error
    about: dict[str, Any] = {
        "layout": LAYOUT,
        "listing": todo[0].listing,
        "side": todo[0].side,
        "images": len(cells),
        "bytes": sum(map(size_of, known)),
        "index": file_digest(folder / INDEX),
        "shards": [[shard.file.name, each["sha256"]] for shard, each in zip(todo, known, strict=True)],
    }
    about["digest"] = digest(about)
    write_whole(folder / ABOUT, json.dumps(about, indent=1) + "\n", option=OPTION)
    return about


def check_room(files: Files, folder: Path, *, side: int) -> int:
    """Bytes that a cache will take, about; raises `StoreError` where the disk has less."""
    wanted = int(3 * side * side * _ASPECT * _SPARE * len(files))
    there = next(place for place in (folder, *folder.absolute().parents) if place.is_dir())
    held = sum(path.stat().st_size for path in folder.glob("*.pack"))
    free = shutil.disk_usage(there).free
    if wanted - held > free:
        raise StoreError(
            f"{folder}: {len(files):,} images of a shorter side of {side} take up to {wanted / 1e9:,.1f} GB and "
            f"{free / 1e9:,.1f} GB are free; lower --side or name another folder with {OPTION}"
        )
    return wanted


def unread(outcomes: Sequence[Outcome]) -> str:
    """One sentence for the images that could not be decoded, of failed shards."""
    faults = [reason for outcome in outcomes if outcome.how == "failed" for reason in outcome.reasons]
    more = f" and {len(faults) - _NAMED} more" if len(faults) > _NAMED else ""
    return (
        f"{outcomes[0].shard.root}: {len(faults)} files are no pictures that can be read: "
        f"{', '.join(faults[:_NAMED])}{more}; replace them and run the same command again, what is whole is kept"
    )
