"""Stored predictions are read without torch and without trust."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from repro.errors import DataMissing
from repro.judge.certificate import predictions
from repro.judge.certificate.predictions import Predictions, Said
from repro.lab import evaluation
from repro.metrics import MetricError


def test_what_an_evaluation_writes_is_read(tmp_path: Path) -> None:
    about = evaluation.About(("cat", "dog"), ("dog",), ("fog/1",), parents=(0,), parent_names=("pet",))
    evaluation.write(tmp_path, {"predictions": np.array([1, 0], np.int16), "labels": np.array([1, 1], np.int16)}, about)
    found = predictions.read(tmp_path / "predictions.npz")
    assert found.said == Said(("cat", "dog"), ("dog",), ("fog/1",), parents=(0,), parent_names=("pet",))
    assert found.said.places().tolist() == [1]
    assert {name: column.tolist() for name, column in found.columns.items()} == {
        "labels": [1, 1],
        "predictions": [1, 0],
    }
    assert found.images == 2


def written(path: Path, about: Any, **columns: Any) -> Path:
    np.savez(path, **columns, about=np.array(about))
    return path


def zipped(path: Path, content: bytes) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("labels.npy", content)


def header(shape: str, dtype: str = "<i8") -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": dtype, "fortran_order": False, "shape": (1,)})
    return stream.getvalue().replace(b"(1,)", shape.encode()) + b"\0" * 8


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "absent": (lambda path: None, "[Errno 2] No such file or directory"),
    "a folder": (lambda path: path.mkdir(), "[Errno 21] Is a directory"),
    "empty": (lambda path: path.write_bytes(b""), "File is not a zip file"),
    "text": (lambda path: path.write_bytes(b"hello"), "File is not a zip file"),
    "a pickle": (lambda path: path.write_bytes(pickle.dumps([1])), "File is not a zip file"),
    "one array": (lambda path: path.write_bytes(header("(1,)")), "File is not a zip file"),
    "a cut file": (lambda path: path.write_bytes(b"PK\x03\x04" + b"\0" * 40), "File is not a zip file"),
    "no array": (lambda path: zipped(path, b"no array"), '"labels" is no array'),
    "a huge array": (lambda path: zipped(path, header("(10**15,)")), "malformed node or string"),
    "a huge count": (lambda path: zipped(path, header("(1000000000000000,)")), "Unable to allocate"),
    "pickles in it": (lambda path: zipped(path, header("(1,)", "|O")), "Object arrays cannot be loaded"),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_file_is_a_sentence(what: str, tmp_path: Path) -> None:
    path = tmp_path / "predictions.npz"
    make, fault = BROKEN[what]
    make(path)
    with pytest.raises(DataMissing) as told:
        predictions.read(path)
    assert str(told.value).startswith(f"{path}: expected ")
    assert fault in str(told.value)
    assert "\n" not in str(told.value)


def test_arrays_that_would_fill_the_memory_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "predictions.npz", "{}", labels=np.zeros(1000, np.int64))
    monkeypatch.setattr(predictions, "_MOST", 8000)
    with pytest.raises(DataMissing) as told:
        predictions.read(path)
    bytes_ = 8000 + 128 + 8 + 128
    assert str(told.value) == (
        f"{path}: expected stored arrays, found none that can be read (its arrays would take {bytes_} bytes)"
    )


@pytest.mark.parametrize(
    ("about", "columns", "fault"),
    [
        ("[]", {"labels": [0]}, "nothing is said"),
        ("{", {"labels": [0]}, "Expecting property name enclosed in double quotes"),
        (json.dumps({"classes": "cat"}), {"labels": [0]}, "no list of names"),
        (json.dumps({"classes": [1]}), {"labels": [0]}, "no list of names"),
        (json.dumps({"classes": ["a"], "parents": [0, 0]}), {"labels": [0]}, "no superclass for each class"),
        (json.dumps({"classes": ["a"], "parents": [0]}), {"labels": [0]}, "a superclass without a name"),
        ("{}", {"labels": [0], "predictions": [0, 1]}, "columns of 2 lengths"),
        ("{}", {"labels": 0}, "columns of 1 lengths"),
        ("{}", {}, "columns of 0 lengths"),
        ("[" * 5000, {"labels": [0]}, "maximum recursion depth exceeded"),
    ],
)
def test_what_is_said_has_to_fit(about: str, columns: dict[str, Any], fault: str, tmp_path: Path) -> None:
    path = written(tmp_path / "predictions.npz", about, **columns)
    with pytest.raises(DataMissing) as told:
        predictions.read(path)
    start = f"{path}: expected columns of one length and what is said of them, found none ({fault}"
    assert str(told.value).startswith(start)


@pytest.mark.parametrize(
    ("column", "below", "fault"),
    [
        (None, None, 'expected a column "labels", found other'),
        ([0.5], None, 'column "labels": expected (N,) whole numbers, found float64 (1,)'),
        ([[1]], None, 'column "labels": expected (N,) whole numbers, found int64 (1, 1)'),
        ([-1, 3], None, 'column "labels": expected numbers from 0, found -1 to 3'),
        ([0, 3], 3, 'column "labels": expected numbers from 0 to 2, found 0 to 3'),
    ],
)
def test_a_column_of_indices_is_checked(column: Any, below: int | None, fault: str) -> None:
    columns = {"other": np.zeros(2)} | ({} if column is None else {"labels": np.array(column)})
    with pytest.raises(MetricError) as told:
        Predictions(columns).indices("labels", below=below)
    assert str(told.value) == fault


def test_a_class_that_the_classifier_lacks_is_told() -> None:
    with pytest.raises(MetricError) as told:
        Said(("cat",), ("cat", "dog")).places()
    assert str(told.value) == "expected a classifier of all classes of the images, found none for 'dog'"
