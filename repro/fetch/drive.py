"""Files that lie on Google Drive, by way of gdown, which knows the page that stands before a large one.

Source: wkentaro/gdown, `download` of versions 5 and 6; what only one of them takes is given to that one.
Differs: gdown checks nothing of a file; what it brings is checked here before it is called by its name.
"""

from __future__ import annotations

import errno
import importlib.util
import inspect
import os
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from repro.errors import DataMissing, ReproError, StoreError
from repro.fetch import arrival
from repro.fetch.part import part
from repro.fetch.server import Patience
from repro.fetch.wanted import Got, Note, Progress, Wanted, by_hand, is_offline, known, refuse_offline
from repro.files import explain

_ID = re.compile(r"https://(?:drive|docs)\.google\.com/(?:file/d/|(?:uc|open)\?(?:[^#]*&)?id=)([\w-]{10,})")

FILE = "file"  # what gdown calls what it brings
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)


@dataclass(frozen=True)
class Way:
    """How a file comes: who brings it, where it belongs, who hears of it."""

    gdown: ModuleType
    target: Path
    progress: Progress | None
    note: Note
    option: str
    patience: Patience

    @property
    def folder(self) -> Path:
        """gdown's own, as it leaves what it began under names of its own."""
        return self.target.with_name(f".{self.target.name}.drive")


def id_of(address: str) -> str | None:
    """The id in an address of Google Drive, or None.

    >>> id_of("https://drive.google.com/file/d/1eCWCC0HDXxh1Zjzuq6r/view?usp=sharing")
    '1eCWCC0HDXxh1Zjzuq6r'
    """
    found = _ID.match(address)
    return found[1] if found else None


def fetch(
    wanted: Wanted,
    target: Path,
    *,
    progress: Progress | None = None,
    offline: bool = False,
    note: Note,
    option: str,
    patience: Patience,
) -> Got:
    """Bring a file of Google Drive to `target`, unless it is there; what is there is checked too.

    Raises `DataMissing` where gdown is absent, or the file cannot be had or is another one; `StoreError` where it
    cannot be written.
    """
    if os.path.exists(target):
        return arrival.check(wanted, target, target=target, is_kept=True)
    if is_offline(offline):
        refuse_offline(wanted, target)
    with part(target, option=option, note=note) as begun:
        if begun is None:
            return arrival.check(wanted, target, target=target, is_kept=True)
        way = Way(_gdown(wanted, target), target, progress, note, option, patience)
        was_begun = way.folder.is_dir() and any(way.folder.iterdir())
        try:
            got = _checked(wanted, way)
        except DataMissing:
            if not was_begun:
                raise
            note(f"{wanted.name}: what was begun earlier is of no use; from the start")
            got = _checked(wanted, way)
        with (way.folder / FILE).open("rb") as arrived:
            os.fsync(arrived.fileno())  # a file that is there is taken for whole, also after the machine went down
        (way.folder / FILE).replace(target)
        begun.discard()
        shutil.rmtree(way.folder, ignore_errors=True)
    return got


def _checked(wanted: Wanted, way: Way) -> Got:
    """Bring a file and look at it; one that is another is not kept."""
    arrived = _download(wanted, way)
    try:
        return arrival.check(wanted, arrived, target=way.target)
    except DataMissing:
        shutil.rmtree(way.folder, ignore_errors=True)
        raise


def check(names: Sequence[str]) -> None:
    """See that gdown is here where files of Google Drive are wanted; raises `DataMissing` otherwise."""
    if names and "gdown" not in sys.modules and importlib.util.find_spec("gdown") is None:
        raise DataMissing(
            f"files of Google Drive come by way of gdown, which is not installed ({', '.join(names[:3])}"
            f"{', ...' if len(names) > 3 else ''}); pip install 'repro-ns[drive]', "
            "or download them in a browser and hand each over: repro checkpoints fetch NAME --from FILE"
        )


def _gdown(wanted: Wanted, target: Path) -> ModuleType:
    try:
        return importlib.import_module("gdown")
    except ImportError as error:
        raise DataMissing(
            f"{wanted.name}: {wanted.url}: files of Google Drive come by way of gdown, which is not installed; "
            f"pip install 'repro-ns[drive]', or download it in a browser and {by_hand(wanted, target)}"
        ) from error


def _download(wanted: Wanted, way: Way) -> Path:
    """Let gdown bring the file, asking again where it fails in passing; returns where it lies."""
    try:
        way.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(explain(error, way.folder, option=way.option)) from error
    patience, fault = way.patience, ""
    for tried in range(1, patience.tries + 1):
        found, fault = _try(wanted, way)
        if found is not None:
            return found
        if tried < patience.tries:
            wait = min(patience.first_wait * 2.0 ** (tried - 1), patience.longest_wait)
            way.note(f"{wanted.name}: {fault}; again in {wait:g} s")
            patience.sleep(wait)
    raise DataMissing(
        f"{wanted.name}: {wanted.url}: expected {known(wanted)}, given up after {patience.tries} tries: {fault}; "
        f"the same command tries again, or download it in a browser and {by_hand(wanted, way.target)}"
    )


def _try(wanted: Wanted, way: Way) -> tuple[Path | None, str]:
    """The file, or why it did not come this time; raises where another try would be of no use."""
    more = {"progress": way.progress, "timeout": (way.patience.connect, way.patience.stall)}
    takes = inspect.signature(way.gdown.download).parameters
    extra: dict[str, Any] = {name: value for name, value in more.items() if name in takes and value}
    output = way.folder / FILE
    try:
        found = way.gdown.download(id=id_of(wanted.url), output=str(output), quiet=True, resume=True, **extra)
    except ReproError:  # from who hears of the progress
        raise
    except Exception as error:  # gdown's own are not the same in every version
        if isinstance(error, OSError) and error.errno in DISK:  # those of requests are OSError too, and have no number
            raise StoreError(explain(error, way.folder, option=way.option)) from error
        if type(error).__name__ == "FileURLRetrievalError":
            raise DataMissing(_refused(wanted, way, str(error))) from error
        return None, _one_line(str(error) or type(error).__name__)
    if found is None:
        raise DataMissing(_refused(wanted, way, "gdown brought nothing"))
    return output, ""


def _refused(wanted: Wanted, way: Way, words: str) -> str:
    """Why Google gives no file, and what to do."""
    hand = by_hand(wanted, way.target)
    if re.search(r"too many users|quota|many accesses", words, re.IGNORECASE):
        return (
            f"{wanted.name}: {wanted.url}: expected {known(wanted)}, found no file: its download quota is used up, or "
            f"it is not shared any more ({_one_line(words)}); try again in a day, or copy it to a Drive of your own, "
            f"download it from there and {hand}"
        )
    return (
        f"{wanted.name}: {wanted.url}: expected {known(wanted)}, found no file ({_one_line(words)}); "
        f"open the address in a browser; where the file is there, download it and {hand}"
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200].rstrip(".")
