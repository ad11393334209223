"""A weight file of the user's own: beside the others, under a name, in a list that stands beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from repro.errors import DataMissing, StoreError, UsageError
from repro.fetch import receipt, weights
from repro.fetch.wanted import Progress
from repro.files import explain, file_digest, write_whole
from repro.spec.checkpoint import Checkpoint

LIST = "checkpoints.toml"
HEAD = """\
# Weight files of your own; they count beside the shipped ones, and one of the same name wins.

schema = 1
"""


@dataclass(frozen=True)
class Added:
    """A file that has a name now, and the list that says so."""

    held: weights.Held
    list: Path


def described(file: Path, layout: str, typed: Mapping[str, Any]) -> Checkpoint:
    """A file as an entry, by the options that were typed; raises `UsageError` with the one that is no value."""
    given = {key: value for key, value in typed.items() if value is not None and key != "url"}
    try:
        return Checkpoint(
            **{**given, "serves": list(typed["serves"])},
            url=typed["url"] or file.absolute().as_uri(),
            filename=file.name,
            hash_by="none",
            layout=layout,
            source="added by hand",
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        expected = first["msg"].removeprefix("Input should be ")
        if first["type"] == "string_pattern_mismatch":
            expected = 'small letters, digits, "." and "-"'
        raise UsageError(f"--{first['loc'][0]}: expected {expected}, found {first['input']!r}") from error


def add(
    file: Path, checkpoint: Checkpoint, folder: Path, *, is_linked: bool, progress: Progress | None = None
) -> Added:
    """Put a file among the weights and its entry, with its hash, into the list beside them.

    Raises `DataMissing` where it is no weight file, `StoreError` where the folder cannot be written.
    """
    path = weights.path_of(checkpoint, folder)
    if path.exists() or path.is_symlink():
        raise UsageError(f"{path} is here already; move it away, or give another --name")
    known = checkpoint.model_copy(update={"hash": f"sha256:{file_digest(file)}", "bytes": file.stat().st_size})
    try:
        if is_linked:
            _link(file, path)
        asked = weights.Asked(file=None if is_linked else file)
        held = weights.fetch(known, folder, asked=asked, progress=progress)
        _enter(known, folder)
    except BaseException:
        path.unlink(missing_ok=True)
        receipt.place(path).unlink(missing_ok=True)
        raise
    return Added(held, folder / LIST)


def _link(file: Path, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(file.absolute())
    except OSError as error:
        raise StoreError(explain(error, path, option="--weights")) from error


def _enter(checkpoint: Checkpoint, folder: Path) -> None:
    """Add an entry at the end of the user's list; what stands there stays as it is written."""
    path = folder / LIST
    try:
        before = path.read_text(encoding="utf-8") if path.exists() else HEAD
    except (OSError, UnicodeDecodeError) as error:
        raise DataMissing(f"{path}: cannot be read ({error}); mend it or move it away") from error
    write_whole(path, f"{before.rstrip()}\n\n{entry(checkpoint)}", option="--weights")


def entry(checkpoint: Checkpoint) -> str:
    """A weight file as the list has it.

    >>> print(entry(Checkpoint(name="a", url="b", hash_by="none", licence="c", layout="torchvision", source="d")))
    [[checkpoints]]
    name = "a"
    url = "b"
    hash_by = "none"
    licence = "c"
    layout = "torchvision"
    source = "d"
    <BLANKLINE>
    """
    found = checkpoint.model_dump(exclude_none=True, exclude_defaults=True)
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in found.items()]
    return "\n".join(["[[checkpoints]]", *lines, ""])
