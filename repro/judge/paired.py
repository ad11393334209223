"""Two networks on the same images: who is right where, and is the difference more than chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from repro.errors import DataMissing
from repro.judge.answers import answers
from repro.judge.matching import Evaluation, Read, Side, matched

DRAWS = 2_000  # of the bootstrap
LEVEL = 0.05
ACCURACIES = ("accuracy", "corruption")  # evaluators that say of each image whether it is right
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Part:
    """The images of one condition or class; numbers of images, and the change of the accuracy in points."""

    name: str
    images: int
    only_first: int
    only_second: int

    @property
    def change(self) -> float:
        """Accuracy of the second minus that of the first, in points."""
        return 100.0 * (self.only_second - self.only_first) / self.images


@dataclass(frozen=True)
class Pair:
    """Two evaluations of the same images; accuracies in percent, `change` is second minus first in points.

    `p`: exact test that an image on which they differ falls to either side alike. `low`, `high`: of the change, by a
    bootstrap over images. Both are of these two networks; seeds are another matter. Where every picture is there in
    each condition, as in ImageNet-C, its copies are no further evidence: `pictures` are drawn, each with all of them,
    and `p` is that of a t-test over them; `None` where copies cannot be told.
    """

    column: str
    rows: tuple[str, str]
    seeds: tuple[int, int]
    images: int
    pictures: int  # that are not copies of one another
    accuracies: tuple[float, float]
    only_first: tuple[int, ...]  # places of images that the first alone has right
    only_second: tuple[int, ...]
    same_answers: int
    p: float | None
    low: float | None
    high: float | None
    conditions: tuple[Part, ...]
    classes: tuple[Part, ...]

    @property
    def change(self) -> float:
        """Accuracy of the second minus that of the first, in points."""
        return self.accuracies[1] - self.accuracies[0]


def pairs(first: Side, second: Side, *, read: Read) -> list[Pair]:
    """Every two evaluations of accuracy of the same images that go together (`matching.matched`)."""
    return [_pair(first, one, second, other, read) for one, other in matched(first, second, evaluators=ACCURACIES)]


def _pair(first: Side, one: Evaluation, second: Side, other: Evaluation, read: Read) -> Pair:
    columns, about = answers(first.store, one.record.id, read)
    others, _ = answers(second.store, other.record.id, read)
    lacking = [name for name in ("labels", "predictions") if name not in columns or name not in others]
    if lacking:
        raise DataMissing(
            f"{one.record.label}: expected stored {' and '.join(lacking)} on both sides, found none on one"
        )
    if not np.array_equal(columns["labels"], others["labels"]):
        raise DataMissing(f"{one.record.label}: the two were asked of images in another order and cannot be paired")
    right, too = columns["predictions"] == columns["labels"], others["predictions"] == others["labels"]
    kinds = columns.get("condition")
    pictures = np.arange(len(right)) if kinds is None else copies(columns["labels"], kinds)
    p = low = high = None
    if kinds is None:
        p = mcnemar(int((right & ~too).sum()), int((~right & too).sum()))
    elif pictures is not None:
        p = clustered_p(right, too, pictures)
    if pictures is not None:
        low, high = bootstrap(right, too, pictures)
    return Pair(
        column=one.column,
        rows=(one.row, other.row),
        seeds=(one.seed, other.seed),
        images=len(right),
        pictures=len(right) if pictures is None else int(pictures.max()) + 1,
        accuracies=(100.0 * float(right.mean()), 100.0 * float(too.mean())),
        only_first=tuple(np.flatnonzero(right & ~too).tolist()),
        only_second=tuple(np.flatnonzero(~right & too).tolist()),
        same_answers=int((columns["predictions"] == others["predictions"]).sum()),
        p=p,
        low=low,
        high=high,
        conditions=() if kinds is None else parts(right, too, kinds, about.conditions),
        classes=parts(right, too, columns["labels"], about.classifier),
    )


def mcnemar(only_first: int, only_second: int) -> float:
    """Two-sided probability of so uneven a split if either side were as likely; 1 where they never differ.

    Source: McNemar 1947, the exact form.

    >>> mcnemar(1, 8), mcnemar(0, 0)
    (0.0390625, 1.0)
    """
    both = only_first + only_second
    return float(stats.binomtest(only_first, both, 0.5).pvalue) if both else 1.0


def copies(labels: NDArray[Any], condition: NDArray[Any]) -> NDArray[np.int64] | None:
    """For each image the number of its picture, where every condition has the same pictures in one order, else None.

    >>> copies(np.array([5, 7, 5, 7]), np.array([0, 0, 1, 1])), copies(np.array([5, 7, 5]), np.array([0, 0, 1]))
    (array([0, 1, 0, 1]), None)
    """
    found = np.zeros(len(labels), dtype=np.int64)
    first: NDArray[Any] | None = None
    for kind in np.unique(condition):
        inside = np.flatnonzero(condition == kind)
        first = labels[inside] if first is None else first
        if not np.array_equal(labels[inside], first):
            return None
        found[inside] = np.arange(len(inside))
    return found


def _net(right: Bools, too: Bools, pictures: NDArray[np.int64]) -> NDArray[np.float64]:
    """Of each picture the mean change over its copies, from -1 to 1."""
    sums = np.bincount(pictures, weights=too.astype(float) - right.astype(float))
    return np.asarray(sums / np.bincount(pictures), dtype=np.float64)


def clustered_p(right: Bools, too: Bools, pictures: NDArray[np.int64]) -> float:
    """Two-sided t-test that the mean change over pictures is 0; 1 where nothing changes."""
    net = _net(right, too, pictures)
    return float(stats.ttest_1samp(net, 0.0).pvalue) if len(net) > 1 and net.std() > 0 else 1.0


def bootstrap(
    right: Bools, too: Bools, pictures: NDArray[np.int64], *, draws: int = DRAWS, level: float = LEVEL
) -> tuple[float, float]:
    """Percentile interval of the change of accuracy over samples of the pictures, in points; seeded.

    Pictures of equal change are drawn as counts of that change, so that a set of any size takes no time.
    """
    values, counts = np.unique(_net(right, too, pictures), return_counts=True)
    total = int(counts.sum())
    drawn = np.random.default_rng(0).multinomial(total, counts / total, size=draws)
    low, high = np.quantile(drawn @ values / total, [level / 2, 1 - level / 2])
    return 100.0 * float(low), 100.0 * float(high)


def parts(right: Bools, too: Bools, group: NDArray[Any], names: Sequence[str]) -> tuple[Part, ...]:
    """Each group of images, those that carry most of the difference first."""
    found = []
    for index in np.unique(group):
        inside = group == index
        lost, won = int((right & ~too)[inside].sum()), int((~right & too)[inside].sum())
        found.append(Part(names[int(index)], int(inside.sum()), lost, won))
    return tuple(sorted(found, key=lambda part: (-abs(part.only_second - part.only_first), part.name)))


def over_seeds(found: Sequence[Pair]) -> Mapping[tuple[str, tuple[str, str]], list[Pair]]:
    """The pairs of one column and two rows together, whatever their seed."""
    groups: dict[tuple[str, tuple[str, str]], list[Pair]] = {}
    for pair in found:
        groups.setdefault((pair.column, pair.rows), []).append(pair)
    return groups
