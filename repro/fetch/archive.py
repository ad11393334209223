"""Archives of others, tar and zip, unpacked so that nothing leaves the folder and nothing half looks whole.

Differs from tarfile's filters and ZipFile.extractall: a name that leads out, a link, a device or a name that is given
twice ends the unpacking with a sentence, where those strip, skip or overwrite. Modes, owners and times are not taken.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, cast

from repro.errors import DataMissing, StoreError
from repro.files import explain

BLOCK = 1 << 20  # bytes copied at once
DENSE = 100  # times its own size an archive may unpack to, beyond SPARE: pictures hardly pack
SPARE = 1 << 28  # bytes
PIECE = 1 << 25  # bytes that an archive may have read at once, such as a zip's list of entries: 700,000 of them at most
PACKED: Mapping[bytes, Callable[[IO[bytes]], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
}
"""How a packed tar begins, and what unpacks it."""
_DAMAGED = (
    *(tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, lzma.LZMAError, zlib.error, EOFError, ValueError),
    NotImplementedError,  # of zipfile: packed in a way that it cannot undo
)


@dataclass(frozen=True)
class Entry:
    """A file of an archive: its checked name, its size, and how to read it."""

    name: str
    size: int
    open: Callable[[], IO[bytes]]


@dataclass(frozen=True)
class Unpacked:
    """What came out of an archive."""

    files: int
    bytes: int


def unpack(
    archive: Path, into: Path, *, strip: str | None = None, progress: Callable[[int], None] | None = None
) -> Unpacked:
    """Unpack the files of an archive into a folder that is not there yet, without the leading folder `strip`.

    `progress` hears how many bytes of the archive were read. Raises `DataMissing` for an archive that is damaged or
    wants out of the folder, and `StoreError` where something cannot be written; the folder is then gone again.
    """
    if into.exists():
        raise StoreError(f"{into}: expected no such folder yet, as it is unpacked into; move it away")
    files = size = 0
    try:
        into.mkdir(parents=True)
    except OSError as error:
        raise StoreError(explain(error, into, option="--to")) from error
    try:
        for entry in entries(archive, progress=progress):
            _check_size(archive, size + entry.size)
            write(archive, entry, into / _stripped(entry.name, strip))
            files, size = files + 1, size + entry.size
    except BaseException:
        shutil.rmtree(into, ignore_errors=True)
        raise
    if not files:
        into.rmdir()
        raise DataMissing(f"{archive}: expected an archive with files in it, found none; get it again")
    return Unpacked(files, size)


def _check_size(archive: Path, size: int) -> None:
    """Refuse an archive that says it unpacks to far more than it is, before that is written."""
    own = archive.stat().st_size
    if size > SPARE + DENSE * own:
        raise DataMissing(
            f"{archive}: expected at most {SPARE + DENSE * own:,} bytes in an archive of {own:,}, as pictures hardly "
            f"pack, found {size:,} or more; nothing of it is unpacked, get the archive from its home"
        )


def entries(archive: Path, *, progress: Callable[[int], None] | None = None) -> Iterator[Entry]:
    """The files of an archive in its order, each to be read before the next is asked for.

    Raises `DataMissing` where the archive is absent or damaged, or an entry is a link, a device or leads out.
    """
    try:
        with archive.open("rb") as stream:
            is_zip = zipfile.is_zipfile(stream)
            stream.seek(0)
            yield from (_of_zip if is_zip else _of_tar)(archive, stream, progress or (lambda _: None))
    except FileNotFoundError as error:
        raise DataMissing(f"{archive}: expected an archive, found nothing there") from error
    except _DAMAGED as error:
        raise DataMissing(_damaged(archive, error)) from error


class _Sparing:
    """A file of which no large piece is read at once: what says how long it is may say more than memory has."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream
        self.seek, self.tell, self.seekable, self.close = stream.seek, stream.tell, stream.seekable, stream.close

    def read(self, size: int | None = -1, /) -> bytes:
        """As of any file; raises `ValueError` for a piece that is larger than `PIECE`."""
        if size is not None and size > PIECE:
            raise ValueError(f"a list or a name in it takes {size:,} bytes, more than {PIECE:,}")
        return self.stream.read(-1 if size is None else size)


def _of_tar(archive: Path, stream: IO[bytes], progress: Callable[[int], None]) -> Iterator[Entry]:
    begins = stream.read(8)
    stream.seek(0)
    unpacked = next((opened(stream) for sign, opened in PACKED.items() if begins.startswith(sign)), stream)
    with tarfile.open(fileobj=cast("IO[bytes]", _Sparing(unpacked)), mode="r:") as tar:
        while (member := tar.next()) is not None:
            tar.members.clear()  # type: ignore[attr-defined]  # a million of them would fill the memory
            progress(stream.tell())
            if member.isdir():
                _safe(archive, member.name)
            elif not member.isreg():
                what = "a link" if member.issym() or member.islnk() else "a device or a pipe"
                raise DataMissing(_refused(archive, member.name, f"is {what}"))
            else:
                yield Entry(_safe(archive, member.name), member.size, partial(_opened, tar, member))


def _opened(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    content = tar.extractfile(member)
    assert content is not None
    return content


def _of_zip(archive: Path, stream: IO[bytes], progress: Callable[[int], None]) -> Iterator[Entry]:
    with zipfile.ZipFile(cast("IO[bytes]", _Sparing(stream))) as packed:
        done = 0
        for member in packed.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                what = "a link" if kind == stat.S_IFLNK else "a device or a pipe"
                raise DataMissing(_refused(archive, member.filename, f"is {what}"))
            if member.flag_bits & 1:
                raise DataMissing(_refused(archive, member.filename, "is encrypted"))
            name = _safe(archive, member.filename)
            if not member.is_dir():
                yield Entry(name, member.file_size, partial(packed.open, member))
            done += member.compress_size
            progress(done)


def _safe(archive: Path, name: str) -> str:
    """A name that stays in the folder, without leading `./`; raises `DataMissing` for any other."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if not name or name.startswith("/") or "\\" in name or ".." in parts or any(ord(sign) < 32 for sign in name):
        raise DataMissing(_refused(archive, name, "leads out of the folder or is no plain name"))
    return "/".join(parts)


def _refused(archive: Path, name: str, why: str) -> str:
    return (
        f"{archive}: expected files and folders alone, but {name!r} {why}; nothing of it is unpacked, "
        "get the archive from its home"
    )


def _damaged(archive: Path, error: Exception) -> str:
    words = str(error) or type(error).__name__
    reason = "it is cut short" if isinstance(error, EOFError) or "unexpected end" in words else words.rstrip(".")
    return f"{archive}: expected a whole tar or zip archive, found one that cannot be read ({reason}); get it again"


def _stripped(name: str, strip: str | None) -> str:
    return name.removeprefix(f"{strip}/") if strip else name


def write(archive: Path, entry: Entry, target: Path) -> None:
    """Write one file of an archive.

    Raises `DataMissing` where its content is damaged or its name was met before, `StoreError` where the disk refuses.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with entry.open() as content, target.open("xb") as stream:
            shutil.copyfileobj(content, stream, BLOCK)
            if stream.tell() != entry.size:
                raise EOFError
    except _DAMAGED as error:
        raise DataMissing(_damaged(archive, error)) from error
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise DataMissing(_refused(archive, entry.name, "has the name of another entry")) from error
    except OSError as error:
        raise StoreError(explain(error, target, option="--to")) from error
