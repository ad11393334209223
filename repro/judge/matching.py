"""Which evaluations of two results folders go together: of the same images, of one row or of two that were named."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
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
    left, right = _sides(first, second, evaluators)
    by_row = first.row is not None and second.row is not None
    partners: dict[tuple[Any, ...], Evaluation] = {}
    for other in right:
        partners.setdefault(_common(other, by_row=by_row), other)
    found = [(one, partners[key]) for one in left if (key := _common(one, by_row=by_row)) in partners]
    if not found:
        raise DataMissing(
            f"{first} and {second}: expected evaluations of the same images with the same seeds, found {len(left)} and "
            f"{len(right)} and none that go together"
        )
    return found


def _common(one: Evaluation, *, by_row: bool) -> tuple[Any, ...]:
    """What two evaluations that go together have in common; where both rows were named, not the row."""
    return one.images, one.asked, one.seed, "" if by_row else one.row


def _sides(first: Side, second: Side, evaluators: Collection[str] | None) -> tuple[list[Evaluation], list[Evaluation]]:
    """The evaluations of each side; a folder that holds both is read once."""
    if first.store.root == second.store.root:
        both = _shelf(first.store, {first.row, second.row}, evaluators)
        return _of(first, both), _of(second, both)
    left = _of(first, _shelf(first.store, {first.row}, evaluators))
    return left, _of(second, _shelf(second.store, {second.row}, evaluators))


@dataclass(frozen=True)
class _Shelf:
    """What a results folder holds: the evaluations of some rows, by column, row and seed, and the names of all rows."""

    evaluations: Sequence[Evaluation]
    rows: Collection[str]


def _shelf(store: Store, wanted: Collection[str | None], evaluators: Collection[str] | None) -> _Shelf:
    """Read each record once; keep the wanted rows, or all where one is None, of some evaluators or of all."""
    rows: set[str] = set()
    images: dict[str, str] = {}
    found: dict[tuple[Any, ...], Evaluation] = {}
    for job in store.jobs():
        record = store.read(job)
        named = record and _LABEL.fullmatch(record.label)
        if not record or not named or not (evaluators is None or record.job["spec"].get("evaluator") in evaluators):
            continue
        rows.add(named["row"])
        if None in wanted or named["row"] in wanted:
            data = str(record.job["inputs"]["data"])
            images[data] = images.get(data) or _images(store, data)
            each = Evaluation(named["column"], named["row"], int(named["seed"]), record, images[data])
            key = (each.column, each.row, each.seed, each.images, each.asked)
            if key not in found or found[key].record.started < record.started:
                found[key] = each
    return _Shelf(sorted(found.values(), key=lambda each: (each.column, each.row, each.seed)), rows)


def _of(one: Side, shelf: _Shelf) -> list[Evaluation]:
    """The evaluations of a side; raises `UsageError` where its row is not there."""
    if one.row is not None and one.row not in shelf.rows:
        known = listed(sorted(shelf.rows))
        raise UsageError(
            f'{one}: no evaluation of a row "{one.row}" there, but of {known}{nearest(one.row, shelf.rows)}'
        )
    return [each for each in shelf.evaluations if one.row in (None, each.row)]


def _images(store: Store, job: str) -> str:
    """The digest of a data job's images; the job's id where its record is gone."""
    data = store.read(job)
    return str(data.values.get("digest", job)) if data else job
