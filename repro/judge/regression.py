"""The same weights on the same images in two results folders: is every answer the same, or does a metric move?

Source: the rule of `policy.band`: 0.05 points as RobustBench allows; exact answers are told apart from those within it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from repro.errors import DataMissing
from repro.judge.answers import answers
from repro.judge.matching import Evaluation, Read, Side, matched
from repro.judge.policy import STANDARD, Policy
from repro.store import Store

_NETWORK = (("pretrain", "encoder.safetensors"), ("probe", "probe.safetensors"))


class Change(StrEnum):
    """What became of an evaluation of the same weights on the same images."""

    NONE = "identical"  # every stored answer
    ROUNDING = "within the band"  # some answers differ, no metric by more than the band
    METRIC = "changed"


@dataclass(frozen=True)
class Regression:
    """Two evaluations of the same weights; `answers` differ of `images`, `largest` is the metric that moved most."""

    column: str
    row: str
    seed: int
    images: int
    answers: int
    largest: str  # "" where none moved
    by: float  # in points, second minus first
    change: Change


def regressions(first: Side, second: Side, *, read: Read, policy: Policy = STANDARD) -> list[Regression]:
    """Every two evaluations that go together and have the same weights; those of others are no matter of this.

    Raises `DataMissing` where no two have the same.
    """
    together = matched(first, second)
    same = [(one, other) for one, other in together if _is_same(first.store, one, second.store, other)]
    if not same:
        raise DataMissing(
            f"{first} and {second}: expected evaluations of the same weights on the same images, found {len(together)} "
            "that go together, each of networks that differ; leave out --regression to compare networks"
        )
    return [_compared(first.store, one, second.store, other, read, policy) for one, other in same]


def _is_same(store: Store, one: Evaluation, another: Store, other: Evaluation) -> bool:
    weights = _weights(store, one)
    return None not in weights and weights == _weights(another, other)


def _weights(store: Store, one: Evaluation) -> tuple[str | None, ...]:
    """SHA-256 of encoder and classifier; None for what cannot be told."""
    return tuple(_hash(store, str(one.record.job["inputs"].get(role, "")), name) for role, name in _NETWORK)


def _hash(store: Store, job: str, name: str) -> str | None:
    """Of a job's file; a probe that another job left counts by that job's."""
    record = store.read(job) if job else None
    if record is None:
        return None
    if name in record.files:
        return str(record.files[name]["sha256"])
    taken = record.values.get("taken")
    return str(taken) if taken else f"of {job}"


def _compared(
    store: Store, one: Evaluation, another: Store, other: Evaluation, read: Read, policy: Policy
) -> Regression:
    answers, images = _differing(store, one, another, other, read)
    name, by = _largest(one.record.values, other.record.values)
    change = Change.METRIC if abs(by) > policy.band else Change.ROUNDING if answers or by else Change.NONE
    return Regression(one.column, one.row, one.seed, images, answers, name, by, change)


def _differing(store: Store, one: Evaluation, another: Store, other: Evaluation, read: Read) -> tuple[int, int]:
    """On how many images anything that is stored differs, and of how many; all where it cannot be laid side by side."""
    (columns, _), (others, _) = answers(store, one.record.id, read), answers(another, other.record.id, read)
    images = max(len(values) for values in columns.values())
    differs = np.zeros(images, dtype=bool)
    for name in columns.keys() | others.keys():
        left, right = columns.get(name), others.get(name)
        if left is None or right is None or left.shape != right.shape or len(left) != images:
            return images, images
        differs |= (left != right).reshape(images, -1).any(1)
    return int(differs.sum()), images


def _largest(values: Any, others: Any) -> tuple[str, float]:
    """The metric that moved most, and by how much; one that only one side has moved without bound."""
    found = {name: float(value) for name, value in values.items() if _is_number(value)}
    again = {name: float(value) for name, value in others.items() if _is_number(value)}
    moved = {
        name: again[name] - found[name] if name in found and name in again else float("inf")
        for name in found.keys() | again.keys()
    }
    name = max(sorted(moved), key=lambda name: abs(moved[name]), default="")
    return (name, moved[name]) if name and moved[name] else ("", 0.0)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
