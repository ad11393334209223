"""Where data sets are: three places for the file, variables over it, and a sentence for each mistake."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from repro.errors import SpecError
from repro.spec import catalogue
from repro.spec.locations import SETS, load
from tests.conftest import CHECKOUT


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder and an empty home; no variable of ours is set."""
    for name in list(os.environ):
        if name.startswith("REPRO_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "desk").mkdir()
    monkeypatch.chdir(tmp_path / "desk")
    return tmp_path / "desk"


def _faults() -> list[str]:
    with pytest.raises(SpecError) as caught:
        load()
    return caught.value.faults


def test_nothing_is_said_by_default(desk: Path) -> None:
    found = load()
    cache = desk.parent / "home/.cache/repro"
    assert (found.data, found.root, found.weights, found.cache) == ({}, None, cache / "weights", cache)
    assert found.said == {"weights": "by default", "cache": "by default"}
    assert found.whose("imagenet") == ""


def test_a_file_names_folders_and_a_root_gives_the_rest(desk: Path) -> None:
    for name in ("imagenet-r", "imagenet-c", ".hidden"):
        (desk / "sets" / name).mkdir(parents=True)
    (desk / "repro.toml").write_text(
        'weights = "w"\ncache = "~/c"\n[data]\nroot = "sets"\nimagenet-c = "/elsewhere/c"\nphotographs = "p"\n'
    )
    found = load()
    assert dict(found.data) == {
        "imagenet-c": Path("/elsewhere/c"), "imagenet-r": desk / "sets/imagenet-r", "photographs": desk / "p",
    }  # fmt: skip
    assert (found.root, found.weights, found.cache) == (desk / "sets", desk / "w", desk.parent / "home/c")
    assert found.whose("imagenet-c") == "repro.toml"
    assert found.whose("imagenet-r") == "repro.toml, below root"


def test_the_file_is_the_first_of_three(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = desk.parent / "home/.config/repro/repro.toml"
    own.parent.mkdir(parents=True)
    own.write_text('weights = "a"\n')
    assert load().weights == own.parent / "a"
    other = desk.parent / "other.toml"
    other.write_text('weights = "b"\n')
    monkeypatch.setenv("REPRO_CONFIG", str(other))
    assert load().weights == desk.parent / "b"
    assert load().said["weights"] == str(other)
    (desk / "repro.toml").write_text('weights = "c"\n')
    assert load().weights == desk / "c"


def test_variables_win(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (desk / "repro.toml").write_text('weights = "w"\n[data]\nimagenet-c = "c"\n')
    monkeypatch.setenv("REPRO_DATA_IMAGENET_C", "~/d")
    monkeypatch.setenv("REPRO_DATA_ROOT", "/sets")
    monkeypatch.setenv("REPRO_WEIGHTS", "/w")
    found = load()
    assert found.data["imagenet-c"] == desk.parent / "home/d"
    assert (found.root, found.weights) == (Path("/sets"), Path("/w"))
    assert found.said == {
        "data.imagenet-c": "$REPRO_DATA_IMAGENET_C",
        "data.root": "$REPRO_DATA_ROOT",
        "weights": "$REPRO_WEIGHTS",
        "cache": "by default",
    }


KNOWN = ", ".join((*SETS, "photographs"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('weigths = "w"', ['repro.toml:1: unknown key "weigths"; expected one of data, weights, cache; did you mean '
                           '"weights"?']),
        ("weights = 3", ["repro.toml:1: weights: expected a folder as text, found 3"]),
        ('weights = ""', ["repro.toml:1: weights: expected a folder as text, found ''"]),
        ('data = "x"', ["repro.toml:1: data: expected a table [data] of folders by name, found 'x'"]),
        ('[data]\nimagenet-r = ["x"]', ["repro.toml:2: data.imagenet-r: expected a folder as text, found ['x']"]),
        ('[data]\nimagnet-c = "x"', [f'repro.toml:2: data: unknown name "imagnet-c"; expected root, or one of {KNOWN}; '
                                     'did you mean "imagenet-c"?']),
        ("[data", ["repro.toml: expected TOML, found something else: Expected ']' at the end of a table declaration "
                   "(at end of document)"]),
        ('weights = 1\n[data]\nstl-10 = 2', ["repro.toml:1: weights: expected a folder as text, found 1",
                                             "repro.toml:3: data.stl-10: expected a folder as text, found 2"]),
    ],
)  # fmt: skip
def test_a_mistake_in_the_file_is_a_sentence(desk: Path, text: str, told: list[str]) -> None:
    (desk / "repro.toml").write_text(text)
    assert _faults() == told


def test_other_mistakes_are_sentences(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPRO_CONFIG", "absent.toml")
    assert _faults() == ["$REPRO_CONFIG: expected a TOML file, found no file at absent.toml"]
    monkeypatch.delenv("REPRO_CONFIG")
    (desk / "repro.toml").write_bytes(b"\xff")
    assert _faults() == ["repro.toml: expected UTF-8 text, found byte 0xff at offset 0"]
    (desk / "repro.toml").unlink()
    monkeypatch.setenv("REPRO_WEIGHTS", " ")
    assert _faults() == ["$REPRO_WEIGHTS: expected a folder, found ' '"]
    monkeypatch.delenv("REPRO_WEIGHTS")
    monkeypatch.setenv("REPRO_DATA_IMAGENETC", "/c")
    assert _faults() == [
        f'$REPRO_DATA_IMAGENETC: unknown data set "imagenetc"; expected root, or one of {KNOWN}; did you mean '
        '"imagenet-c"?'
    ]


def test_a_profile_outside_may_ask_for_names_of_its_own(desk: Path) -> None:
    (desk / "repro.toml").write_text('[data]\nscans = "s"\n')
    assert load(["scans"]).data["scans"] == desk / "s"


def test_the_names_are_those_of_the_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CHECKOUT)
    assert tuple(each.name for each in catalogue.read().sets) == SETS
