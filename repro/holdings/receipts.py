"""What a folder of a data set remembers of its archives: which were unpacked into it, with which hash and whose.

A mark says that something is being put there, so that a half of it is never taken for the whole.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from repro.errors import StoreError
from repro.files import explain
from repro.leftovers import write as keep

FILE = ".repro-archives.json"
MARK = ".repro-unfinished.json"


@dataclass(frozen=True)
class Receipt:
    """One archive that was unpacked: its size and hash, and whether that hash was published or first seen here."""

    bytes: int
    sha256: str
    hash_by: str  # "authors", "others", or "ours": recorded at the first download
    unpacked: str  # when, ISO 8601


@dataclass(frozen=True)
class Mark:
    """What is under way: an archive, and the entries that are being moved into place, none before all are there."""

    archive: str
    moving: tuple[str, ...]
    receipt: Receipt  # for when it is done


def receipts(folder: Path) -> dict[str, Receipt]:
    """Archive -> receipt; none where there is no such file.

    Raises `StoreError` where the file is there and is not what was written.
    """
    found = _read(folder / FILE)
    try:
        return {name: Receipt(**entry) for name, entry in (found or {}).items()}
    except TypeError as error:
        raise StoreError(_odd(folder / FILE)) from error


def note(folder: Path, archive: str, receipt: Receipt) -> None:
    """Add a receipt."""
    kept = {name: asdict(each) for name, each in {**receipts(folder), archive: receipt}.items()}
    keep(folder / FILE, json.dumps(kept, indent=1) + "\n", option="--to")


def unfinished(folder: Path) -> Mark | None:
    """What was under way in a folder when it was last left; None where nothing was."""
    found = _read(folder / MARK)
    if found is None:
        return None
    try:
        return Mark(found["archive"], tuple(found["moving"]), Receipt(**found["receipt"]))
    except (KeyError, TypeError) as error:
        raise StoreError(_odd(folder / MARK)) from error


def begin(folder: Path, mark: Mark) -> None:
    """Say what is under way."""
    keep(folder / MARK, json.dumps(asdict(mark)) + "\n", option="--to")


def end(folder: Path) -> None:
    """Say that nothing is under way any more."""
    try:
        (folder / MARK).unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(explain(error, folder / MARK, option="--to")) from error


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StoreError(explain(error, path, option="--to")) from error
    except (ValueError, RecursionError) as error:
        raise StoreError(_odd(path)) from error
    if not isinstance(found, dict):
        raise StoreError(_odd(path))
    return found


def _odd(path: Path) -> str:
    return f"{path}: expected what `repro data fetch` wrote, found something else; remove it and fetch again"
