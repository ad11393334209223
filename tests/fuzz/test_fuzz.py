"""A few inputs of every target; `python -m tests.fuzz.long` tries as many as there is time for."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repro.errors import ReproError, SpecError, UsageError
from tests.fuzz import commands, long, mutations, watch, world
from tests.fuzz.conftest import Pair

pytestmark = [  # numpy leaves files open that it cannot read
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
EXAMPLES = 6
FEW = {"max_examples": EXAMPLES, "deadline": None, "database": None, "derandomize": True}
QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


@pytest.mark.parametrize("name", long.NAMES)
def test_an_input_ends_in_a_result_or_in_one_refusal(name: str, pair: Pair) -> None:
    @settings(**FEW, suppress_health_check=QUIET)
    @given(number=st.integers(0, 10**9))
    def tried(number: int) -> None:
        with world.inside(pair.world.root):
            assert long.one(pair.world, pair.keep, name, 0, number) in ("result", "refused")

    tried()


@settings(max_examples=100, deadline=None, database=None, derandomize=True)
@given(
    words=st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30), max_size=6)
)
def test_any_words_are_a_command_line(pair: Pair, words: list[str]) -> None:
    with world.inside(pair.world.root):
        assert watch.tried(pair.world.root, lambda: commands.type_(words)) in ("result", "refused")


def test_the_same_number_is_the_same_input() -> None:
    content = b'a = "text"\nb = [1, 2.5]\n[c]\nd = true\n'
    one, again, other = (mutations.of_toml(Random(seed), content) for seed in (7, 7, 8))
    assert one == again != other


def test_the_world_is_afterwards_as_it_was(pair: Pair) -> None:
    (pair.world.root / "tables" / "table2.toml").write_text("broken")
    (pair.world.root / "new" / "folder").mkdir(parents=True)
    (pair.world.root / "repro.toml").unlink()
    long.restore(pair.keep, pair.world.root)
    there, kept = (
        {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        for root in (pair.world.root, pair.keep)
    )
    assert there == kept
    assert not (pair.world.root / "new").exists()


def _write(path: Path) -> None:
    path.write_text("x")


def _dig() -> None:
    _dig()


def _refuse(error: ReproError) -> None:
    raise error


@pytest.mark.parametrize(
    ("action", "fault"),
    [
        (lambda room: _write(room.parent / "outside"), "left its folder: open "),
        (lambda room: (room.parent / "outside").mkdir(), "left its folder: os.mkdir "),
        (lambda room: os.symlink("/etc", room.parent / "outside"), "left its folder: os.symlink "),
        (lambda room: subprocess.run(["true"], check=True), "left its folder: subprocess.Popen "),
        (lambda room: time.sleep(5), "no end after 0.5 s: "),
        (lambda room: {}["x"], "Traceback (most recent call last):"),
        (lambda room: _dig(), "recursion depth exceeded"),
        (lambda room: _refuse(UsageError(" ")), "a sentence of 1 characters: ' '"),
        (lambda room: _refuse(SpecError([])), "SpecError that says nothing"),
    ],
)
def test_what_must_not_happen_is_seen(tmp_path: Path, action, fault: str) -> None:  # type: ignore[no-untyped-def]
    room = tmp_path / "room"
    room.mkdir()
    with pytest.raises(watch.Broken) as caught:
        watch.tried(room, lambda: action(room), seconds=0.5)
    assert fault in str(caught.value)


def test_what_may_happen_is_no_fault(tmp_path: Path) -> None:
    assert watch.tried(tmp_path, lambda: _write(tmp_path / "inside")) == "result"
    assert watch.tried(tmp_path, lambda: _refuse(UsageError("expected one thing, found another"))) == "refused"


def test_the_long_run_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert long.main(["--inputs", "4", "--seed", "3", "--target", "repro.toml", "--target", "cache.json"]) == 0
    head, first, second, last = capsys.readouterr().out.splitlines()
    assert head.split() == ["inputs", "result", "refused", "broken", "ms", "each"]
    assert (first.split()[:2], second.split()[:2], last.split()) == (
        ["repro.toml", "4"],
        ["cache.json", "0"],
        ["all", "4"],
    )
