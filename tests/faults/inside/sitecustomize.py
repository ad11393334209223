"""Imported by Python itself in every process of a run that has this folder on its path; does what FAULTS_* say.

FAULTS_PAUSE: seconds between two checkpoints, in place of those of `repro.lab.snapshot`.

FAULTS_KILL: a JSON file `{"role", "event", "below", "victims"}`. The first process of that role (`runner`, `worker`,
`rank`; `pool` of multiprocessing) that is about to do its event-th change below a folder (a file opened for writing,
renamed, removed, a folder made) removes the JSON file and ends itself, its parent or both by SIGKILL.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

ROLES = {"repro": "runner", "repro.run.worker": "worker", "repro.run.ranks": "rank"}
CHANGES = ("os.rename", "os.remove", "os.mkdir")
WRITING = os.O_WRONLY | os.O_RDWR


class _Then(Loader):
    """Loads a module as it is, then changes it."""

    def __init__(self, loader: Loader) -> None:
        self.loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self.loader.exec_module(module)
        module._PAUSE, module._SHARE = float(os.environ["FAULTS_PAUSE"]), 1  # type: ignore[attr-defined]


class _Hurry(MetaPathFinder):
    """Finds `repro.lab.snapshot`, whose pauses are made short; its text, of which job ids are hashes, stays."""

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        if name != "repro.lab.snapshot":
            return None
        spec = PathFinder.find_spec(name, path)  # type: ignore[arg-type]
        if spec is not None and spec.loader is not None:
            spec.loader = _Then(spec.loader)
        return spec


def _role() -> str:
    """What this process is, by the module it was started with."""
    words = sys.orig_argv
    if "--multiprocessing-fork" in words:
        return "pool"
    return ROLES.get(words[words.index("-m") + 1], "") if "-m" in words[:-1] else ""


def _killing(order: Path) -> Callable[[str, tuple[Any, ...]], None]:
    """Counts changes below the folder, and kills at the one that was named."""
    asked, count = json.loads(order.read_text()), 0
    below = asked["below"].encode()

    def look(event: str, facts: tuple[Any, ...]) -> None:
        nonlocal count
        if event not in CHANGES and not (event == "open" and facts[2] & WRITING):
            return
        place = facts[0]
        if not isinstance(place, str | bytes | os.PathLike) or not os.fsencode(place).startswith(below):
            return
        count += 1
        if count == asked["event"]:
            _end(order, asked["victims"])

    return look


def _end(order: Path, victims: str) -> None:
    try:
        order.unlink()
    except FileNotFoundError:
        return  # another process was first
    if victims != "self":
        os.kill(os.getppid(), signal.SIGKILL)
    if victims != "parent":
        os.kill(os.getpid(), signal.SIGKILL)


if "FAULTS_PAUSE" in os.environ:
    sys.meta_path.insert(0, _Hurry())
if "FAULTS_KILL" in os.environ:
    _order = Path(os.environ["FAULTS_KILL"])
    if _order.is_file() and json.loads(_order.read_text())["role"] == _role():
        sys.addaudithook(_killing(_order))
if "FAKETIME_TIMESTAMP_FILE" in os.environ:  # libfaketime refuses to sleep until a time, as Python's own sleep does
    time.sleep = lambda seconds: select.select([], [], [], seconds)  # type: ignore[assignment]
