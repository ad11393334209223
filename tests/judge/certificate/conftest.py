"""A world that several tests read and none changes, and its certificate."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repro.store import Store
from tests.judge.certificate import world
from tests.judge.certificate.world import World


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Two rows in two columns with three seeds, judged as at the paper's scale."""
    return world.build(tmp_path_factory.mktemp("world"), columns=("imagenet", "imagenet-c"))


@pytest.fixture(scope="session")
def certified(whole: World) -> dict[str, Any]:
    """Its certificate; a test that changes it takes a copy."""
    return whole.certificate()


@pytest.fixture
def copied(whole: World, tmp_path: Path) -> Callable[[], World]:
    """The same results in a folder of the test's own."""

    def copy() -> World:
        shutil.copytree(whole.store.root, tmp_path / "results")
        return World(Store(tmp_path / "results"), whole.plan, whole.tables)

    return copy
