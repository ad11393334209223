# ruff: noqa: F811  (fixtures of another file)
"""What `check` leaves for machines: exit codes by wish, JUnit's XML, marks and a page for GitHub, a badge."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.test_cli import BLOCKED, ROW, _elsewhere, measured  # noqa: F401  (fixtures)

Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def strict(measured: Path) -> Path:
    """The results of `measured`, judged as if they were of the paper's scale: every cell differs."""
    text = measured.read_text(encoding="utf-8")
    file = measured.with_name("strict.toml")
    file.write_text(text.replace('"tiny"', '"strict"').replace('"claims"', '"cells"', 1), encoding="utf-8")
    return file


def asked(profile: Path, *, rows: str = ROW, columns: str = "imagenet", seeds: str = "0,1") -> list[object]:
    return ["check", "table1", "--profile", profile, "--rows", rows, "--columns", columns, "--seeds", seeds]


@pytest.mark.parametrize(
    ("fail_on", "differing", "incomplete"),
    [("differs,incomplete,missing", 1, 3), ("differs", 1, 0), ("incomplete, missing", 0, 3), ("nothing", 0, 0)],
)
def test_a_check_fails_on_what_is_asked(
    fail_on: str, differing: int, incomplete: int, strict: Path, measured: Path, typed: Typed
) -> None:
    code, out, _ = typed(*asked(strict), "--fail-on", fail_on)
    assert (code, out.splitlines()[-1]) == (differing, f"check table1: 1 cell differs (exit {differing})")
    assert typed(*asked(measured, seeds="0,1,2"), "--fail-on", fail_on)[0] == incomplete


def test_what_a_check_cannot_fail_on_is_told(measured: Path, typed: Typed) -> None:
    code, _, err = typed(*asked(measured), "--fail-on", "differ")
    assert code == 2
    assert 'expected some of differs, unexpected, incomplete, missing, or nothing, found "differ"' in err


def test_junit_has_a_case_for_each_cell_and_claim(strict: Path, typed: Typed) -> None:
    assert typed(*asked(strict, rows=f"{ROW},{BLOCKED}"), "--junit", "out/found.xml")[0] == 1
    root = ElementTree.parse("out/found.xml").getroot()
    cells, claims = root.findall("testsuite")
    assert [suite.get("name") for suite in (cells, claims)] == ["table1.cells", "table1.claims"]
    assert (cells.get("tests"), cells.get("failures"), cells.get("skipped")) == ("2", "1", "1")
    differing, blocked = cells.findall("testcase")
    assert (differing.get("classname"), differing.get("name")) == ("table1.cells", f"{ROW}:imagenet")
    failure = differing.find("failure")
    assert failure is not None
    assert failure.text is not None
    assert failure.text.startswith("differs: ")
    assert "77.88" in failure.text
    skipped = blocked.find("skipped")
    assert skipped is not None
    assert str(skipped.get("message")).startswith("not runnable: ")
    assert {suite.get("name"): len(suite) for suite in (cells, claims)} == {"table1.cells": 2, "table1.claims": 20}
    assert int(str(root.get("tests"))) == 22
    assert root.get("errors") == "0"


def test_github_gets_marks_and_a_page(
    strict: Path, typed: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    code, out, err = typed(*asked(strict), "--github")
    assert (code, err) == (1, "")
    (mark,) = re.findall(r"(?m)^::error title=(.*?)::(.*)$", out)
    assert mark[0] == f"table1 {ROW}%3Aimagenet"
    assert mark[1].startswith("differs: ")
    assert "::notice title=table1::20 of 21 cells and claims were not judged" in out
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n### repro table1: differs\n1 cell differs\n\n**Table 1**, profile `strict`")
    code, out, err = typed(*asked(strict), "--github", "--json")
    assert json.loads(out)["exit"] == 1
    assert err.startswith("::error title=")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "absent/page.md"))
    code, _, err = typed(*asked(strict), "--github")
    assert (code, err) == (
        2,
        f"repro: --github: {tmp_path}/absent/page.md, named by GITHUB_STEP_SUMMARY: No such file or directory\n",
    )
    monkeypatch.delenv("GITHUB_STEP_SUMMARY")
    code, _, err = typed(*asked(strict), "--github")
    assert (code, err) == (1, "repro: --github: GITHUB_STEP_SUMMARY is not set, so the summary is left out\n")


def test_a_badge_says_how_many_of_the_judged_passed(measured: Path, strict: Path, typed: Typed) -> None:
    assert typed(*asked(measured), "--badge", "badge.svg")[0] == 0
    picture = ElementTree.parse("badge.svg").getroot()
    assert picture.get("aria-label") == "repro table1: holds, 1/1"
    assert [part.text for part in picture.iter("{http://www.w3.org/2000/svg}text")] == ["repro table1", "holds, 1/1"]
    assert typed(*asked(strict), "--badge", "badge.json")[0] == 1
    told = json.loads(Path("badge.json").read_text(encoding="utf-8"))
    assert (told["schemaVersion"], told["label"], told["message"]) == (1, "repro table1", "differs, 0/1")


def test_our_numbers_are_written_as_what_is_expected(measured: Path, typed: Typed) -> None:
    """Two seeds, 30 and 31, in every column; the folder of results is no part of the command."""
    words = [*asked(measured)[1:], "--results", "./results", "--format", "expected", "-o", "numbers.toml"]
    assert typed("export", *words)[0] == 0
    found = tomllib.loads(Path("numbers.toml").read_text(encoding="utf-8"))["tables"]["table1"]
    assert found["command"] == f"repro run table1 --profile {measured} --rows {ROW} --columns imagenet --seeds 0,1"
    assert found["seeds"] == [0, 1]
    assert found["cells"] == {ROW: {"imagenet": "30.50 ± 0.71"}}
