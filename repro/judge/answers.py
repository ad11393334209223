"""The stored answers of an evaluation, once they are those of its record and of one another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repro.judge.matching import About, Read
from repro.store import Store

Columns = Mapping[str, NDArray[Any]]
_NAMED: Mapping[str, Callable[[About], int]] = {  # whose numbers are indices of so many names
    "labels": lambda about: len(about.classifier),
    "predictions": lambda about: len(about.classifier),
    "condition": lambda about: len(about.conditions),
}


def answers(store: Store, job: str, read: Read) -> tuple[Columns, About]:
    """What an evaluation stored, its hashes seen to first.

    Raises `DataMissing` where they are not those of its record, or the columns do not fit one another.
    """

    def fitting(folder: Path) -> tuple[Columns, About]:
        columns, about = read(folder)
        _check(columns, about)
        return columns, about

    return store.opened(job, fitting)


def _check(columns: Columns, about: About) -> None:
    """Raises `ValueError` unless every column has a number an image, and indices lead to a name."""
    for names in (about.classifier, about.conditions):
        if not isinstance(names, tuple) or not all(isinstance(name, str) for name in names):
            raise ValueError("names of classes or conditions that are no text")
    if not columns or not all(column.ndim for column in columns.values()):
        raise ValueError("no columns, or one without a length")
    if len({len(columns[name]) for name in _NAMED if name in columns}) > 1:
        raise ValueError("columns of different lengths")
    for name, count in _NAMED.items():
        column = columns.get(name)
        if column is not None and not _is_index(column, below=count(about)):
            raise ValueError(f'column "{name}" is not of indices of {count(about)} names')


def _is_index(column: NDArray[Any], *, below: int) -> bool:
    whole = column.ndim == 1 and np.issubdtype(column.dtype, np.integer) and len(column) > 0
    return bool(whole and column.min() >= 0 and column.max() < below)
