"""The same weights on the same images: identical, within the band or changed, told with what moved."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from repro.errors import DataMissing
from repro.judge.matching import side
from repro.judge.regression import Change, Regression, regressions
from repro.lab import evaluation
from repro.store import Record, Store, identity

Typed = Callable[..., tuple[int, str, str]]
WHEN = "2026-01-01T00:00:00+00:00"
LABELS = np.arange(4000) % 2


def put(
    root: Path, answers: Any, values: dict[str, Any], *, weights: str = "w", row: str = "a", code: str = "1"
) -> None:
    """A network, its probe, its images and an evaluation of it, as workers leave them; `code` is of the evaluation."""
    store, ids = Store(root), {}
    for kind, name, sha in (("pretrain", "encoder", weights), ("probe", "probe", weights), ("data", "images", "i")):
        job = {"kind": kind, "spec": {"row": row}, "seed": 0, "inputs": {}}
        files = {} if kind == "data" else {f"{name}.safetensors": {"sha256": sha, "bytes": 1}}
        ids[kind] = identity(job)
        store.write(Record(ids[kind], job, kind, {"digest": "d"}, files, WHEN, 1.0, 1.0, {}))
    job = {"kind": "evaluate", "spec": {"evaluator": "accuracy"}, "seed": 0, "inputs": ids, "code": code}
    folder = store.folder(identity(job))
    folder.mkdir(parents=True)
    columns = {"labels": LABELS, "predictions": np.asarray(answers)}
    evaluation.write(folder, columns, evaluation.About(("cat", "dog"), ("cat", "dog")))
    store.write(Record(identity(job), job, f"evaluate imagenet of {row}, seed 0", values, {}, WHEN, 1.0, 1.0, {}))


def found(one: Path, other: Path) -> list[Regression]:
    return regressions(side(str(one)), side(str(other)), read=evaluation.read)


def moved(count: int) -> Any:
    answers = LABELS.copy()
    answers[:count] = 1 - answers[:count]
    return answers


@pytest.mark.parametrize(
    ("count", "top1", "change"),
    [(0, 100.0, Change.NONE), (2, 99.95, Change.ROUNDING), (3, 99.925, Change.METRIC)],  # the band is 0.05 points
)
def test_the_band_is_five_hundredths_of_a_point(count: int, top1: float, change: Change, tmp_path: Path) -> None:
    put(tmp_path / "one", LABELS, {"top1": 100.0, "n": 4000, "names": ["a"]})
    put(tmp_path / "other", moved(count), {"top1": top1, "n": 4000, "names": ["b"]}, code="2")
    (one,) = found(tmp_path / "one", tmp_path / "other")
    assert (one.images, one.answers, one.change) == (4000, count, change)
    assert (one.largest, one.by) == (("top1", pytest.approx(top1 - 100)) if count else ("", 0.0))


def test_answers_that_changed_and_cancel_are_told(tmp_path: Path) -> None:
    answers = LABELS.copy()
    answers[[0, 1]] = answers[[1, 0]]
    put(tmp_path / "one", LABELS, {"top1": 100.0})
    put(tmp_path / "other", answers, {"top1": 100.0})
    (one,) = found(tmp_path / "one", tmp_path / "other")
    assert (one.answers, one.largest, one.change) == (2, "", Change.ROUNDING)


def test_a_metric_that_is_gone_is_a_change(tmp_path: Path) -> None:
    put(tmp_path / "one", LABELS, {"top1": 100.0, "bias": 60.0})
    put(tmp_path / "other", LABELS, {"top1": 100.0})
    (one,) = found(tmp_path / "one", tmp_path / "other")
    assert (one.largest, one.by, one.change) == ("bias", float("inf"), Change.METRIC)


def test_networks_that_differ_are_no_matter_of_this(tmp_path: Path) -> None:
    put(tmp_path / "one", LABELS, {"top1": 100.0})
    put(tmp_path / "one", LABELS, {"top1": 100.0}, row="b")
    put(tmp_path / "other", moved(400), {"top1": 90.0}, weights="v")
    put(tmp_path / "other", LABELS, {"top1": 100.0}, row="b")
    assert [each.row for each in found(tmp_path / "one", tmp_path / "other")] == ["b"]


def test_no_two_of_the_same_weights_is_a_sentence(tmp_path: Path) -> None:
    put(tmp_path / "one", LABELS, {"top1": 100.0})
    put(tmp_path / "other", LABELS, {"top1": 100.0}, weights="v")
    with pytest.raises(DataMissing) as caught:
        found(tmp_path / "one", tmp_path / "other")
    assert str(caught.value) == (
        f"{tmp_path / 'one'} and {tmp_path / 'other'}: expected evaluations of the same weights on the same images, "
        "found 1 that go together, each of networks that differ; leave out --regression to compare networks"
    )


def test_the_verb_fails_where_a_metric_moved(tmp_path: Path, typed: Typed) -> None:
    put(tmp_path / "one", LABELS, {"top1": 100.0})
    put(tmp_path / "other", moved(40), {"top1": 99.0})
    put(tmp_path / "third", moved(1), {"top1": 99.975})
    code, out, err = typed("diff", tmp_path / "one", tmp_path / "other", "--regression")
    assert (code, err) == (1, "")
    assert "✗ imagenet a" in " ".join(out.split())
    assert "40 of 4,000 top1 -1" in " ".join(out.split())
    assert out.splitlines()[-1] == "1 evaluation of the same weights on the same images: 1 changed"
    code, out, _ = typed("diff", tmp_path / "one", tmp_path / "third", "--regression")
    assert (code, out.splitlines()[-1].rpartition(": ")[2]) == (0, "1 within the band")
    code, out, _ = typed("diff", tmp_path / "one", tmp_path / "one", "--regression", "--json")
    assert code == 0
    assert json.loads(out)["regressions"] == [
        {
            "column": "imagenet",
            "row": "a",
            "seed": 0,
            "images": 4000,
            "answers": 0,
            "largest": "",
            "by": 0.0,
            "change": "identical",
        }
    ]
