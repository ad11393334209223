"""What the shell is offered at Tab: names of the specs, out of a process that a shell would start."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT


def offered(words: str, cwd: Path) -> list[str]:
    """What bash would be told for a line whose last word is under way."""
    asked = {"COMP_WORDS": words, "COMP_CWORD": str(len(f"{words}|".split()) - 1), "_REPRO_COMPLETE": "bash_complete"}
    typed = [sys.executable, "-m", "repro"]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), **asked}
    done = subprocess.run(typed, cwd=cwd, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("repro aud", ["audit"]),
        ("repro run table", ["table1", "table2", "table3", "table4"]),
        ("repro run table1 --profile m", ["mini"]),
        ("repro run figure6 --rows a0,a", ["a0,a1", "a0,a2", "a0,a3", "a0,a4", "a0,a5"]),
        ("repro check table2 --columns imagenet-", ["imagenet-c", "imagenet-s", "imagenet-r"]),
        ("repro check tabel2 --columns i", []),
        ("repro data verify imagenet-t", ["imagenet-texture"]),
        ("repro checkpoints fetch ifm", ["ifm-moco-v2", "ifm-e005", "ifm-e01", "ifm-e02"]),
        ("repro figure figure1", ["figure1", "figure10", "figure12", "figure13"]),
        ("repro figure 1", ["1", "10", "12", "13"]),
        ("repro figure 6 --rows a0,a1,a", ["a0,a1,a2", "a0,a1,a3", "a0,a1,a4", "a0,a1,a5"]),
        ("repro report table2 --rows mo", ["moco-v2", "mochi"]),
        ("repro checkpoints list --table table2 --rows m", ["moco-v2", "mochi"]),
    ],
)
def test_names_are_offered(words: str, expected: list[str], tmp_path: Path) -> None:
    assert offered(words, tmp_path) == expected


def test_tables_of_ones_own_are_offered_and_a_file_that_is_none_harms_nothing(tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables/mine.toml").write_text('rows = [{ id = "a" }, { id = "b" }]')
    (tmp_path / "tables/mixed.toml").write_text("rows = [")
    assert offered("repro run mi", tmp_path) == ["mine", "mixed"]
    assert offered("repro run mine --rows a,", tmp_path) == ["a,b"]
    assert offered("repro run mixed --rows a", tmp_path) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_takes_the_script(shell: str, tmp_path: Path) -> None:
    typed = [sys.executable, "-m", "repro", "completion", shell]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    script = subprocess.run(typed, env=environment, capture_output=True, text=True, timeout=60, check=True).stdout
    assert "_REPRO_COMPLETE" in script
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    subprocess.run([shell, "-n"], input=script, text=True, timeout=60, check=True)
