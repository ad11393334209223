"""What is kept of an evaluation under way: a file for every few thousand images, so that a stop costs one at most."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from repro.lab import snapshot
from repro.lab.evaluation import Columns

SIZE = 5120  # images of a part, whole chunks of `encoder.chunk`; one condition of ImageNet-C has 50,000 images


@dataclass(frozen=True)
class Parts:
    """The parts of one evaluation in its job's folder; each says what it is of, a damaged or foreign one is none."""

    folder: Path
    of: str  # digest of all that the columns rest on
    images: int

    def rows(self, part: int) -> slice:
        """The images of a part."""
        return slice(part * SIZE, min((part + 1) * SIZE, self.images))

    def lacking(self) -> set[int]:
        """The parts that are still to do."""
        return {part for part in range(-(-self.images // SIZE)) if self._read(part) is None}

    def put(self, part: int, columns: Columns) -> None:
        """Write a part, whole or not at all."""
        rows = self.rows(part)
        assert all(len(column) == rows.stop - rows.start for column in columns.values())
        tensors = {name: torch.from_numpy(np.ascontiguousarray(column)) for name, column in columns.items()}
        snapshot.save(self._path(part), tensors, about=self._about(part))

    def joined(self) -> dict[str, NDArray[Any]]:
        """The columns of all images, in order; raises `snapshot.Damaged` where a part was lost since it was written."""
        found = []
        for part in range(-(-self.images // SIZE)):
            columns = self._read(part)
            if columns is None:
                raise snapshot.Damaged(f"{self._path(part)} was changed while it was needed")
            found.append(columns)
        return stacked(found)

    def clear(self) -> None:
        """Remove the files."""
        for path in self.folder.glob("part-*.safetensors"):
            path.unlink(missing_ok=True)

    def _path(self, part: int) -> Path:
        return self.folder / f"part-{part:04d}.safetensors"

    def _about(self, part: int) -> dict[str, Any]:
        rows = self.rows(part)
        return {"of": self.of, "rows": [rows.start, rows.stop]}

    def _read(self, part: int) -> dict[str, NDArray[Any]] | None:
        try:
            tensors, about = snapshot.load(self._path(part))
        except (OSError, snapshot.Damaged):
            return None
        return {name: tensor.numpy() for name, tensor in tensors.items()} if about == self._about(part) else None


def stacked(columns: Iterable[Columns]) -> dict[str, NDArray[Any]]:
    """Columns of consecutive images one below the other.

    >>> stacked([{"labels": np.array([1, 2])}, {"labels": np.array([3])}])["labels"].tolist()
    [1, 2, 3]
    """
    every = list(columns)
    return {name: np.concatenate([part[name] for part in every]) for name in every[0]}


def holding(image: int) -> int:
    """The part that holds an image of the set."""
    return image // SIZE


def stretches(parts: Iterable[int], *, images: int) -> list[slice]:
    """The images of some parts of a set of `images`, consecutive parts together.

    >>> stretches({3, 0, 1}, images=20_000)
    [slice(0, 10240, None), slice(15360, 20000, None)]
    """
    found: list[slice] = []
    for part in sorted(parts):
        start, stop = part * SIZE, min((part + 1) * SIZE, images)
        if found and found[-1].stop == start:
            found[-1] = slice(found[-1].start, stop)
        else:
            found.append(slice(start, stop))
    return found
