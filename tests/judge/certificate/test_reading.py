"""What is not a certificate is said in one sentence: where, what was expected, what was found."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repro.judge.certificate import reading
from repro.judge.certificate.reading import NotACertificate
from tests.judge.certificate.world import BASE, World, sealed

Held = dict[str, Any]
JOB = "0" * 32


def refused(text: str) -> str:
    with pytest.raises(NotACertificate) as told:
        reading.parse(text, "c.json")
    assert told.value.exit_code == 2
    return str(told.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Expecting value: line 1 column 1 (char 0)"),
        ("{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ("[]", "a JSON object was expected"),
        ("3", "a JSON object was expected"),
        ('{"a": NaN}', "NaN is no number"),
        ('{"a": -Infinity}', "-Infinity is no number"),
        ('{"a": 1e999}', "Out of range float values are not JSON compliant"),
        ('{"a": 1' + "0" * 400 + "}", "a whole number larger than any in a certificate"),
        ('{"a": 1' + "0" * 5000 + "}", "Exceeds the limit (4300 digits) for integer string conversion"),
        ('{"a": "\\ud800"}', "'utf-8' codec can't encode character '\\ud800' in position 6: surrogates not allowed"),
        ('{"a": ' + "[" * 100_000, "nested too deep"),
        ('{"a": ' + "[" * 30 + "]" * 30 + "}", "nested deeper than any certificate"),
    ],
)
def test_what_is_no_json_of_a_certificate(text: str, why: str) -> None:
    assert refused(text).startswith(f"c.json: expected the JSON of a certificate, found what is none ({why}")


@pytest.mark.parametrize("document", [{}, {"schema": 2, "kind": "certificate of repro"}, {"schema": 1, "tables": []}])
def test_another_document(document: Held) -> None:
    assert refused(json.dumps(document)) == (
        'c.json: expected a certificate, "schema": 1 and "kind": "certificate of repro", found another document'
    )


def file(held: Held, name: str) -> None:
    """Give a job a file of another name."""
    job = next(job for job in held["jobs"].values() if job["kind"] == "pretrain")
    job["files"] = {name: next(iter(job["files"].values()))}


def rename(held: Held, name: str) -> None:
    held["jobs"][name] = held["jobs"].pop(next(iter(held["jobs"])))


def row(held: Held) -> Held:
    return next(row for row in held["tables"]["table1"]["rows"] if row["id"] == BASE)


def claim(held: Held) -> Held:
    return next(claim for claim in held["tables"]["table1"]["claims"] if claim["id"] == "C05")


def board(held: Held) -> Held:
    return held["boards"][0]


CHANGES: dict[str, tuple[Callable[[Held], object], str]] = {
    "a key is missing": (lambda held: held.pop("jobs"), 'the whole: "jobs" is missing'),
    "two are": (lambda held: (held.pop("jobs"), held.pop("missing")), 'the whole: "jobs" is missing, and 1 more fault'),
    "a key too many": (lambda held: held.update(run="rm"), 'the whole: unknown key "run"'),
    "a wrong type": (lambda held: held.update(jobs=[]), "jobs: expected an object, found []"),
    "a path upwards": (
        lambda held: file(held, "../../../etc/passwd"),
        "expected a name of another form, found '../../",
    ),
    "an absolute path": (
        lambda held: file(held, "/etc/passwd"),
        "expected a name of another form, found '/etc/passwd'",
    ),
    "a path below": (lambda held: file(held, "a/b"), "expected a name of another form, found 'a/b'"),
    "a hidden file": (lambda held: file(held, ".."), "expected a name of another form, found '..'"),
    "a job upwards": (lambda held: rename(held, "../" * 10 + "aa"), "expected a name of another form, found '../../"),
    "a number as text": (
        lambda held: row(held)["reported"].update(imagenet="much"),
        "reported: expected a printed number such as",
    ),
    "a long number": (
        lambda held: row(held)["reported"].update(imagenet="9" * 61),
        "reported: expected a printed number, found",
    ),
    "a long text": (
        lambda held: held["tables"]["table1"]["texts"][0].update(printed="9" * 61),
        "printed: expected a printed number, found",
    ),
    "endless runs": (
        lambda held: row(held).update(runs=10**9),
        "runs: expected less than or equal to 10000, found 1000",
    ),
    "a huge value": (
        lambda held: board(held)["cells"][0]["seeds"][0].update(value=1e300),
        "value: expected less than or equal to 1000000000, found 1e+300",
    ),
    "an endless search": (
        lambda held: held["policy"].update(most_seeds=10**9),
        "policy: expected levels between 0 and 1, found",
    ),
    "no level": (lambda held: held["policy"].update(level=0.0), "policy: expected levels between 0 and 1, found"),
    "a level as text": (
        lambda held: held["policy"].update(level="0.05"),
        "policy.level: expected a valid number, found '0.05'",
    ),
    "half a policy": (lambda held: held["policy"].pop("gate"), "policy: expected level, gate, spread_level, ddof,"),
    "no kind of test": (lambda held: claim(held)["test"].update(kind="magic"), "expected a kind of test, found"),
    "no test": (lambda held: claim(held).update(test=3), "expected a test of a claim, found 3"),
    "a claim on nothing": (
        lambda held: claim(held)["test"].update(row="moco-k1"),
        'table1, claim "C05": table1/moco-k1:imagenet leads nowhere',
    ),
    "an odd operand": (
        lambda held: claim(held).update(test={"kind": "order", "of": ["a", "b"]}),
        'table1, claim "C05": expected "row:column", "table/row:column" or "text:ID", found "a"',
    ),
    "a printed number of nowhere": (
        lambda held: claim(held).update(test={"kind": "within", "of": "text:X", "low": 1}),
        'table1, claim "C05": text:X leads nowhere',
    ),
    "same as nothing": (
        lambda held: row(held).update(same_as="table9/a"),
        f'table1, row "{BASE}": same_as "table9/a" leads nowhere',
    ),
    "a row given twice": (
        lambda held: held["tables"]["table1"]["rows"].append(row(held)),
        f'tables.table1.rows: "{BASE}" is given 2 times',
    ),
    "a table given twice": (lambda held: held["boards"].append(board(held)), 'boards: "table1" is given 2 times'),
    "no board": (lambda held: held.update(boards=[]), "boards: expected more parts, found []"),
    "a board of no table": (
        lambda held: board(held).update(table="table9"),
        "boards.table9: there is no table of that",
    ),
    "beside no table": (
        lambda held: board(held)["beside"].update(table9=[]),
        "boards.table1.beside: expected cells of table3, found those of others",
    ),
    "a cell left out": (
        lambda held: board(held)["cells"].pop(),
        "boards.table1.cells: expected one for each of 2 rows and 2 columns",
    ),
    "a row left out": (
        lambda held: board(held)["rows"].pop(),
        "boards.table1.rows: expected those that were asked for, found 1 others",
    ),
    "beside left out": (
        lambda held: board(held)["beside"].clear(),
        "boards.table1.beside: expected cells of table3, found those of others",
    ),
    "a cell of no row": (
        lambda held: board(held)["beside"]["table3"][0].update(row="byol"),
        "boards.table1.beside.table3: expected each cell of imagenet once",
    ),
    "half a column": (
        lambda held: board(held)["beside"].update(table3=board(held)["beside"]["table3"] * 2),
        "boards.table1.beside.table3: expected each cell of imagenet once",
    ),
    "a row that the table has not": (
        lambda held: (
            held["asked"]["rows"].append("moco-k1"),
            board(held)["rows"].append("moco-k1"),
            board(held)["cells"].extend([{**cell, "row": "moco-k1"} for cell in board(held)["cells"][:2]]),
        ),
        "boards.table1, moco-k1:imagenet: table1 has no such cell",
    ),
    "expected numbers that are none": (
        lambda held: held["profile"]["expected"].update(
            table1={"command": "a", "machine": "b", "seeds": [0, 1, 2, 3, 4], "cells": {BASE: {"imagenet": "much"}}}
        ),
        "profile.expected: expected a printed number such as",
    ),
    "a seed given twice": (
        lambda held: board(held)["cells"][0]["seeds"][1].update(seed=0),
        ':imagenet, seeds: "0" is given',
    ),
    "a number of no job": (lambda held: board(held)["cells"][0]["seeds"][0].update(job=JOB), f"there is no job {JOB}"),
    "a job of no environment": (
        lambda held: next(iter(held["jobs"].values())).update(environment=7),
        "environment: there is no environment 7",
    ),
    "a job on no job": (
        lambda held: next(iter(held["jobs"].values())).update(inputs={"data": JOB}),
        f"inputs.data: there is no job {JOB}",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_no_certificate_says(what: str, certified: Held) -> None:
    held = copy.deepcopy(certified)
    change, fault = CHANGES[what]
    change(held)
    told = refused(json.dumps(sealed(held)))
    assert told.startswith("c.json: not a certificate that repro certify wrote: ")
    assert fault in told


def test_a_file_that_is_none(tmp_path: Path) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff")
    found = {}
    for path in (tmp_path, tmp_path / "absent", binary):
        with pytest.raises(NotACertificate) as told:
            reading.read(path)
        found[path.name] = str(told.value)
    assert found == {
        tmp_path.name: f"{tmp_path}: expected a certificate, found a folder",
        "absent": f"{tmp_path}/absent: expected a certificate, found nothing",
        "binary": f"{binary}: expected a certificate, found a file that cannot be read "
        "('utf-8' codec can't decode byte 0xff in position 0: invalid start byte)",
    }


def test_a_file_larger_than_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_MOST", 3)
    (tmp_path / "c.json").write_text("1234")
    with pytest.raises(NotACertificate) as told:
        reading.read(tmp_path / "c.json")
    assert str(told.value) == f"{tmp_path}/c.json: expected a certificate, found 4 bytes, more than any has"


def test_numbers_that_nobody_can_judge_are_told(whole: World, certified: Held) -> None:
    """A claim that sets a number beside itself; the rest of the certificate is well formed."""
    held = copy.deepcopy(certified)
    claim(held)["test"] = {"kind": "order", "of": [f"{BASE}:imagenet", f"{BASE}:imagenet"]}
    found = whole.verify(sealed(held)).disagreements
    (one,) = [each for each in found if each.stage == "cells"]
    assert (one.where, one.expected) == ("table1", "numbers that can be judged")
    assert one.found == "a test sets a number beside itself, so nothing is left to compare"


def test_a_certificate_is_read(tmp_path: Path, certified: Held) -> None:
    (tmp_path / "c.json").write_text(json.dumps(certified), encoding="utf-8")
    held, document = reading.read(tmp_path / "c.json")
    assert document == certified
    assert held.boards[0].cells[0].row == BASE
