"""Which data sets are there, whole; what is wrong with one that is not, and what is a mistake of the user's."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro.errors import DataMissing
from repro.plan.expand import Options, expand
from repro.plan.sets import absent, resolved
from repro.reference import wnids
from repro.spec import load
from tests.trees import classes, put

SPECS, PAPER = load.specs(), load.profile("paper")
HUNDRED = wnids("imagenet-100")


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path / "cache"))


def _why(dataset: str, **data: Path) -> str | None:
    return absent(dataset, PAPER, Options(seeds=[0], data={name.replace("_", "-"): at for name, at in data.items()}))


def test_a_set_without_a_folder_says_how_to_name_it() -> None:
    assert _why("cue-conflict") == (
        "needs Geirhos' cue-conflict images, one folder a shape: name its folder with --data cue-conflict=DIR, or in "
        "repro.toml"
    )


def test_a_whole_set_is_there_and_a_class_that_is_not_is_named(tmp_path: Path) -> None:
    classes(tmp_path / "a" / "val", HUNDRED, content=b"x")
    classes(tmp_path / "b" / "val", HUNDRED[:-2], content=b"x")
    assert _why("imagenet-100/val", imagenet=tmp_path / "a") is None
    assert _why("imagenet-100/val", imagenet=tmp_path / "b") == (
        f"{tmp_path / 'b' / 'val'}: 2 of the 100 folders of images are missing or empty; the first, {HUNDRED[-2]}, is "
        "missing"
    )
    assert _why("imagenet-100/train", imagenet=tmp_path / "a") == (
        f"{tmp_path / 'a' / 'train'}: expected a folder of images, found nothing"
    )


def test_a_file_of_stl_10_that_is_not_there_is_named(tmp_path: Path) -> None:
    for name in ("train_X", "train_y"):
        put(tmp_path / "stl10_binary" / f"{name}.bin", b"x")
    assert _why("stl-10/train", stl_10=tmp_path) is None
    assert _why("stl-10/test", stl_10=tmp_path) == (
        f"{tmp_path / 'stl10_binary' / 'test_X.bin'}: expected a file of the data set, found nothing"
    )


@pytest.mark.parametrize(("kind", "found"), [("nothing", "nothing"), ("file", "a file")])
def test_a_named_folder_that_is_none_is_no_gap_but_a_mistake(tmp_path: Path, kind: str, found: str) -> None:
    named = tmp_path / "named"
    if kind == "file":
        named.touch()
    assert _why("imagenet-sketch", imagenet_sketch=named) is None
    with pytest.raises(DataMissing) as caught:
        resolved(PAPER, "imagenet-sketch", {"imagenet-sketch": named})
    assert str(caught.value) == f"{named}: expected a folder of images, found {found}"


def test_a_probe_does_without_held_out_images_that_are_not_whole(tmp_path: Path) -> None:
    """Those are watched, never learned from; the cells that measure on them say what is missing."""
    classes(tmp_path / "imagenet" / "train", HUNDRED, content=b"x")
    classes(tmp_path / "imagenet" / "val", HUNDRED[1:], content=b"x")
    classes(tmp_path / "sketch", HUNDRED, content=b"x")
    named = {"imagenet": tmp_path / "imagenet", "imagenet-sketch": tmp_path / "sketch"}
    options = Options(seeds=[0], rows=["moco-k16384"], columns=["imagenet", "imagenet-s"], data=named)
    plan = expand(SPECS.tables, SPECS.table("table1"), PAPER, options)
    assert list(plan.blocked) == [("moco-k16384", "imagenet")]
    assert list(plan.cells) == [("moco-k16384", "imagenet-s")]
    [probe] = [job for job in plan.jobs.values() if job.kind == "probe"]
    assert probe.inputs.keys() == {"pretrain", "data"}
