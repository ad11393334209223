"""Weight files by name: which are here, how they come, and whether they are still what they were."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal
from urllib.parse import quote

from repro.errors import DataMissing, UsageError
from repro.fetch import anywhere, local, receipt
from repro.fetch.arrival import WEIGHTS, check
from repro.fetch.server import Patience
from repro.fetch.wanted import Got, Note, Progress, Wanted
from repro.spec.checkpoint import Checkpoint

SUFFIXES = (".pth.tar", ".safetensors", ".pth", ".pt")


@dataclass(frozen=True)
class Held:
    """A weight file that is here: its hash, whose hash that is, and since when."""

    path: Path
    sha256: str
    bytes: int
    hash_by: Literal["authors", "ours"]
    date: str  # ISO 8601, UTC
    url: str


@dataclass(frozen=True)
class Asked:
    """How a person wants a file to come."""

    file: Path | None = None  # taken instead of what the address has
    mirror: str | None = None  # folder or address that holds the files under the names they have here
    accept: str | None = None  # "sha256:...", taken though it is another than was known
    offline: bool = False


def path_of(checkpoint: Checkpoint, folder: Path) -> Path:
    """Where a weight file is or would be: its name in the list, with its authors' ending."""
    last = checkpoint.filename or PurePosixPath(checkpoint.url.partition("?")[0]).name
    suffix = next((each for each in SUFFIXES if last.endswith(each)), ".pth")
    return folder / f"{checkpoint.name}{suffix}"


def held(checkpoint: Checkpoint, folder: Path) -> Held | None:
    """The file, if it is here and was checked when it came; None otherwise. Reads no byte of it."""
    return state(checkpoint, folder)[0]


def state(checkpoint: Checkpoint, folder: Path) -> tuple[Held | None, str]:
    """The file, if it is here and was checked when it came; or why it does not count, "" where nothing is here."""
    path = path_of(checkpoint, folder)
    if not os.path.isfile(path):
        return None, ""
    found = receipt.read(path)
    if found is None:
        return None, "was never checked"
    if not receipt.is_untouched(path, found):
        return None, "changed since it was checked"
    if checkpoint.hash not in (None, found.published):
        return None, "was checked against another hash than the list has now"
    return _held(path, found), ""


def _held(path: Path, found: receipt.Receipt) -> Held:
    last = found.last
    return Held(path, last.sha256, last.bytes, last.hash_by, last.date, last.url)


def fetch(
    checkpoint: Checkpoint,
    folder: Path,
    *,
    asked: Asked | None = None,
    progress: Progress | None = None,
    note: Note | None = None,
    patience: Patience | None = None,
) -> Held:
    """Bring a weight file into the folder, unless it is there; one that is there and was not checked is checked.

    Raises `DataMissing` where it cannot be had or is another file, `StoreError` where it cannot be written.
    """
    asked, path = asked or Asked(), path_of(checkpoint, folder)
    there = held(checkpoint, folder)
    if there is not None and asked.file is None:
        return there
    if asked.file is not None and os.path.exists(path):
        raise UsageError(
            f"{checkpoint.name}: {path} is here already; move it away to take {asked.file} in its place, "
            f"or look at it with: repro checkpoints verify {checkpoint.name}"
        )
    before = receipt.read(path)
    wanted = _wanted(checkpoint, before, asked, path)
    got = anywhere.fetch(wanted, path, progress=progress, offline=asked.offline, note=note, patience=patience)
    return _noted(checkpoint, wanted, got, before, asked)


def verify(checkpoint: Checkpoint, folder: Path) -> Held:
    """Read a file that is here again, whole, and see that it is what it was.

    Raises `DataMissing` where it is not here or is another one; one that nobody knew is noted now, as ours.
    """
    path = path_of(checkpoint, folder)
    if not os.path.isfile(path):
        raise DataMissing(f"{checkpoint.name}: {path} is not here; repro checkpoints fetch {checkpoint.name}")
    before = receipt.read(path)
    wanted = _wanted(checkpoint, before, Asked(), path)
    return _noted(checkpoint, wanted, check(wanted, path, target=path, is_kept=True), before, Asked())


def _noted(checkpoint: Checkpoint, wanted: Wanted, got: Got, before: receipt.Receipt | None, asked: Asked) -> Held:
    """Write down a file that was checked, against the authors' hash or, where there is none, for the first time."""
    is_published = _is_published(checkpoint) and asked.accept != f"sha256:{got.sha256}"
    written = receipt.write(
        got,
        url=wanted.url,
        hash_by="authors" if is_published else "ours",
        published=checkpoint.hash,
        before=before.digests if before else (),
    )
    return _held(got.path, written)


def _wanted(checkpoint: Checkpoint, before: receipt.Receipt | None, asked: Asked, path: Path) -> Wanted:
    """What is known of the file: by earlier downloads, by its list, and by what is accepted now.

    Once a file was found to have the list's hash, which may be the head of one only, its own whole hash counts.
    """
    digests = before.digests if before and before.published == checkpoint.hash else ()
    known = [f"sha256:{each.sha256}" for each in digests]
    if checkpoint.hash and (checkpoint.hash_by != "authors" or all(each.hash_by == "ours" for each in digests)):
        known.insert(0, checkpoint.hash)
    if asked.accept and known:
        known.append(asked.accept)
    command = f"repro checkpoints fetch {checkpoint.name}"
    given = f" --from {shlex.quote(str(asked.file))}" if asked.file else ""
    return Wanted(
        checkpoint.name,
        _address(checkpoint, asked, path),
        checkpoint.bytes,
        known[0] if known else None,
        "none" if not known else "authors" if known[0] == checkpoint.hash and _is_published(checkpoint) else "ours",
        also=tuple(known[1:]),
        kinds=WEIGHTS,
        by_hand=f"hand it over: {command} --from FILE",
        accept=f"or take it as it is: {command}{given} --accept-digest sha256:{{sha256}}",
    )


def _is_published(checkpoint: Checkpoint) -> bool:
    return checkpoint.hash is not None and checkpoint.hash_by == "authors"


def _address(checkpoint: Checkpoint, asked: Asked, path: Path) -> str:
    if asked.file is not None:
        return str(asked.file.absolute())
    if asked.mirror is None:
        return checkpoint.url
    base, source = asked.mirror.rstrip("/"), local.path_of(asked.mirror)
    return str(source.absolute() / path.name) if source else f"{base}/{quote(path.name)}"


@dataclass(frozen=True)
class Entry:
    """A weight file of the list, and whether it is here."""

    checkpoint: Checkpoint
    path: Path
    held: Held | None
    doubt: str  # why what is here does not count; "" where it does, or where nothing is


def survey(checkpoints: Iterable[Checkpoint], folder: Path) -> list[Entry]:
    """Look for every file of a list; reads no byte of any."""
    return [Entry(each, path_of(each, folder), *state(each, folder)) for each in checkpoints]
