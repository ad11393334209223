"""Stored predictions as a metric needs them, read with numpy alone and with no trust in the file."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tokenize import TokenError
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray

from repro.errors import DataMissing
from repro.metrics import MetricError

FILE = "predictions.npz"
_ABOUT = "about"  # its entry that is no column
_MOST = 1 << 30  # bytes that the arrays of one file may take
_BROKEN = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    EOFError,
    RuntimeError,
    MemoryError,
    BadZipFile,
    TokenError,  # of an array's header, which numpy reads as Python
    zlib.error,
    struct.error,
)
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Said:
    """What holds for a whole set of images and the classifier that looked at it; see `repro.lab.evaluation.About`."""

    classifier: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    parents: tuple[int, ...] | None = None
    parent_names: tuple[str, ...] = ()

    def places(self) -> Ints:
        """For each class of the images, its index in the classifier; raises `MetricError` where there is none."""
        known = {name: index for index, name in enumerate(self.classifier)}
        strange = [name for name in self.classes if name not in known]
        if strange:
            raise MetricError(f"expected a classifier of all classes of the images, found none for {strange[0]!r}")
        return np.array([known[name] for name in self.classes], dtype=np.int64)


@dataclass(frozen=True)
class Predictions:
    """What an evaluation kept: columns of numbers, a row an image, and what holds for all of them."""

    columns: Mapping[str, NDArray[Any]]
    said: Said = field(default_factory=Said)

    @property
    def images(self) -> int:
        """How many images there are."""
        return len(next(iter(self.columns.values()), ()))

    def indices(self, name: str, *, below: int | None = None) -> Ints:
        """A column of whole numbers from 0 up; raises `MetricError` where there is no such column."""
        if name not in self.columns:
            raise MetricError(f'expected a column "{name}", found {", ".join(sorted(self.columns)) or "none"}')
        column = self.columns[name]
        if column.ndim != 1 or not np.issubdtype(column.dtype, np.integer):
            raise MetricError(f'column "{name}": expected (N,) whole numbers, found {column.dtype} {column.shape}')
        wide = column.astype(np.int64)
        if len(wide) and (wide.min() < 0 or (below is not None and wide.max() >= below)):
            most = "" if below is None else f" to {below - 1}"
            raise MetricError(f'column "{name}": expected numbers from 0{most}, found {wide.min()} to {wide.max()}')
        return wide


def arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a file by name; raises `DataMissing` for anything that is no such file. No pickle is opened."""
    try:
        with ZipFile(path) as parts:
            size = sum(part.file_size for part in parts.infolist())
        if size > _MOST:
            raise ValueError(f"its arrays would take {size} bytes")
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as held:
            found = {name: held[name] for name in held.files}
        for name, part in found.items():
            if not isinstance(part, np.ndarray):  # numpy hands over what is no array as bytes
                raise ValueError(f'"{_short(name)}" is no array')
        return found
    except _BROKEN as fault:
        told = f"{path}: expected stored arrays, found none that can be read ({_short(fault)})"
        raise DataMissing(told) from fault


def read(path: Path) -> Predictions:
    """What an evaluation stored; raises `DataMissing` for anything else."""
    columns = arrays(path)
    try:
        said = _said(json.loads(str(columns.pop(_ABOUT, "null"))))
        shapes = {column.shape[:1] for column in columns.values()}
        if len(shapes) != 1 or shapes == {()}:
            raise ValueError(f"columns of {len(shapes)} lengths")
    except (ValueError, RecursionError) as fault:
        told = f"{path}: expected columns of one length and what is said of them, found none ({_short(fault)})"
        raise DataMissing(told) from fault
    return Predictions(columns, said)


def columns(path: Path) -> Predictions:
    """What a comparison of similarities stored: columns alone; raises `DataMissing` for anything else."""
    return Predictions(arrays(path))


def _said(told: Any) -> Said:
    if not isinstance(told, dict):
        raise ValueError("nothing is said")
    names = {key: _names(told.get(key, [])) for key in ("classifier", "classes", "conditions", "parent_names")}
    parents = told.get("parents")
    if parents is not None:
        known = range(-1, len(names["parent_names"]))
        if not isinstance(parents, list) or len(parents) != len(names["classes"]):
            raise ValueError("no superclass for each class")
        if not all(type(parent) is int and parent in known for parent in parents):
            raise ValueError("a superclass without a name")
    return Said(**names, parents=None if parents is None else tuple(parents))


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not all(isinstance(name, str) for name in value):
        raise ValueError("no list of names")
    return tuple(value)


def _short(fault: BaseException | str) -> str:
    text = " ".join(str(fault).split()) or type(fault).__name__
    return text if len(text) <= 120 else f"{text[:117]}..."
