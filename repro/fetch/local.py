"""A file that lies in a folder already, a person's own copy or a mirror's, taken by the same checks as a download."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from repro.errors import DataMissing
from repro.fetch.arrival import check
from repro.fetch.part import part
from repro.fetch.wanted import Got, Note, Progress, Wanted

BLOCK = 1 << 22  # bytes copied at once


def path_of(address: str) -> Path | None:
    """The path that an address means, or None where it leads elsewhere.

    >>> path_of("file:///a%20b"), path_of("c/d.pth"), path_of("https://a/b")
    (PosixPath('/a b'), PosixPath('c/d.pth'), None)
    """
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return Path(unquote(parts.path))
    return Path(address).expanduser() if not parts.scheme else None


def take(
    wanted: Wanted, target: Path, *, source: Path, progress: Progress | None = None, note: Note, option: str
) -> Got:
    """Copy a file of this machine to `target`, unless one is there; what is there is checked too.

    Raises `DataMissing` where the file cannot be read or is another one, `StoreError` where it cannot be written.
    """
    if os.path.exists(target):
        return check(wanted, target, target=target, is_kept=True)
    with part(target, option=option, note=note) as begun:
        if begun is None:
            return check(wanted, target, target=target, is_kept=True)
        begun.restart()
        if source.exists() and not source.is_file():
            raise DataMissing(f"{wanted.name}: {source}: expected a file, found a folder, device or pipe; name a file")
        try:
            with source.open("rb") as stream:
                total = source.stat().st_size
                begun.reserve(total)
                while block := stream.read(BLOCK):
                    begun.write(block)
                    if progress:
                        progress(begun.size, total)
        except OSError as error:
            begun.restart()
            raise DataMissing(
                f"{wanted.name}: {source}: cannot be read ({error.strerror or error}); name a file that can"
            ) from error
        try:
            got = check(wanted, begun.path, target=target)
        except DataMissing:
            begun.restart()
            raise
        begun.keep()
    return got
