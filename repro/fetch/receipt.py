"""What was found out about a file when it came: `<file>.json` beside it, which outlives the file.

A hash that nobody published is the one of the first download, ours from then on; a file with another is refused.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from repro.errors import StoreError
from repro.fetch.wanted import Got
from repro.leftovers import write as keep

SCHEMA = 1


@dataclass(frozen=True)
class Digest:
    """A file that was taken for the right one: its hash, when, and where from."""

    sha256: str
    bytes: int
    date: str  # ISO 8601, UTC
    url: str
    hash_by: Literal["authors", "ours"]  # whose hash it was checked against; "ours": nobody's, it was the first


@dataclass(frozen=True)
class Receipt:
    """The digests that are good, the last of them that of the file here; and by what a change is noticed cheaply."""

    digests: tuple[Digest, ...]
    published: str | None  # the hash that the list gave then
    bytes: int
    mtime_ns: int

    @property
    def last(self) -> Digest:
        """The file that is here, or was."""
        return self.digests[-1]


def place(path: Path) -> Path:
    """Where the receipt of a file is."""
    return path.with_name(f"{path.name}.json")


def read(path: Path) -> Receipt | None:
    """The receipt of a file, or None where there is none; raises `StoreError` where it is damaged."""
    at = place(path)
    try:
        found = json.loads(at.read_text(encoding="utf-8"))
        digests = tuple(Digest(**each) for each in found["digests"])
        receipt = Receipt(digests, found["published"], int(found["bytes"]), int(found["mtime_ns"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise StoreError(_damaged(at, str(error))) from error
    if found.get("schema") != SCHEMA or not digests:
        raise StoreError(_damaged(at, f"schema {found.get('schema')}, {len(digests)} digests"))
    return receipt


def _damaged(at: Path, why: str) -> str:
    return (
        f"{at}: expected the receipt of a download, found something else ({why}); "
        "remove it to have the file checked anew, its hash then counts as a first one"
    )


def write(
    got: Got, *, url: str, hash_by: Literal["authors", "ours"], published: str | None, before: Sequence[Digest]
) -> Receipt:
    """Note a file that came and was checked, beside what is known from before."""
    stat = got.path.stat()
    same = [each for each in before if each.sha256 == got.sha256]
    new = same[0] if same else Digest(got.sha256, got.bytes, _now(), url, hash_by)
    digests = (*(each for each in before if each.sha256 != got.sha256), new)
    receipt = Receipt(digests, published, stat.st_size, stat.st_mtime_ns)
    text = json.dumps({"schema": SCHEMA, **asdict(receipt)}, indent=2)
    keep(place(got.path), f"{text}\n", option="--weights")
    return receipt


def is_untouched(path: Path, receipt: Receipt) -> bool:
    """Whether size and time of a file are those of the receipt; costs one look at the file system."""
    stat = path.stat()
    return (stat.st_size, stat.st_mtime_ns) == (receipt.bytes, receipt.mtime_ns)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
