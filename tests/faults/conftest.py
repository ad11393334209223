"""The world that faults are tried in, made once."""

from __future__ import annotations

import pytest

from tests.faults import world as worlds
from tests.faults.world import World


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A short whole run and its results; a family makes folders of its own in it."""
    return worlds.build(tmp_path_factory.mktemp("faults").resolve() / "world")
