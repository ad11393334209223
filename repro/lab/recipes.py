"""From the plain values of a job to the typed recipe of a module."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Mapping
from typing import Any, TypeVar

from repro.errors import SpecError

T = TypeVar("T")


def build(kind: type[T], values: Mapping[str, Any]) -> T:
    """Make the frozen `kind` from JSON values: lists become tuples, `name` is left out.

    Raises `SpecError` that names every key that is missing or strange.

    >>> @dataclasses.dataclass(frozen=True)
    ... class Recipe:
    ...     sizes: tuple[int, int]
    >>> build(Recipe, {"name": "patch", "sizes": [16, 72]})
    Recipe(sizes=(16, 72))
    """
    wanted = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    given = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items() if key != "name"}
    missing, strange = sorted(wanted - given.keys()), sorted(given.keys() - wanted)
    if missing or strange:
        raise SpecError([f"{kind.__module__}.Recipe: missing {missing or 'nothing'}, not known {strange or 'nothing'}"])
    return kind(**given)


def member(family: str, name: str) -> Any:
    """The module `repro/lab/<family>/<name>.py`; the folder is the registry."""
    return importlib.import_module(f"repro.lab.{family}.{name}")
