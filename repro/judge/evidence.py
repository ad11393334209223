"""The files that a table's numbers and verdicts rest on, by their MD5, which TeX can look up too."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from repro.plan.expand import CellKey, Plan
from repro.store import Store


@dataclass(frozen=True)
class Trace:
    """A file of a results folder: its path below that, and the MD5 of its bytes; empty where there is no such file."""

    path: str
    md5: str


@dataclass(frozen=True)
class Evidence:
    """Of each cell the records of its seeds, and the rules that are kept beside the results."""

    records: Mapping[CellKey, tuple[Trace, ...]]
    rules: Trace


def gather(plan: Plan, store: Store) -> Evidence:
    """Look at the files of a plan.

    Do it before the numbers are read: a record that comes in between then shows as a change, never as what it is not.
    """
    records = {
        cell: tuple(_trace(store, store.record(job)) for job in seeds.values()) for cell, seeds in plan.cells.items()
    }
    return Evidence(records, _trace(store, store.rules_file(f"{plan.table.id}-{plan.profile.id}")))


def _trace(store: Store, path: Path) -> Trace:
    try:
        found = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest().upper()
    except OSError:
        found = ""
    return Trace(path.relative_to(store.root).as_posix(), found)
