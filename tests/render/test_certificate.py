"""What is printed of a verification: short lines, all of them in JSON, nothing that steers a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from repro.judge.certificate.layout import Certificate, Gap, Judged, Outcome, Rules
from repro.judge.certificate.ledger import Disagreement, Ledger
from repro.judge.certificate.premises import Asked, Means, Spec
from repro.render import certificate
from repro.render.terminal import console


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    console.cache_clear()


def test_a_line_is_where_expected_and_found() -> None:
    line = certificate.sentence(Disagreement("files", "a/b, SHA-256", "0123456789ab" + "c" * 52, "f" * 64))
    assert line == "files: a/b, SHA-256: expected 0123456789ab..., found ffffffffffff..."


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "None"),
        ("", "nothing"),
        ("one\ntwo", "one two"),
        ("\x1b[31mred", "[31mred"),
        ("x" * 200, "x" * 107 + "..."),
        ([10.0, 20.123456789], "[10.0, 20.1235]"),
    ],
)
def test_a_value_is_one_short_line(value: Any, shown: str) -> None:
    line = certificate.sentence(Disagreement("cells", "there", value, 1.0))
    assert line == f"cells: there: expected {shown}, found 1.0"


@pytest.mark.parametrize(
    ("expected", "found", "shown"),
    [
        (59.285714285714285, 59.357142857142854, "expected 59.2857, found 59.3571"),
        (77.123456, 77.123457, "expected 77.123456, found 77.123457"),
        (0.1, 0.1 + 1e-11, "expected 0.1, found 0.10000000001"),
        (1, 2, "expected 1, found 2"),
    ],
)
def test_numbers_have_as_many_digits_as_tell_them_apart(expected: float, found: float, shown: str) -> None:
    assert certificate.sentence(Disagreement("cells", "there", expected, found)) == f"cells: there: {shown}"


def ledger(many: int) -> Ledger:
    found = Ledger()
    for number in range(many):
        found.differ("metrics", f"evaluation {number}, top1", 1.0, 2.0)
        found.lack(f"evaluation {number}", "no record")
    return found


def test_of_many_the_first_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    certificate.refused(ledger(25))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "nothing was written: 25 things in these results do not agree"
    assert lines[1] == "✗ metrics: evaluation 0, top1: expected 1, found 2"
    assert len(lines) == 22
    assert lines[-1] == "  ... and 5 more of metrics that do not agree; --json has them all"


@pytest.mark.parametrize(
    ("many", "missing", "words"),
    [
        (0, 0, "everything agrees (exit 0)"),
        (1, 0, "1 thing does not agree (exit 1)"),
        (2, 0, "2 things do not agree (exit 1)"),
        (0, 3, "3 of its results are not here (exit 4)"),
        (1, 1, "1 thing does not agree and 1 of its results is not here (exit 1)"),
    ],
)
def test_the_last_line_says_how_it_ends(many: int, missing: int, words: str) -> None:
    found = Ledger(ledger(many).disagreements, ledger(missing).missing)
    assert certificate.verdict(found) == words


def test_what_was_changed_of_the_rules_and_left_out_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    asked = Asked(seeds=[0], rows=[], columns=[], limit=None, device="cpu", source="train", own=None)
    rules = Rules(stamp="0" * 12, changed=["policy.level was 0.05 and is 0.1 (now)"])
    outcome = Outcome(exit=0, reason="")
    one = Judged(
        table="t", rows=[], columns=[], cells=[], beside={}, claims=[], counts={}, outcome=outcome, rules=rules
    )
    spec = Spec(sha256="0" * 64, columns=[], rows=[], texts=[], claims=[])
    held = Certificate.model_construct(
        boards=[one],
        tables={"t": spec},
        asked=asked,
        profile=Means.model_construct(id="mini"),
        missing=[Gap(where="a", reason="no result", job=None)] * 2,
        digest="a" * 64,
    )
    found = ledger(0)
    found.remarks.append("one remark")
    found.unchecked["weights: not here"] += 2
    certificate.show(held, found, file=Path("c.json"), results=Path("r"), seconds=0.04)
    assert capsys.readouterr().out.splitlines() == [
        "c.json, digest aaaaaaaaaaaa, beside r",
        "  t, profile mini: 0 row, 0 column, seeds 0; cells: ; rules 000000000000",
        "! the rules of judging changed after there were results: policy.level was 0.05 and is 0.1 (now)",
        "  in part: 2 results were missing when it was made",
        "· one remark",
        "· not compared: weights: not here (2 times)",
        "checked in 0.0 s:",
        "everything agrees (exit 0)",
    ]


def test_json_has_every_line() -> None:
    told = certificate.document(ledger(25), file=Path("c.json"), results=Path("r"), seconds=1.23456)
    assert len(told["disagreements"]) == len(told["missing"]) == 25
    assert told["disagreements"][24]["where"] == "evaluation 24, top1"
    assert (told["exit"], told["seconds"]) == (1, 1.235)
