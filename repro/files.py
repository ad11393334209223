"""Files that are there whole or not at all, and the hashes that say so."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from repro.errors import StoreError

_FULL = 1 << 20  # bytes: a disk with less left is called full


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spare blanks: equal values give equal text.

    >>> canonical({"b": 1, "a": [1, 2]})
    '{"a":[1,2],"b":1}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: Any) -> str:
    """SHA-256, as 64 hexadecimal digits, of a JSON value in canonical form."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_whole(path: Path, content: bytes | str, *, option: str = "--results") -> None:
    """Write a file so that a reader, or a crash at any moment, meets the old content or the new, never a part.

    Raises `StoreError` with what to do; `option` is the one that names another place.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StoreError(explain(error, path, option=option)) from error


def explain(error: OSError, path: Path, *, option: str = "--results") -> str:
    """One sentence for what the operating system refused, and what to do."""
    elsewhere = f"name another folder with {option}"
    number = error.errno or (errno.ENOSPC if _is_full(path) else 0)  # numpy tells a short write without its cause
    advice = {
        errno.ENOSPC: "the disk is full; free some space and run the same command again, nothing finished is lost",
        errno.EDQUOT: "the disk quota is used up; free some space and run the same command again",
        errno.EROFS: f"the file system is read-only; {elsewhere}",
        errno.EACCES: f"no permission to write here; {elsewhere}",
        errno.EPERM: f"no permission to write here; {elsewhere}",
        errno.ENOTDIR: f"a folder was expected and a file is in the way; move it or {elsewhere}",
        errno.EEXIST: f"a folder was expected and a file is in the way; move it or {elsewhere}",
        errno.EISDIR: f"a file was expected and a folder is in the way; move it or {elsewhere}",
    }.get(number, f"{error.strerror or error}")
    return f"{path}: {advice}"


def _is_full(path: Path) -> bool:
    folder = next((place for place in (path, *path.parents) if place.is_dir()), None)
    return folder is not None and shutil.disk_usage(folder).free < _FULL
