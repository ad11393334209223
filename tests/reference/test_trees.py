"""Where published data sets lie, what files are there, and a sentence for what is not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from repro.errors import DataMissing
from repro.reference import conditions, trees, wnids
from tests.trees import classes, put

NAMES = wnids("imagenet-100-r")
SPEC = {"classes": "imagenet-100-r", "split": ""}


def paths(folder: Path, spec: dict[str, object]) -> list[str]:
    return [path for branch in trees.walk(trees.layout(folder, spec)) for path in branch.paths]


def test_files_come_class_by_class_in_the_order_of_their_ids(tmp_path: Path) -> None:
    classes(tmp_path, reversed(NAMES), each=2, content=b"x")
    put(tmp_path / NAMES[3] / "more" / "z.JPEG", b"x")
    wanted = [f"{name}/{name}_{i}.JPEG" for name in NAMES for i in range(2)]
    wanted.insert(6, f"{NAMES[3]}/more/z.JPEG")
    assert paths(tmp_path, SPEC) == wanted


def test_what_is_no_picture_is_left_out(tmp_path: Path) -> None:
    classes(tmp_path, NAMES, content=b"x")
    for name in ("readme.txt", ".hidden.JPEG", "list.csv", ".ipynb_checkpoints/a.JPEG", "Thumbs.db"):
        put(tmp_path / NAMES[0] / name, b"x")
    put(tmp_path / "n00000000" / "a.JPEG", b"x")
    assert len(paths(tmp_path, SPEC)) == len(NAMES)


def test_sizes_are_those_of_the_files(tmp_path: Path) -> None:
    for length, name in enumerate(NAMES):
        put(tmp_path / name / "a.png", b"x" * length)
    assert [branch.sizes for branch in trees.walk(trees.layout(tmp_path, SPEC))] == [(i,) for i in range(len(NAMES))]


@pytest.mark.parametrize("inner", ["sketch", "imagenet-r"])
def test_a_tree_one_folder_deeper_is_found(tmp_path: Path, inner: str) -> None:
    classes(tmp_path / inner, NAMES, content=b"x")
    (tmp_path / "__MACOSX").mkdir()
    assert trees.layout(tmp_path, SPEC).root == tmp_path / inner
    assert paths(tmp_path, SPEC) == paths(tmp_path / inner, SPEC)


def test_a_split_is_never_guessed(tmp_path: Path) -> None:
    classes(tmp_path / "train", NAMES, content=b"x")
    with pytest.raises(DataMissing, match=f"^{tmp_path}/val: expected a folder of images, found nothing$"):
        paths(tmp_path, {**SPEC, "split": "val"})


def test_conditions_of_imagenet_c_come_corruption_by_corruption(tmp_path: Path) -> None:
    for condition in conditions(15):
        classes(tmp_path / condition, NAMES[:2], content=b"x")
    place = trees.layout(tmp_path, {"classes": "imagenet-100-r", "corruptions": 15})
    assert place.branches[:2] == (f"gaussian_noise/1/{NAMES[0]}", f"gaussian_noise/1/{NAMES[1]}")
    assert place.branches[19] == f"gaussian_noise/2/{NAMES[0]}"
    assert len(place.branches) == 75 * 19


def test_missing_and_empty_classes_are_told_by_name(tmp_path: Path) -> None:
    classes(tmp_path, NAMES[2:], content=b"x")
    (tmp_path / NAMES[0]).mkdir()
    with pytest.raises(DataMissing) as caught:
        paths(tmp_path, SPEC)
    assert str(caught.value) == (
        f"{tmp_path}: 2 of the 19 folders of images are missing or empty; the first, {NAMES[0]}, holds no picture"
    )
    (tmp_path / NAMES[0]).rmdir()
    with pytest.raises(DataMissing, match=f"; the first, {NAMES[0]}, is missing$"):
        paths(tmp_path, SPEC)


def test_images_that_were_never_sorted_are_told(tmp_path: Path) -> None:
    for i in range(3):
        put(tmp_path / "val" / f"ILSVRC2012_val_0000000{i}.JPEG", b"x")
    with pytest.raises(DataMissing) as caught:
        paths(tmp_path, {"classes": "imagenet-1k", "split": "val"})
    assert str(caught.value) == (
        f"{tmp_path}/val: expected folders of images such as n01440764, found none of the 1,000, but 3 files: "
        "sort them into one folder a class, named by WordNet id"
    )


def test_another_folder_is_told(tmp_path: Path) -> None:
    put(tmp_path / "cats" / "a.JPEG", b"x")
    with pytest.raises(DataMissing) as caught:
        paths(tmp_path, SPEC)
    assert str(caught.value) == (f"{tmp_path}: expected folders of images such as {NAMES[0]}, found none of the 19")
    put(tmp_path / "file", b"")
    with pytest.raises(DataMissing, match=f"^{tmp_path}/file: expected a folder of images, found a file$"):
        paths(tmp_path / "file", {})
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataMissing, match=f"^{tmp_path}/empty: expected a folder of images, found no file in it$"):
        paths(tmp_path / "empty", {})


def test_a_link_that_leads_nowhere_is_told_and_one_that_leads_somewhere_followed(tmp_path: Path) -> None:
    classes(tmp_path / "real", NAMES, content=b"abc")
    (tmp_path / "linked").mkdir()
    for name in NAMES:
        (tmp_path / "linked" / name).symlink_to(tmp_path / "real" / name)
    assert paths(tmp_path / "linked", SPEC) == paths(tmp_path / "real", SPEC)
    (tmp_path / "real" / NAMES[5] / "x.JPEG").symlink_to(tmp_path / "gone")
    with pytest.raises(DataMissing) as caught:
        paths(tmp_path / "linked", SPEC)
    assert str(caught.value) == (f"{tmp_path}/linked/{NAMES[5]}/x.JPEG: cannot be read (No such file or directory)")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_a_folder_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    classes(tmp_path, NAMES, content=b"x")
    (tmp_path / NAMES[1]).chmod(0)
    with pytest.raises(DataMissing, match=f"{NAMES[1]}: cannot be read \\(Permission denied\\)$"):
        paths(tmp_path, SPEC)
    (tmp_path / NAMES[1]).chmod(0o755)


def test_a_tree_without_classes_is_taken_whole(tmp_path: Path) -> None:
    put(tmp_path / "cat" / "cat1-dog2.png", b"x")
    put(tmp_path / "notes.md", b"x")
    assert paths(tmp_path, {"resize": 0}) == ["cat/cat1-dog2.png"]


def test_a_file_of_a_set_is_there_or_told(tmp_path: Path) -> None:
    assert trees.size(put(tmp_path / "a.bin", b"123")) == 3
    with pytest.raises(DataMissing, match=f"^{tmp_path}/b.bin: expected a file of the data set, found nothing$"):
        trees.size(tmp_path / "b.bin")
    with pytest.raises(DataMissing, match=f"^{tmp_path}/a.bin/c: expected a file of the data set, found nothing$"):
        trees.size(tmp_path / "a.bin" / "c")
