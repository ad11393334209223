"""The kinds of job, one module each: `run(spec, *, seed, inputs, folder, context) -> Outcome`, called by the worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


class Stopped(Exception):
    """The job was asked to stop; what it needs to go on is in its folder."""


@dataclass(frozen=True)
class Outcome:
    """What a job found: `values` (JSON, equal for equal jobs on one machine) and the `files` that hold the rest."""

    values: dict[str, Any]
    files: list[str]


def _silent(*_: object) -> None:
    return None


@dataclass(frozen=True)
class Context:
    """What a job may ask of the worker that runs it, and tell it."""

    device: str
    loaders: int = 0  # processes that decode images; 0: the job's own. They change no result
    progress: Callable[[int, int, str], None] = field(default=_silent)  # done, total, unit
    note: Callable[[str], None] = field(default=_silent)  # one line for the log
    stopping: Callable[[], bool] = field(default=lambda: False)
