"""A file on its way: `<name>.part` beside its place, owned by one process at a time, renamed when it is whole."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from repro.errors import StoreError
from repro.fetch.wanted import Note
from repro.files import explain, write_whole


@dataclass(frozen=True)
class Origin:
    """By what a server can tell that the file which was begun is still the one it has."""

    url: str
    etag: str  # "" where the server gave none
    modified: str
    total: int | None  # bytes of the whole file


class Part:
    """The file on its way, locked; what is written to it survives the process."""

    def __init__(self, path: Path, target: Path, stream: BinaryIO, option: str) -> None:
        self.path, self.target, self.option = path, target, option
        self.stream = stream
        self.about = path.with_name(f"{path.name}.json")

    @property
    def size(self) -> int:
        """Bytes that are here."""
        return os.fstat(self.stream.fileno()).st_size

    def write(self, block: bytes) -> None:
        """Add to the end; raises `StoreError` where the disk refuses."""
        try:
            self.stream.write(block)
        except OSError as error:
            raise StoreError(explain(error, self.path, option=self.option)) from error

    def restart(self) -> None:
        """Begin again at nothing."""
        self.stream.truncate(0)
        self.about.unlink(missing_ok=True)

    def origin(self) -> Origin | None:
        """What was noted of the file that was begun; None where nothing or nothing legible was."""
        try:
            found = json.loads(self.about.read_text(encoding="utf-8"))
            return Origin(str(found["url"]), str(found["etag"]), str(found["modified"]), found["total"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def note(self, origin: Origin) -> None:
        """Note where the file comes from, before its first byte."""
        write_whole(self.about, json.dumps(asdict(origin)), option=self.option)

    def is_whole(self, url: str) -> bool:
        """Whether all of an address's file is here, and only the check is to do."""
        origin = self.origin()
        return origin is not None and origin.url == url and self.size > 0 and self.size == origin.total

    def reserve(self, size: int) -> None:
        """See that so many more bytes fit on the disk; raises `StoreError` with both numbers."""
        free = shutil.disk_usage(self.path.parent).free
        if size > free:
            raise StoreError(
                f"{self.target}: {size:,} bytes more are needed and {free:,} are free in {self.path.parent}; "
                f"free some space, or name another folder with {self.option}"
            )

    def keep(self) -> None:
        """Put the whole file in its place."""
        try:
            os.fsync(self.stream.fileno())
            os.replace(self.path, self.target)
        except OSError as error:
            raise StoreError(explain(error, self.target, option=self.option)) from error
        self.about.unlink(missing_ok=True)

    def discard(self) -> None:
        """Leave nothing behind."""
        self.about.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)


def here(target: Path) -> int:
    """Bytes of a target that need not be loaded any more: all of it, what is on its way, or none."""
    for path in (target, _beside(target)):
        if path.is_file():
            return path.stat().st_size
    return 0


@contextmanager
def part(target: Path, *, option: str, note: Note) -> Iterator[Part | None]:
    """The one part of a target, locked for this process, waiting for another that has it.

    None where the other has put the whole file in its place meanwhile. Raises `StoreError` where the folder cannot be
    written, with what to do; `option` is the one that names another folder.
    """
    path = _beside(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        stream = _locked(path, target, note)
    except OSError as error:
        raise StoreError(explain(error, path, option=option)) from error
    if stream is None:
        yield None
        return
    found = Part(path, target, stream, option)
    try:
        yield found
    finally:
        if path.exists() and not found.size:
            found.discard()
        stream.close()


def _beside(target: Path) -> Path:
    return target.with_name(f"{target.name}.part")


def _locked(path: Path, target: Path, note: Note) -> BinaryIO | None:
    while True:
        stream = path.open("ab", buffering=0)
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                stream.close()
                raise
            note(f"{target.name}: another process is fetching it; waiting")
            fcntl.flock(stream, fcntl.LOCK_EX)
        if target.exists():
            if _is_at(stream, path):
                path.unlink()
            stream.close()
            return None
        if _is_at(stream, path):
            return stream
        stream.close()  # it was renamed or removed while we waited: what we hold is no longer the part


def _is_at(stream: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(stream.fileno()), path.stat())
    except FileNotFoundError:
        return False
