"""The profile `paper`: every data set of the tables has a reader, and plans with trees of the right layout."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro.plan.expand import Options, expand
from repro.plan.sets import resolved
from repro.reference import conditions, wnids
from repro.spec import load
from repro.store import identity
from tests.trees import classes, put

SPECS, PAPER = load.specs(), load.profile("paper")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A tree of every data set with a file or two a class; `imagenet` has the 100 classes alone."""
    root = tmp_path_factory.mktemp("sets")
    hundred = wnids("imagenet-100")
    for split in ("train", "val"):
        classes(root / "imagenet" / split, hundred, content=b"x")
        classes(root / "imagenet-texture" / split, hundred, ending="jpeg", content=b"x")
    classes(root / "stylized-imagenet" / "val", hundred, ending="png", content=b"x")
    classes(root / "imagenet-sketch" / "sketch", hundred, content=b"x")
    classes(root / "imagenet-r" / "imagenet-r", wnids("imagenet-r"), ending="jpg", content=b"x")
    for condition in conditions(15):
        classes(root / "imagenet-c" / condition, hundred, content=b"x")
    put(root / "cue-conflict" / "cat" / "cat1-dog1.png", b"x")
    for name in ("train_X", "train_y", "test_X", "test_y", "unlabeled_X"):
        put(root / "stl-10" / "stl10_binary" / f"{name}.bin", b"x")
    return {name: root / name for name in PAPER.data}


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path / "cache"))


def test_every_data_set_of_every_table_has_a_reader_and_a_size() -> None:
    needed = {column.dataset for table in SPECS.tables.values() for column in table.columns}
    for table in SPECS.tables.values():
        for row in table.rows:
            for group, key in (("data", "pretrain"), ("data", "labelled"), ("negatives", "images")):
                for recipe in (table.recipe, row.recipe):
                    needed |= {str(recipe[group][key].value)} if key in recipe.get(group, {}) else set()
    assert needed - {"mixed"} <= PAPER.datasets.keys()
    assert PAPER.sizes.keys() == PAPER.datasets.keys()
    assert PAPER.missing == {}


def test_table_1_plans_in_full(home: dict[str, Path]) -> None:
    plan = expand(SPECS.tables, SPECS.table("table1"), PAPER, Options(seeds=[0], data=home))
    assert plan.sets.keys() >= {"imagenet-100/train", "imagenet-100/val", "imagenet-100-c", "imagenet-100-r"}
    rows = {row.id for row in plan.rows if row.not_runnable is None}
    assert {row for row, _ in plan.cells} >= rows
    blocked = {reason for (row, _), reason in plan.blocked.items() if row in rows}
    assert blocked == set()


@pytest.mark.parametrize("name", sorted(PAPER.data))
def test_a_data_set_that_is_not_named_is_asked_for_by_its_name(name: str) -> None:
    asked = [
        dataset
        for dataset, spec in PAPER.datasets.items()
        if f"${name}" in {**PAPER.shared.get(spec["name"], {}), **spec}.values()
    ]
    assert asked


def test_a_set_is_the_same_wherever_it_lies(home: dict[str, Path], tmp_path: Path) -> None:
    linked = {name: tmp_path / name for name in home}
    for name, path in linked.items():
        path.symlink_to(home[name])
    for dataset, recipe in PAPER.datasets.items():
        if recipe.get("classes") == "imagenet-1k" or dataset == "imagenet-100-r":
            continue
        one, two = (identity({"kind": "data", "spec": resolved(PAPER, dataset, named)}) for named in (home, linked))
        assert one == two
