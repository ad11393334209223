"""A file that is wanted, and one that is here: what is known of either, and how it is said."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NoReturn

from repro.errors import DataMissing

Progress = Callable[[int, int | None], None]  # bytes that are here, bytes of the whole file where that is known
Note = Callable[[str], None]  # a line for the person who waits

SAID_BY = {"authors": "published by its authors", "ours": "recorded here at its first download", "none": "given"}


@dataclass(frozen=True)
class Wanted:
    """A file of others: where it is, and whatever is known by which it can be told from another."""

    name: str  # as the list has it
    url: str
    bytes: int | None  # its size, where it is known
    hash: str | None  # "md5:...", "sha256:...", "md5-prefix:...", "sha256-prefix:..."
    hash_by: Literal["authors", "ours", "none"]
    also: tuple[str, ...] = ()  # hashes that were accepted beside it
    kinds: tuple[str, ...] = ()  # what it may be by its first bytes (`arrival.KINDS`); none named: anything but a page
    by_hand: str = ""  # how a person hands over a file that came another way
    accept: str = ""  # how a person takes a file with another hash


@dataclass(frozen=True)
class Got:
    """A file that is here, whole and checked."""

    path: Path
    bytes: int
    sha256: str


def is_offline(asked: bool) -> bool:
    """Whether nothing may be asked of a network: as an option says, or REPRO_OFFLINE."""
    return asked or os.environ.get("REPRO_OFFLINE", "0") not in ("", "0")


def refuse_offline(wanted: Wanted, target: Path) -> NoReturn:
    """Say that a file would have to be downloaded and must not be; raises `DataMissing`."""
    raise DataMissing(
        f"{wanted.name}: {target} is not here, and nothing is downloaded offline (--offline or REPRO_OFFLINE); "
        f"get {wanted.url} where there is a network, then {by_hand(wanted, target)}"
    )


def by_hand(wanted: Wanted, target: Path) -> str:
    """How a person hands over a file that came another way."""
    return wanted.by_hand or f"put it at {target}"


def known(wanted: Wanted) -> str:
    """What is known of a file, for a sentence.

    >>> known(Wanted("a", "https://a", 1200, "md5-prefix:59fd9945", "authors"))
    '1,200 bytes with md5 59fd9945... (published by its authors)'
    """
    size = f"{wanted.bytes:,} bytes" if wanted.bytes is not None else ""
    if not wanted.hash:
        return size or "a file of unknown size and hash"
    hashes = " or ".join(spelled(each) for each in (wanted.hash, *wanted.also))
    return f"{size + ' with ' if size else ''}{hashes} ({SAID_BY[wanted.hash_by]})"


def spelled(hash: str) -> str:
    """A hash for a sentence.

    >>> spelled("sha256-prefix:19c8e357"), spelled("md5:0123")
    ('sha256 19c8e357...', 'md5 0123')
    """
    kind, _, digits = hash.partition(":")
    return f"{kind.removesuffix('-prefix')} {digits}{'...' if kind.endswith('-prefix') else ''}"
