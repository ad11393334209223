"""Fuzzing led by coverage, a moment of it; skipped where atheris is not installed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import CHECKOUT

pytest.importorskip("atheris")


@pytest.mark.parametrize("name", ["profile", "record", "certificate", "archive"])
def test_a_moment_of_it_finds_nothing(name: str) -> None:
    words = [sys.executable, "-m", "tests.fuzz.guided", name, "-runs=200", "-max_total_time=60"]
    done = subprocess.run(words, cwd=CHECKOUT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Done " in done.stderr
