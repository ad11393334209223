"""Weight files as text and as JSON: what is known of each, whose hash that is, and which are here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from repro.fetch.weights import Entry, Held
from repro.render import terminal
from repro.render.transfer import size

SCHEMA = 1
DIGITS = 8  # of a hash that are shown
WHOSE = {"authors": "theirs", "ours": "ours", "none": "ours"}


def listing(entries: Sequence[Entry], missing: Mapping[str, str], also: Mapping[str, str], folder: Path) -> None:
    """`repro checkpoints list`; `also` says of a row which others it stands for."""
    here = sum(entry.held is not None for entry in entries)
    terminal.line(f"{counted(len(entries), 'weight file')}, {here} of them here ({folder})", "bold")
    if entries:
        terminal.line(f"  {'':30}{'run':<5}{'size':>8}  {'hash':<17}{'whose':<8}here", "dim")
    for head, group in groupby(entries, key=lambda entry: _head(entry, also)):
        terminal.hanging(head, indent=4)
        for entry in group:
            terminal.command(_line(entry))
            if entry.checkpoint.classifier:
                terminal.line(f"    classifier: {entry.checkpoint.classifier}", "dim")
    doubts = [entry for entry in entries if entry.doubt]
    for entry in doubts:
        terminal.hanging(f"! {entry.checkpoint.name} {entry.doubt}: repro checkpoints verify {entry.checkpoint.name}")
    if missing:
        terminal.line(f"{counted(len(missing), 'row')} without public weights", "bold")
        for row, why in missing.items():
            terminal.hanging(f"  {row}: {why}")
    if len(entries) > here:
        terminal.hanging("whose hash: theirs, published by the authors; ours, of our first download", style="dim")


def counted(number: int, what: str) -> str:
    """So many of something.

    >>> counted(1, "row"), counted(2, "row")
    ('1 row', '2 rows')
    """
    return f"{number} {what}{'' if number == 1 else 's'}"


def _head(entry: Entry, also: Mapping[str, str]) -> str:
    found = entry.checkpoint
    rows = ", ".join(f"{row}{f' (also {also[row]})' if also.get(row) else ''}" for row in found.serves)
    return f"{rows or 'no row'}: {found.layout}, licence {found.licence}"


def _line(entry: Entry) -> str:
    found, held = entry.checkpoint, entry.held
    bytes_ = held.bytes if held else found.bytes
    hash, whose = _hash(entry)
    run = str(found.run) if found.run else ""
    here = "yes" if held else "unsure" if entry.doubt else "no"
    return (
        f"  {found.name:<29} {run:<5}{size(bytes_) if bytes_ else 'unknown':>8}  {hash:<17}{whose:<8}{here}"
    ).rstrip()


def _hash(entry: Entry) -> tuple[str, str]:
    """The first digits of a hash, and whose it is."""
    if entry.held is not None:
        return f"sha256 {entry.held.sha256[:DIGITS]}", WHOSE[entry.held.hash_by]
    if entry.checkpoint.hash is None:
        return "none yet", "nobody"
    kind, _, digits = entry.checkpoint.hash.partition(":")
    return f"{kind.removesuffix('-prefix')} {digits[:DIGITS]}", WHOSE[entry.checkpoint.hash_by]


def document(
    entries: Sequence[Entry], missing: Mapping[str, str], same: Mapping[str, Sequence[str]], folder: Path
) -> dict[str, Any]:
    """`repro checkpoints list --json`; `same` says of a row which others are `same_as` it."""
    return {
        "schema": SCHEMA,
        "folder": str(folder),
        "checkpoints": [
            {
                **entry.checkpoint.model_dump(),
                "also": sorted(other for row in entry.checkpoint.serves for other in same.get(row, ())),
                "path": str(entry.path),
                "held": held(entry.held),
                "doubt": entry.doubt or None,
            }
            for entry in entries
        ],
        "missing": [{"row": row, "also": list(same.get(row, ())), "reason": why} for row, why in missing.items()],
    }


def held(found: Held | None) -> dict[str, Any] | None:
    """A file that is here."""
    if found is None:
        return None
    return {
        "path": str(found.path),
        "sha256": found.sha256,
        "bytes": found.bytes,
        "hash_by": found.hash_by,
        "date": found.date,
        "url": found.url,
    }


def came(name: str, found: Held) -> None:
    """One file that is here now."""
    whose = "as its authors published it" if found.hash_by == "authors" else "our own hash, as nobody published one"
    terminal.command(f"{name}: {found.path}, {size(found.bytes)}")
    terminal.command(f"  sha256 {found.sha256}")
    terminal.line(f"  {whose}; of {found.date[:10]}")


def verified(name: str, found: Held | None, words: str) -> None:
    """One file that was read again: what it holds, or what is wrong with it."""
    if found is None:
        terminal.command(f"✗ {words}", "red")
        return
    whose = "the one its authors published" if found.hash_by == "authors" else f"ours, of {found.date[:10]}"
    terminal.command(f"✓ {name}: sha256 {found.sha256[:DIGITS]}... ({whose}), {size(found.bytes)}")
    terminal.hanging(f"  {words}", indent=4)
