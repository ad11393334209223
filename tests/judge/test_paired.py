"""Two networks on the same images: counts, tests against worked and brute-force ones, and what goes together."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from repro.errors import DataMissing, UsageError
from repro.judge import paired
from repro.judge.matching import Side, side
from repro.lab import evaluation
from repro.store import Record, Store, identity

Typed = Callable[..., tuple[int, str, str]]
Bools = NDArray[np.bool_]
CLASSES = ("cat", "dog")


def pairs(first: Side, second: Side) -> list[paired.Pair]:
    return paired.pairs(first, second, read=evaluation.read)


def answers(seed: int, *, images: int, shares: tuple[float, float, float]) -> tuple[Bools, Bools]:
    """Who is right: on a share of the images the first alone, on one the second alone, on one both."""
    kind = np.random.default_rng(seed).choice(4, size=images, p=[*shares, 1 - sum(shares)])
    return np.isin(kind, [0, 2]), np.isin(kind, [1, 2])


# ------------------------------------------------------------------------------------------------------------ numbers


@pytest.mark.parametrize(
    ("only_first", "only_second", "expected"),
    [(5, 5, 1.0), (0, 6, 2 / 2**6), (2, 10, 2 * (1 + 12 + 66) / 2**12), (0, 0, 1.0)],
)
def test_mcnemar_by_hand(only_first: int, only_second: int, expected: float) -> None:
    assert paired.mcnemar(only_first, only_second) == pytest.approx(expected)
    assert paired.mcnemar(only_second, only_first) == pytest.approx(expected)


def test_a_bootstrap_is_that_of_images_drawn_one_by_one() -> None:
    right, too = answers(0, images=400, shares=(0.1, 0.2, 0.5))
    random = np.random.default_rng(1)
    change = too.astype(int) - right.astype(int)
    slow = [100 * change[random.integers(0, 400, 400)].mean() for _ in range(4000)]
    low, high = paired.bootstrap(right, too, np.arange(400))
    assert low == pytest.approx(np.quantile(slow, 0.025), abs=0.4)
    assert high == pytest.approx(np.quantile(slow, 0.975), abs=0.4)
    assert low < 100 * change.mean() < high
    assert paired.bootstrap(right, too, np.arange(400)) == (low, high)


def test_copies_of_a_picture_are_no_further_evidence() -> None:
    right, too = answers(2, images=100, shares=(0.1, 0.2, 0.5))
    alone = np.arange(100)
    one, other, pictures = np.tile(right, 75), np.tile(too, 75), np.tile(alone, 75)
    assert paired.bootstrap(one, other, pictures) == pytest.approx(paired.bootstrap(right, too, alone))
    change = too.astype(float) - right.astype(float)
    expected = stats.ttest_rel(too.astype(float), right.astype(float)).pvalue
    assert paired.clustered_p(one, other, pictures) == pytest.approx(expected)
    assert paired.mcnemar(int((change < 0).sum() * 75), int((change > 0).sum() * 75)) < expected / 1e6


def test_copies_are_told_by_equal_labels_in_every_condition() -> None:
    labels, condition = np.array([1, 0, 0, 1, 0, 0]), np.array([0, 0, 0, 1, 1, 1])
    found = paired.copies(labels, condition)
    assert found is not None
    assert found.tolist() == [0, 1, 2, 0, 1, 2]
    assert paired.copies(np.array([1, 0, 0, 0, 1, 0]), condition) is None


def test_parts_that_carry_most_come_first() -> None:
    right = np.array([1, 1, 1, 0, 0, 1], dtype=bool)
    too = np.array([0, 0, 1, 0, 1, 1], dtype=bool)
    group = np.array([0, 0, 0, 0, 1, 2])
    found = paired.parts(right, too, group, ("a", "b", "c"))
    assert [(part.name, part.images, part.only_first, part.only_second, part.change) for part in found] == [
        ("a", 4, 2, 0, -50.0),
        ("b", 1, 0, 1, 100.0),
        ("c", 1, 0, 0, 0.0),
    ]


# ---------------------------------------------------------------------------------------------------------- two stores

LABELS = np.array([0, 1, 0, 1, 0, 1, 0, 1])


def put(
    root: Path,
    row: str,
    predictions: Any,
    *,
    seed: int = 0,
    digest: str = "d",
    labels: Any = LABELS,
    code: str = "1",
    day: int = 1,
    **more: Any,
) -> None:
    """A data record and an evaluation of it, as workers leave them."""
    store, when = Store(root), f"2026-01-{day:02}T00:00:00+00:00"
    data = {"kind": "data", "spec": {"name": digest}, "seed": None, "inputs": {}}
    store.write(Record(identity(data), data, "data val", {"digest": digest}, {}, when, 1.0, 1.0, {}))
    evaluator = "corruption" if "condition" in more else "accuracy"
    spec = {"evaluator": evaluator, "limit": None, "row": row}
    job = {"kind": "evaluate", "spec": spec, "seed": seed, "inputs": {"data": identity(data)}, "code": code}
    folder = store.folder(identity(job))
    folder.mkdir(parents=True)
    about = evaluation.About(CLASSES, CLASSES, conditions=("fog/1", "fog/2", "snow/1", "snow/2"))
    evaluation.write(folder, {"labels": labels, "predictions": np.asarray(predictions), **more}, about)
    label = f"evaluate imagenet of {row}, seed {seed}"
    store.write(Record(identity(job), job, label, {"top1": 0.0}, {}, when, 1.0, 1.0, {}))


@pytest.fixture
def both(tmp_path: Path) -> tuple[Path, Path]:
    """One row in two folders, two seeds; in the second folder the first seed has one image right that it had wrong."""
    one, other = tmp_path / "one", tmp_path / "other"
    for root, last in ((one, 0), (other, 1)):
        put(root, "a", [0, 1, 0, 1, 0, 0, 0, last])
        put(root, "a", [0, 1, 0, 1, 0, 1, 1, 1], seed=1)
        put(root, "b", [1, 0, 0, 1, 0, 1, 0, 1])
    return one, other


def test_folders_are_compared_row_by_row_and_seed_by_seed(both: tuple[Path, Path]) -> None:
    found = pairs(*(side(str(root)) for root in both))
    assert [(pair.rows, pair.seeds) for pair in found] == [
        (("a", "a"), (0, 0)),
        (("a", "a"), (1, 1)),
        (("b", "b"), (0, 0)),
    ]
    first = found[0]
    assert (first.accuracies, first.change) == ((75.0, 87.5), 12.5)
    assert (first.only_first, first.only_second, first.same_answers) == ((), (7,), 7)
    assert first.p == 1.0  # one image that could have fallen to either side
    assert [(part.name, part.change) for part in first.classes] == [("dog", 25.0), ("cat", 0.0)]
    assert found[1].same_answers == found[1].images == found[1].pictures == 8


def test_rows_are_compared_in_one_folder(both: tuple[Path, Path]) -> None:
    (pair,) = pairs(side(f"{both[0]}:a"), side(f"{both[0]}:b"))
    assert (pair.rows, pair.seeds, pair.only_first, pair.only_second) == (("a", "b"), (0, 0), (0, 1), (5, 7))


def test_a_row_on_one_side_is_set_beside_the_same_row(both: tuple[Path, Path]) -> None:
    found = pairs(side(f"{both[0]}:b"), side(str(both[1])))
    assert [(*pair.rows, *pair.seeds) for pair in found] == [("b", "b", 0, 0)]


def test_of_an_evaluation_made_again_the_newest_counts(both: tuple[Path, Path]) -> None:
    put(both[1], "b", LABELS, code="2", day=3)
    put(both[1], "b", 1 - LABELS, code="3", day=2)
    (pair,) = pairs(side(f"{both[0]}:b"), side(str(both[1])))
    assert pair.accuracies == (75.0, 100.0)


def test_a_damaged_record_is_told_of(both: tuple[Path, Path], typed: Typed) -> None:
    [path] = [path for path in both[0].glob("*/*/record.json") if "of b, seed 0" in path.read_text()]
    path.write_text(path.read_text()[:99])
    code, out, err = typed("diff", *both)
    assert code == 0
    assert "imagenet, b" not in out
    fault = "expected a whole JSON record, found one that is cut or not JSON; it will be computed again"
    assert err == f"repro: {path}: {fault}\n"


def test_corruptions_are_pictures_with_copies(tmp_path: Path) -> None:
    condition = np.array([0, 0, 1, 1, 2, 2, 3, 3])
    put(tmp_path, "a", LABELS, condition=condition)
    put(tmp_path, "b", [0, 1, 0, 1, 0, 0, 0, 0], condition=condition)
    (pair,) = pairs(side(f"{tmp_path}:a"), side(f"{tmp_path}:b"))
    assert (pair.images, pair.pictures) == (8, 2)
    assert {part.name: part.change for part in pair.conditions} == {
        "fog/1": 0.0,
        "fog/2": 0.0,
        "snow/1": -50.0,
        "snow/2": -50.0,
    }
    mixed = np.array([0, 1, 0, 1, 0, 1, 1, 0])
    put(tmp_path / "mixed", "a", mixed, labels=mixed, condition=condition)
    put(tmp_path / "mixed", "b", LABELS, labels=mixed, condition=condition)
    (pair,) = pairs(side(f"{tmp_path}/mixed:a"), side(f"{tmp_path}/mixed:b"))
    assert (pair.p, pair.low, pair.high, pair.pictures) == (None, None, None, 8)


def test_what_cannot_be_compared_is_told(both: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(DataMissing) as missing:
        side("nowhere:a")
    assert str(missing.value) == ("nowhere:a: expected a results folder, or FOLDER:ROW, found no folder of that name")
    with pytest.raises(UsageError) as unknown:
        pairs(side(f"{both[0]}:c"), side(str(both[1])))
    assert str(unknown.value).startswith(f'{both[0]}:c: no evaluation of a row "c" there, but of ')
    put(tmp_path / "third", "a", LABELS, digest="other images")
    with pytest.raises(DataMissing) as apart:
        pairs(side(str(both[0])), side(str(tmp_path / "third")))
    assert str(apart.value) == (
        f"{both[0]} and {tmp_path}/third: expected evaluations of the same images with the same seeds, found 3 and 1 "
        "and none that go together"
    )
    put(tmp_path / "fourth", "a", LABELS, labels=1 - LABELS)
    with pytest.raises(DataMissing) as order:
        pairs(side(str(both[0])), side(str(tmp_path / "fourth")))
    assert str(order.value) == (
        "evaluate imagenet of a, seed 0: the two were asked of images in another order and cannot be paired"
    )


def test_the_verb_prints_both_and_its_json(both: tuple[Path, Path], typed: Typed) -> None:
    code, out, err = typed("diff", *both)
    assert (code, err) == (0, "")
    assert "imagenet, a: 8 images" in out
    assert "over seeds: +6.25±8.84" in out
    assert "classes that carry most of it: dog +12.5, cat +0.0" in out
    assert "every answer is the same" in out
    told = json.loads(typed("diff", *both, "--json")[1])
    assert told.keys() == {"schema", "first", "second", "pairs"}
    assert told["pairs"][0]["only_second"] == [7]
    text = (Path(__file__).parents[2] / "docs/json.md").read_text(encoding="utf-8")
    section = text.partition("## `repro diff")[2].partition("\n## ")[0]
    keys = {*told, *told["pairs"][0], *told["pairs"][0]["classes"][0]}
    assert {key for key in keys if f'"{key}"' not in section} == set()
    assert typed("diff", both[0], "nowhere")[0] == 4
