"""What a data set is made of, as one hash: the same wherever the tree lies, another for another tree, quick to tell."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from repro.errors import DataMissing
from repro.plan import folders
from repro.reference import conditions, trees, wnids
from tests.trees import classes, put

NAMES = wnids("imagenet-100-r")
SPEC = {"name": "imagenet", "classes": "imagenet-100-r", "split": "val"}


@pytest.fixture(autouse=True)
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of our own, and no memory of earlier trees."""
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    folders._of_tree.cache_clear()
    yield tmp_path / "cache" / "folders"
    folders._of_tree.cache_clear()


def contents(folder: Path, spec: dict[str, object] = SPEC) -> str:
    """As a new process would say."""
    folders._of_tree.cache_clear()
    return folders.contents(folder, spec)


def tree(root: Path) -> Path:
    return classes(root / "val", NAMES, each=3, content=b"content").parent


def settle(root: Path) -> None:
    """Make a tree look as if it had been left alone for an hour."""
    for path in (root, *root.rglob("*")):
        os.utime(path, (time.time() - 3600,) * 2)


def test_a_moved_tree_is_the_same_and_a_changed_one_is_not(tmp_path: Path) -> None:
    first = contents(tree(tmp_path / "a"))
    (tmp_path / "a").rename(tmp_path / "b")
    assert contents(tmp_path / "b") == first
    shutil.copytree(tmp_path / "b", tmp_path / "c")
    assert contents(tmp_path / "c") == first
    some = tmp_path / "c" / "val" / NAMES[3]
    for change in (
        lambda: (some / "new.JPEG").write_bytes(b"x"),
        lambda: (some / "new.JPEG").rename(some / "other.JPEG"),
        lambda: (some / "other.JPEG").write_bytes(b"xyz"),
    ):
        change()
        assert contents(tmp_path / "c") != first
    (some / "other.JPEG").unlink()
    assert contents(tmp_path / "c") == first


def test_what_is_no_part_of_the_set_does_not_count(tmp_path: Path) -> None:
    first = contents(tree(tmp_path / "a"))
    put(tmp_path / "a" / "val" / "n00000000" / "x.JPEG", b"x")
    put(tmp_path / "a" / "train" / NAMES[0] / "x.JPEG", b"x")
    put(tmp_path / "a" / "val" / NAMES[0] / "readme.txt", b"x")
    assert contents(tmp_path / "a") == first
    assert contents(tmp_path / "a", {"name": "cue_conflict", "resize": 0}) != first  # the whole tree


def test_conditions_count_each(tmp_path: Path) -> None:
    for condition in conditions(15):
        classes(tmp_path / "a" / condition, NAMES, content=b"x")
    spec = {"name": "imagenet_c", "classes": "imagenet-100-r", "corruptions": 15}
    first = contents(tmp_path / "a", spec)
    put(tmp_path / "a" / "fog" / "5" / NAMES[18] / f"{NAMES[18]}_0.JPEG", b"xx")
    assert contents(tmp_path / "a", spec) != first


def test_the_files_of_stl_10_count_wherever_they_were_unpacked(tmp_path: Path) -> None:
    for name in ("train_X.bin", "train_y.bin", "test_X.bin", "test_y.bin"):
        put(tmp_path / "a" / "stl10_binary" / name, b"x" * len(name))
    spec = {"name": "stl10", "split": "train"}
    first = contents(tmp_path / "a", spec)
    assert (
        contents(tmp_path / "a" / "stl10_binary", spec) == first != contents(tmp_path / "a", {**spec, "split": "test"})
    )
    put(tmp_path / "a" / "stl10_binary" / "train_y.bin", b"x")
    assert contents(tmp_path / "a", spec) != first
    with pytest.raises(DataMissing, match=r"unlabeled_X.bin: expected a file of the data set, found nothing$"):
        contents(tmp_path / "a", {**spec, "split": "unlabelled"})


def test_a_tree_left_alone_is_walked_once(tmp_path: Path, memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, walks = tree(tmp_path / "a"), []
    put(root / "val" / NAMES[0] / "inner" / "x.JPEG", b"x")
    settle(root)
    walk = trees.walk
    monkeypatch.setattr(trees, "walk", lambda place: walks.append(place) or walk(place))
    first = contents(root)
    assert len(list(memory.iterdir())) == 1
    assert contents(root) == first
    assert len(walks) == 1
    put(root / "val" / NAMES[0] / "inner" / "y.JPEG", b"y")  # a folder in a class folder is watched too
    second = contents(root)
    assert second != first
    assert len(walks) == 2


def test_a_tree_that_was_just_changed_is_not_remembered(tmp_path: Path, memory: Path) -> None:
    contents(tree(tmp_path / "a"))
    assert not memory.exists()


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", '{"inner": 3}', '{"inner": [], "changes": "0", "contents": "wrong"}']
)
def test_a_damaged_memory_is_no_memory(tmp_path: Path, memory: Path, damage: str) -> None:
    root = tree(tmp_path / "a")
    settle(root)
    first = contents(root)
    (kept,) = memory.iterdir()
    assert json.loads(kept.read_text())["contents"] == first
    kept.write_text(damage)
    assert contents(root) == first


def test_a_cache_that_cannot_be_written_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tree(tmp_path / "a")
    settle(root)
    first = contents(root)
    monkeypatch.setenv("REPRO_CACHE", str(put(tmp_path / "file", b"") / "below"))
    assert contents(root) == first


def test_a_missing_class_is_told_before_anything_runs(tmp_path: Path) -> None:
    classes(tmp_path / "val", NAMES[1:], content=b"x")
    with pytest.raises(DataMissing, match=f"the first, {NAMES[0]}, is missing$"):
        contents(tmp_path)
