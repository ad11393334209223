"""A file from wherever its address leads: a server, Google Drive, a folder of this machine."""

from __future__ import annotations

from pathlib import Path

from repro.fetch import drive, http, local
from repro.fetch.server import Patience
from repro.fetch.wanted import Got, Note, Progress, Wanted


def fetch(
    wanted: Wanted,
    target: Path,
    *,
    progress: Progress | None = None,
    offline: bool = False,
    note: Note | None = None,
    option: str = "--weights",
    patience: Patience | None = None,
) -> Got:
    """Bring a file to `target` whole and checked, unless it is there; what is there is checked too.

    Raises `DataMissing` where it cannot be had or is another file, `StoreError` where it cannot be written.
    """
    say, patience = note or _nobody, patience or Patience()
    source = local.path_of(wanted.url)
    if source is not None:
        return local.take(wanted, target, source=source, progress=progress, note=say, option=option)
    way = drive.fetch if drive.id_of(wanted.url) else http.fetch
    return way(wanted, target, progress=progress, offline=offline, note=say, option=option, patience=patience)


def _nobody(_: str) -> None:
    """Nobody listens."""
