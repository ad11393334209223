"""What the tests of data sets on this machine share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.holdings import world


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with the small catalogue in it; no variable of ours is set."""
    for name in list(os.environ):
        if name.startswith("REPRO_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    world.catalogue(tmp_path)
    return tmp_path
