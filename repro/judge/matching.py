"""Which evaluations of two results folders go together: of the same images, of one row or of two that were named."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from repro.errors import DataMissing, UsageError
from repro.spec.places import listed, nearest
from repro.store import Record, Store

_LABEL = re.compile(r"evaluate (?P<column>.+) of (?P<row>.+), seed (?P<seed>\d+)")


class About(Protocol):
    """What stored predictions say of their set: names of its conditions, and of the classifier's classes."""

    @property
    def conditions(self) -> Sequence[str]: ...
    @property
    def classifier(self) -> Sequence[str]: ...


Read = Callable[[Path], tuple[Mapping[str, NDArray[Any]], About]]  # the stored predictions of an evaluation's folder


@dataclass(frozen=True)
class Side:
    """A results folder, and in it one row or all."""

    store: Store
    row: str | None

    def __str__(self) -> str:
        return f"{self.store.root}:{self.row}" if self.row else str(self.store.root)


@dataclass(frozen=True)
class Evaluation:
    """A row's column with one seed, as a record says."""

    column: str
    row: str
    seed: int
    record: Record
    images: str  # what tells its images from others

    @property
    def asked(self) -> tuple[Any, ...]:
        """What was measured, of how many images."""
        return self.record.job["spec"].get("evaluator"), self.record.job["spec"].get("limit")


def side(text: str) -> Side:
    """What `FOLDER` or `FOLDER:ROW` names; raises `DataMissing` where there is no such folder."""
    folder, row = (text, None) if Path(text).is_dir() else (text.rpartition(":")[0], text.rpartition(":")[2])
    if not folder or not Path(folder).is_dir():
        raise DataMissing(f"{text}: expected a results folder, or FOLDER:ROW, found no folder of that name")
    return Side(Store(Path(folder)), row)


def matched(
    first: Side, second: Side, *, evaluators: Collection[str] | None = None
) -> list[tuple[Evaluation, Evaluation]]:
    """Every two evaluations of the same images: of the two rows that were named, else of the same row in both.

    Of one that was made again, the newest counts. A record that cannot be used is in its store's `damaged`. Raises
    `UsageError` where a row is not there, `DataMissing` where nothing can be set side by side.
    """
    left, right = (list(_evaluations(each, evaluators)) for each in (first, second))
    by_row = first.row is not None and second.row is not None
    found = []
    for one in left:
        for other in right:
            same_row = by_row or one.row == other.row
            same_images = (one.images, one.asked) == (other.images, other.asked)
            if same_row and same_images and one.seed == other.seed:
                found.append((one, other))
                break
    if not found:
        raise DataMissing(
            f"{first} and {second}: expected evaluations of the same images with the same seeds, found {len(left)} and "
            f"{len(right)} and none that go together"
        )
    return found


def _evaluations(one: Side, evaluators: Collection[str] | None) -> Iterator[Evaluation]:
    """Evaluations by column, row and seed, of some evaluators or of all."""
    rows: set[str] = set()
    found: dict[tuple[Any, ...], Evaluation] = {}
    for path in sorted(one.store.root.glob("*/*/record.json")):
        record = one.store.read(path.parent.name)
        named = record and _LABEL.fullmatch(record.label)
        if record and named and (evaluators is None or record.job["spec"].get("evaluator") in evaluators):
            rows.add(named["row"])
            each = Evaluation(named["column"], named["row"], int(named["seed"]), record, _images(one.store, record))
            key = (each.column, each.row, each.seed, each.images, each.asked)
            if key not in found or found[key].record.started < record.started:
                found[key] = each
    if one.row is not None and one.row not in rows:
        raise UsageError(
            f'{one}: no evaluation of a row "{one.row}" there, but of {listed(sorted(rows))}{nearest(one.row, rows)}'
        )
    order = sorted(found.values(), key=lambda each: (each.column, each.row, each.seed))
    return (each for each in order if one.row in (None, each.row))


def _images(store: Store, record: Record) -> str:
    """The digest of an evaluation's images; its data job's id where that record is gone."""
    job = str(record.job["inputs"]["data"])
    data = store.read(job)
    return str(data.values.get("digest", job)) if data else job
