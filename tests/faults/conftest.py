"""The world that faults are tried in, made once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults import processes
from tests.faults import world as worlds
from tests.faults.world import World


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A short whole run and its results; a family makes folders of its own in it, and leaves no process."""
    root = tmp_path_factory.mktemp("faults").resolve()
    yield worlds.build(root / "world")
    processes.end(root)
