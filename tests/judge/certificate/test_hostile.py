"""Certificates that somebody bent: each a sentence or a verification, never a traceback."""

from __future__ import annotations

import copy
import json
import random
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repro.judge.certificate import reading
from repro.judge.certificate.reading import NotACertificate
from repro.spec.model import AllOf, Better, Order
from tests.conftest import CHECKOUT
from tests.judge.certificate import world
from tests.judge.certificate.world import BASE, PATCH, World

MUTATIONS = 2000
BENT: list[Any] = [
    None, True, -1, 0, 3, 1e308, -1e308, 10**400, 0.1, "", "x", "../../etc/passwd", "/etc/passwd", "\ud800", "\x1b[31m",
    "a" * 5000, [], {}, [[]], [None], {"id": "x"}, "reproduced", "not runnable", "1 ± x", "table1/byol:imagenet", "all",
]  # fmt: skip


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Two rows of a table that has but these, with one claim, on one seed."""
    table = world.SPECS.table("table1")
    rows = [row for row in table.rows if row.id in (BASE, PATCH)]
    columns = [column for column in table.columns if column.id == "imagenet"]
    better = Better(kind="better", row=PATCH, than=[BASE], columns=["imagenet"])
    order = Order(kind="order", of=[f"{PATCH}:imagenet", f"{BASE}:imagenet - {PATCH}:imagenet"])
    claim = table.claims[0].model_copy(update={"test": AllOf(kind="all", of=[better, order])})
    bare = table.model_copy(update={"rows": rows, "claims": [claim], "columns": columns, "texts": table.texts[:1]})
    used = {name: world.CELLS.datasets[name] for name in ("imagenet-100/train", "imagenet-100/val")}
    profile = world.CELLS.model_copy(update={"datasets": used})
    built = world.build(tmp_path_factory.mktemp("small"), seeds=(0,), profile=profile)
    return World(built.store, replace(built.plan, table=bare), {"table1": bare})


def _places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    parts = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, part in parts:
        yield (*path, key)
        yield from _places(part, (*path, key))


def _at(document: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        document = document[key]
    return document


def bend(document: dict[str, Any], places: list[tuple[Any, ...]], chance: random.Random) -> None:
    """One change somewhere: another value, a part taken away, given twice, renamed or put in place of another."""
    path = chance.choice(places)
    owner, key = _at(document, path[:-1]), path[-1]
    kind = chance.randrange(5)
    if kind == 0 and isinstance(owner, dict):
        owner[str(chance.choice(BENT))] = owner.pop(key)
    elif kind == 1:
        owner.pop(key)
    elif kind == 2 and isinstance(owner, list):
        owner.append(copy.deepcopy(owner[key]))
    elif kind == 3:
        owner[key] = copy.deepcopy(_at(document, chance.choice(places)))
    else:
        owner[key] = copy.deepcopy(chance.choice(BENT))


@pytest.fixture
def opened() -> Iterator[list[Path]]:
    """Every file that is opened while a test runs."""
    found: list[Path] = []
    watching = [True]

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and watching and isinstance(arguments[0], str):
            found.append(Path(arguments[0]))

    sys.addaudithook(watch)  # it cannot be taken away, only told to look elsewhere
    yield found
    watching.clear()


def test_a_bent_certificate_is_told_or_verified(small: World, opened: list[Path]) -> None:
    whole = small.certificate()
    text, places, chance = json.dumps(whole), list(_places(whole)), random.Random(0)
    refused: list[str] = []
    differing = agreeing = 0
    for _ in range(MUTATIONS):
        document = json.loads(text)
        bend(document, places, chance)
        if chance.random() < 0.8:
            with suppress(ValueError):  # of some no digest can be redone
                document = world.sealed(document)
        try:
            _, again = reading.parse(json.dumps(document), "c.json")
        except NotACertificate as error:
            refused.append(str(error))
            continue
        if small.verify(again).disagreements:
            differing += 1
        else:
            agreeing += 1  # put in the place of its like, or of what nothing rests on
    assert all(sentence.startswith("c.json: ") and "\n" not in sentence for sentence in refused)
    assert max(map(len, refused)) < 500
    assert len(refused) > MUTATIONS / 3
    assert differing > MUTATIONS / 4
    assert agreeing < MUTATIONS / 50
    met = {path.resolve() for path in opened if path.suffix != ".pyc"}
    places = [small.store.root, CHECKOUT, Path(sys.prefix), Path(sys.base_prefix)]
    assert {path for path in met if not any(path.is_relative_to(place) for place in places)} == set()
    assert len(opened) > MUTATIONS
