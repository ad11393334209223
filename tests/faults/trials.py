"""A trial: a fault put into a run once, and whether the run, gone on with, ended as if nothing had been."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol

from tests.faults.world import World

PLAIN = ("trials", "world", "processes", "several", "conftest")  # modules that are no family
SLOW = ("caches", "ranks")  # families that take a minute at their usual size; `pytest -m slow`


@dataclass(frozen=True)
class Trial:
    """One fault, once."""

    fault: str  # as the table names it: "kill -9 of a worker"
    survived: bool
    told: str = ""  # of a lost one: what was seen, and at which moment


class Family(Protocol):
    """A module of this folder: faults of one kind."""

    USUAL: int  # times in the normal tests

    def trials(self, world: World, *, times: int, seed: int) -> Iterator[Trial]:
        """Try so many faults, drawn by the seed; each is told once it is known how it went."""

    def skipped(self) -> str:
        """Why none of it can be tried on this machine, or nothing."""


def names() -> list[str]:
    """The families: every module of this folder that is none of the harness."""
    stems = sorted(path.stem for path in Path(__file__).parent.glob("*.py"))
    return [stem for stem in stems if stem not in PLAIN and not stem.startswith(("_", "test_"))]


def family(name: str) -> Family:
    """The module of a family."""
    found: Family = import_module(f"tests.faults.{name}")
    return found
