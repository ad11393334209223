"""Where each data set is, and what to do next: `repro data list` and `where`; ImageNet-100 derived."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.holdings import world
from tests.holdings.world import IN1K, IN100
from tests.trees import put

Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def every(desk: Path) -> Path:
    """Every set below one root."""
    for name, make in world.TREES.items():
        make(desk / "sets" / name)
    (desk / "repro.toml").write_text('[data]\nroot = "sets"\n')
    return desk / "sets"


def _states(typed: Typed) -> dict[str, str]:
    return {each["name"]: each["state"] for each in json.loads(typed("data", "list", "--json")[1])["sets"]}


def test_every_set_is_seen(every: Path, typed: Typed) -> None:
    assert _states(typed) == dict.fromkeys(world.TREES, "here")
    code, out, err = typed("data", "list")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "9 data sets, 9 of them here at a glance"
    assert lines[1:5] == [
        "✓ imagenet           ImageNet-1K (ILSVRC 2012): here",
        "      36 images; behind a login, 155 GB; hashes: pinned by others",
        "      terms of access: non-commercial research and education; behind a login",
        f"      {every}/imagenet (repro.toml, below root)",
    ]
    assert max(map(len, (line for line in lines if str(every.parent) not in line))) <= 80


def test_what_is_missing_is_seen_at_a_glance(every: Path, typed: Typed) -> None:
    shutil.rmtree(every / "imagenet/val" / IN1K[3])
    shutil.rmtree(every / "imagenet-c/fog")
    shutil.rmtree(every / "imagenet-r")
    (every / "imagenet-r").mkdir()
    (every / "stl-10/stl10_binary/test_X.bin").unlink()
    shutil.rmtree(every / "cue-conflict")
    found = _states(typed)
    partly = ("imagenet", "imagenet-c", "stl-10")
    wanted = {**dict.fromkeys(world.TREES, "here"), **dict.fromkeys(partly, "in part")}
    assert found == {**wanted, "imagenet-r": "missing", "cue-conflict": "not named"}
    sets = json.loads(typed("data", "where", "--json")[1])["sets"]
    assert [each["missing"] for each in sets if each["name"] in partly] == [
        ["1 class folder of val"],
        ["fog/1", "fog/2", "fog/3", "fog/4", "fog/5"],
        ["test_X.bin"],
    ]
    lines = typed("data", "where", "imagenet-c")[1].splitlines()
    assert lines[:3] == [
        "imagenet-c: ImageNet-C",
        f"~ in part: {every}/imagenet-c (repro.toml, below root)",
        "  missing: fog/1, fog/2, fog/3, fog/4, fog/5",
    ]
    assert lines[3].startswith("  next: repro data fetch imagenet-c --to DIR ")


def test_the_folder_of_an_archive_may_be_left_or_not(desk: Path, typed: Typed) -> None:
    world.sketch(desk / "one")
    (desk / "repro.toml").write_text('[data]\nimagenet-sketch = "one"\n')
    assert f"{desk}/one, in sketch/ (repro.toml)" in " ".join(typed("data", "where", "imagenet-sketch")[1].split())
    assert _states(typed)["imagenet-sketch"] == "here"
    (desk / "repro.toml").write_text('[data]\nimagenet-sketch = "one/sketch"\n')
    assert _states(typed)["imagenet-sketch"] == "here"


def test_imagenet_100_is_within_imagenet(desk: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    world.imagenet_100(desk / "in")
    monkeypatch.setenv("REPRO_DATA_IMAGENET", "in")
    (entry,) = json.loads(typed("data", "where", "imagenet-100", "--json")[1])["sets"]
    assert (entry["state"], entry["within"], entry["said"]) == ("here", "imagenet", "$REPRO_DATA_IMAGENET")


def test_imagenet_100_is_derived_by_links_or_copies(desk: Path, typed: Typed) -> None:
    root = world.imagenet_100(desk / "in")
    put(root / "train" / IN1K[0] / "x.JPEG", world.small())
    code, out, err = typed("data", "make", "imagenet-100", "--root", "in", "--out", "out")
    assert (code, out, err) == (0, "out: 200 class folders linked, 0 were there\n", "")
    assert sorted(os.listdir("out/train")) == sorted(IN100)
    assert (Path("out/val") / IN100[0]).resolve() == root / "val" / IN100[0]
    assert typed("data", "make", "imagenet-100", "--root", "in", "--out", "out")[1] == (
        "out: 0 class folders linked, 200 were there\n"
    )
    assert typed("data", "verify", "imagenet-100", "--folder", "out", "--workers", "1")[0] == 0
    assert typed("data", "make", "imagenet-100", "--root", "in", "--out", "copies", "--copy")[0] == 0
    assert not (Path("copies/val") / IN100[0]).is_symlink()
    assert typed("data", "verify", "imagenet-100", "--folder", "copies", "--workers", "1")[0] == 0


def test_what_cannot_be_derived_is_a_sentence(desk: Path, typed: Typed) -> None:
    make = ("data", "make", "imagenet-100", "--out")
    assert typed(*make, "out")[2] == (
        "repro: --root: expected the folder of ImageNet, as neither repro.toml nor a variable names it\n"
    )
    assert typed(*make, "out", "--root", "in")[2] == (
        "repro: --root in: expected ImageNet with train and val in it, found no folder\n"
    )
    root = world.imagenet_100(desk / "in")
    assert typed(*make, "in/out", "--root", "in")[2] == (
        "repro: --out in/out: it and --root in lie in one another; name another folder\n"
    )
    (desk / "out/train" / IN100[1]).mkdir(parents=True)
    assert typed(*make, "out", "--root", "in")[2] == (
        f"repro: out/train/{IN100[1]}: is in the way and is not what would be made; move it or name another --out\n"
    )
    for wnid in IN100[:5]:
        shutil.rmtree(root / "val" / wnid)
    assert typed(*make, "other", "--root", "in") == (
        4,
        "",
        f"repro: in/val: 5 of the 100 class folders are missing: {', '.join(IN100[:3])} and 2 more; `repro data verify "
        "imagenet` tells more\n",
    )
    assert not Path("other").exists()
