"""A world of every kind of file that inputs are tried in."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from repro.plan import code
from tests.fuzz import world
from tests.fuzz.world import World

collect_ignore = [] if find_spec("atheris") else ["guided.py"]  # it is collected for doctests, and imports it


@pytest.fixture(autouse=True)
def _own_memory() -> Iterator[None]:
    """What inputs told of our sources (code.json) is forgotten, so that no later test believes it."""
    before = dict(code._known)
    yield
    code._known.clear()
    code._known.update(before)
    code.forget()


@dataclass(frozen=True)
class Pair:
    """A world, and what it was."""

    world: World
    keep: Path


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """One for all tests; whoever changes a file puts it back."""
    root = tmp_path_factory.mktemp("fuzz").resolve()
    found = world.build(root / "world")
    shutil.copytree(found.root, root / "kept")
    return Pair(found, root / "kept")
