"""A tiny tree of every data set is verified, then broken in each of many ways and told so, in whole sentences."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tests.holdings import world
from tests.holdings.world import IN1K, IN100, INR
from tests.trees import picture, put

Typed = Callable[..., tuple[int, str, str]]
A, B = IN1K[:2]
CHIHUAHUA = "n02085620"


def _findings(typed: Typed, name: str, *words: str) -> tuple[int, list[str]]:
    """Exit code and findings of `repro data verify`, as the report has them with ` | ` for tabs."""
    code, _, err = typed("data", "verify", name, "--folder", name, "--report", "found.txt", "--workers", "1", *words)
    assert err == ""
    return code, Path("found.txt").read_text().replace("\t", " | ").splitlines()


@pytest.mark.parametrize("name", world.TREES)
def test_a_tiny_tree_of_every_set_has_no_fault(name: str, desk: Path, typed: Typed) -> None:
    world.TREES[name](desk / name)
    code, found = _findings(typed, name)
    notes = {
        "imagenet-texture": [
            f"note | holds 100 classes, those that networks on ImageNet-100 know; not the whole set | {split} | "
            for split in ("train", "val")
        ]
    }
    assert (code, found) == (0, notes.get(name, []))


def _write(path: Path, content: bytes) -> None:
    assert path.exists()
    path.write_bytes(content)


def _cut(path: Path) -> None:
    content = picture(3, side=(64, 64))
    path.write_bytes(content[: len(content) // 2])


def _turned(path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(path) as picture:
        picture.save(path, "JPEG", exif=exif)


VAL = f"val/{A}/ILSVRC2012_val_00000001.JPEG"
TRAIN = f"train/{A}/{A}_0.JPEG"
BREAKS = {
    "an empty file": (
        "imagenet", lambda root: _write(root / VAL, b""), 1, [f"fault | empty file | {VAL} | "],
    ),
    "text in place of an image": (
        "imagenet", lambda root: _write(root / VAL, b"<html>gone</html>"), 1,
        [f"fault | not an image | {VAL} | it begins with '<html>gone</html'"],
    ),
    "PNG called .JPEG": (
        "imagenet", lambda root: _write(root / VAL, world.small(form="PNG")), 0,
        [f"note | PNG under another ending, read by its content | {VAL} | "],
    ),
    "CMYK": (
        "imagenet", lambda root: _write(root / VAL, world.small(mode="CMYK")), 0,
        [f"note | CMYK, read as RGB | {VAL} | "],
    ),
    "grey": (
        "imagenet", lambda root: _write(root / VAL, world.small(mode="L")), 0,
        [f"note | grey, read as RGB | {VAL} | "],
    ),
    "a palette": (
        "stylized-imagenet",
        lambda root: _write(root / VAL.replace("JPEG", "png"), world.small(mode="P", form="PNG")), 0,
        [f"note | with a palette, read as RGB | {VAL.replace('JPEG', 'png')} | "],
    ),
    "transparency": (
        "stylized-imagenet",
        lambda root: _write(root / VAL.replace("JPEG", "png"), world.small(mode="RGBA", form="PNG")), 0,
        [f"note | with transparency, read as RGB | {VAL.replace('JPEG', 'png')} | "],
    ),
    "turned by EXIF": (
        "imagenet", lambda root: _turned(root / VAL), 0,
        [f"note | turned by its EXIF data, read as it is stored | {VAL} | "],
    ),
    "another size": (
        "imagenet-c", lambda root: _write(root / f"fog/3/{A}/ILSVRC2012_val_00000000.JPEG", world.small(9)), 1,
        [f"fault | image of another size | fog/3/{A}/ILSVRC2012_val_00000000.JPEG | found 9 x 9, expected 8 x 8"],
    ),
    "a class folder is missing": (
        "imagenet", lambda root: shutil.rmtree(root / "val" / B), 1,
        [f"fault | class folder missing | val/{B} | "],
    ),
    "a class folder is empty": (
        "imagenet", lambda root: (root / "val" / B / "ILSVRC2012_val_00000002.JPEG").unlink(), 1,
        ["fault | number of images | val | found 11, expected 12",
         f"fault | class folder without an image | val/{B} | "],
    ),
    "an unknown class folder": (
        "imagenet", lambda root: put(root / "val/aaa_new/x.JPEG", world.small()), 1,
        ["fault | unknown class folder | val/aaa_new | its 1 images are left out; labels that follow the order of "
         "folders would shift"],
    ),
    "another class among 100": (
        "imagenet-100", lambda root: put(root / "val" / A / "ILSVRC2012_val_00009999.JPEG", world.small()), 0,
        [f"note | class folder of another class, left out | val/{A} | 1 images"],
    ),
    "hidden files and folders": (
        "imagenet", lambda root: (put(root / "val/.ipynb_checkpoints/x.JPEG", b"x"),
                                  put(root / f"val/{A}/Thumbs.db", b"x"), put(root / f"val/{A}/._a.JPEG", b"x")), 0,
        [f"note | hidden file or folder, left out | {path} | "
         for path in ("val/.ipynb_checkpoints", f"val/{A}/._a.JPEG", f"val/{A}/Thumbs.db")],
    ),
    "an image of another class": (
        "imagenet", lambda root: (root / TRAIN).rename(root / f"train/{B}/{A}_0.JPEG"), 1,
        [f"fault | named after another class | train/{B}/{A}_0.JPEG | it lies in {B}"],
    ),
    "a name in two classes": (
        "imagenet", lambda root: put(root / f"val/{B}/ILSVRC2012_val_00000001.JPEG", world.small()), 1,
        ["fault | number of images | val | found 13, expected 12",
         f"fault | number of images in a class | val/{B} | found 2, expected 1",
         f"fault | name given in two classes | val/{B}/ILSVRC2012_val_00000001.JPEG | {A} has it too"],
    ),
    "a name given twice": (
        "imagenet-r", lambda root: put(root / INR[0] / "art_0.png", world.small(form="PNG")), 1,
        ["fault | number of images |  | found 201, expected 200",
         f"fault | name given twice but for its ending | {INR[0]}/art_0.jpg | ",
         f"fault | name given twice but for its ending | {INR[0]}/art_0.png | ",
         f"note | another ending than .jpg | {INR[0]}/art_0.png | "],
    ),
    "images outside of the class folders": (
        "imagenet", lambda root: (root / VAL).rename(root / "val/ILSVRC2012_val_00000001.JPEG"), 1,
        ["fault | number of images | val | found 11, expected 12",
         "fault | image outside of any class folder | val/ILSVRC2012_val_00000001.JPEG | it has no label and is left "
         "out", f"fault | class folder without an image | val/{A} | "],
    ),
    "files of another kind": (
        "imagenet-r", lambda root: (put(root / INR[0] / "list.csv", b"x"), put(root / "old.zip", b"x")), 0,
        ["note | belongs to no part of the set, left out | old.zip | ",
         f"note | no image by its ending, left out | {INR[0]}/list.csv | "],
    ),
    "a folder in a class folder": (
        "imagenet", lambda root: put(root / f"val/{A}/more/ILSVRC2012_val_00009999.JPEG", world.small()), 1,
        ["fault | number of images | val | found 13, expected 12",
         f"fault | number of images in a class | val/{A} | found 2, expected 1",
         f"note | folder inside of a class folder, looked into | val/{A}/more | "],
    ),
    "another number of images": (
        "imagenet", lambda root: (root / TRAIN).unlink(), 1,
        ["fault | number of images | train | found 23, expected 24"],
    ),
    "a number that is doubted": (
        "imagenet-sketch", lambda root: put(root / f"sketch/{A}/sketch_1.JPEG", world.small()), 0,
        ["note | number of images |  | found 1,001, expected 1,000; its README says 50,000, 50 of each class; its own "
         "list of files has 50,874, and 50,889 files are commonly met"],
    ),
    "a split is missing": (
        "imagenet", lambda root: shutil.rmtree(root / "val"), 1, ["fault | folder missing | val | "],
    ),
    "what is no part of it": (
        "imagenet", lambda root: put(root / "test/x.JPEG", b"x"), 0,
        ["note | belongs to no part of the set, left out | test | "],
    ),
    "a severity is missing": (
        "imagenet-c", lambda root: shutil.rmtree(root / "fog/5"), 1, ["fault | folder missing | fog/5 | "],
    ),
    "some of the spare corruptions": (
        "imagenet-c", lambda root: shutil.copytree(root / "fog/1", root / "spatter/1"), 1,
        [f"fault | folder missing | spatter/{severity} | " for severity in (2, 3, 4, 5)],
    ),
    "other names in one corruption": (
        "imagenet-c",
        lambda root: (root / f"snow/2/{A}/ILSVRC2012_val_00000000.JPEG").rename(root / f"snow/2/{A}/7.JPEG"), 1,
        ["fault | images have other names than in the other folders | snow/2 | 1 of gaussian_noise/1 are not here, 1 "
         f"are here alone: {A}/ILSVRC2012_val_00000000.JPEG, {A}/7.JPEG"],
    ),
    "an altered stimulus": (
        "cue-conflict", lambda root: _write(root / "cat/cat1-cat1.png", world.small(form="PNG")), 1,
        ["fault | image of another content than published | cat/cat1-cat1.png | "],
    ),
    "a renamed stimulus": (
        "cue-conflict", lambda root: (root / "cat/cat1-cat1.png").rename(root / "cat/cat1-dog1.png"), 1,
        ["fault | published image missing | cat/cat1-cat1.png | ",
         "fault | image that is none of those published | cat/cat1-dog1.png | "],
    ),
    "labels from 0": (
        "stl-10", lambda root: _write(root / "stl10_binary/train_y.bin", bytes([0, 9, 0, 0])), 1,
        ["fault | unknown labels | train_y.bin | expected labels from 1 to 10, found 0 to 9"],
    ),
    "an altered file": (
        "stl-10", lambda root: _write(root / "stl10_binary/test_y.bin", bytes([1, 10, 4])), 1,
        ["fault | file of another content | test_y.bin | found md5 c0c39996101f362b98589b145232dec0, expected "
         "998d375f0aaf5f4bfb5e376eed4a843d"],
    ),
    "a file that is cut": (
        "stl-10", lambda root: _write(root / "stl10_binary/train_X.bin", bytes(27648)), 1,
        ["fault | file of another size | train_X.bin | found 27,648 bytes, expected 110,592"],
    ),
    "a file that is missing": (
        "stl-10", lambda root: (root / "stl10_binary/test_X.bin").unlink(), 1,
        ["fault | file missing | test_X.bin | "],
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", BREAKS)
def test_each_way_to_break_a_set_is_told(how: str, desk: Path, typed: Typed) -> None:
    name, harm, code, told = BREAKS[how]
    harm(world.TREES[name](desk / name))
    assert _findings(typed, name) == (code, told)


def test_an_image_that_is_cut_is_found_by_decoding_alone(desk: Path, typed: Typed) -> None:
    _cut(world.imagenet(desk / "imagenet") / VAL)
    code, (line,) = _findings(typed, "imagenet")
    assert code == 1
    assert line.startswith(f"fault | image cut short | {VAL} | image file is truncated (")
    assert _findings(typed, "imagenet", "--quick") == (0, [])


def test_another_imagenet_100_is_named_as_such(desk: Path, typed: Typed) -> None:
    names = (*IN100[:57], *(wnid for wnid in IN1K if wnid not in IN100))[:100]
    for split in ("train", "val"):
        for place, wnid in enumerate(names):
            for i in range(2 if split == "train" else 1):
                put(desk / "imagenet-100" / split / wnid / f"{place}_{i}.JPEG", world.small())
    words = "another ImageNet-100: 57 of its 100 classes are in the list of CMC, so no number on it is comparable"
    assert _findings(typed, "imagenet-100") == (1, [f"fault | {words} | train | ", f"fault | {words} | val | "])


def test_imagenet_100_is_looked_at_within_imagenet(desk: Path, typed: Typed) -> None:
    root = world.imagenet_100(desk / "imagenet")  # and a class more, which is none of the 100
    put(root / f"train/{A}/{A}_1.JPEG", b"")
    (desk / "repro.toml").write_text('[data]\nimagenet = "imagenet"\n')
    (root / "train" / CHIHUAHUA / f"{CHIHUAHUA}_1.JPEG").write_bytes(b"")
    code, out, err = typed("data", "verify", "imagenet-100")
    assert (code, err) == (1, "")
    assert out.splitlines() == [
        f"imagenet-100: ImageNet-100 (the list of CMC) in {root}",
        "  train: 200 of 200 images, 100 of 100 classes (imagenet-100, 5ee5db69)",
        "  val: 100 of 100 images, 100 of 100 classes (imagenet-100, 5ee5db69)",
        "✗ empty file:",
        f"    train/{CHIHUAHUA}/{CHIHUAHUA}_1.JPEG",
        "verify imagenet-100: 300 images decoded; 1 fault, 0 notes (exit 1)",
    ]


def test_workers_change_nothing(desk: Path, typed: Typed) -> None:
    root = world.imagenet_c(desk / "imagenet-c")
    for severity in range(1, 6):
        (root / f"fog/{severity}/{A}/ILSVRC2012_val_00000000.JPEG").write_bytes(b"")
    (root / f"fog/1/{B}/ILSVRC2012_val_00000001.JPEG").write_bytes(world.small(mode="L"))
    one = _findings(typed, "imagenet-c")
    assert _findings(typed, "imagenet-c", "--workers", "2") == one
    assert len(one[1]) == 6


def test_the_document_holds_every_finding(desk: Path, typed: Typed) -> None:
    root = world.cue_conflict(desk / "cue-conflict")
    for path in (root / "cat").iterdir():
        path.write_bytes(b"")
    code, out, _ = typed("data", "verify", "cue-conflict", "--folder", "cue-conflict", "--json", "--quick")
    document = json.loads(out)
    assert code == document["exit"] == 1
    assert (document["images"], document["looked_at"], document["faults"], document["notes"]) == (32, 32, 2, 0)
    assert document["counts"][0]["classes"] == 16
    assert document["counts"][0]["list"] == "geirhos-16"
    assert [found["what"] for found in document["findings"]] == ["empty file"] * 2


def test_long_lists_are_cut_on_the_screen_and_whole_in_the_report(desk: Path, typed: Typed) -> None:
    root = world.imagenet_c(desk / "imagenet-c")
    for severity in range(1, 6):
        (root / f"fog/{severity}/{A}/ILSVRC2012_val_00000000.JPEG").write_bytes(b"")
    code, out, _ = typed(
        "data", "verify", "imagenet-c", "--folder", "imagenet-c", "--report", "r.txt", "--workers", "1"
    )
    assert code == 1
    assert out.splitlines()[-6:] == [
        "✗ 5 empty file:",
        *(f"    fog/{severity}/{A}/ILSVRC2012_val_00000000.JPEG" for severity in (1, 2, 3)),
        "    and 2 more",
        "verify imagenet-c: 150 images decoded; 5 faults, 0 notes; all of them in r.txt (exit 1)",
    ]
    assert len(Path("r.txt").read_text().splitlines()) == 5


def test_what_is_not_there_is_told_with_the_next_step(desk: Path, typed: Typed) -> None:
    code, out, err = typed("data", "verify", "stl-10")
    assert (code, out) == (4, "")
    assert err == (
        "repro: stl-10: no folder is named, neither in repro.toml nor by a variable; next: repro data fetch stl-10 "
        "--to DIR   (2.6 GB); or where the archive is there already: repro data fetch stl-10 --to DIR --from "
        "stl10_binary.tar.gz\n"
    )
    code, _, err = typed("data", "verify", "imagenet-r", "--folder", "absent")
    assert (code, err) == (
        4,
        "repro: absent: expected ImageNet-R, WNID/*.jpg, in the archive below imagenet-r/; found nothing\n",
    )
    code, _, err = typed("data", "verify", "imagenet-d")
    assert (code, err.splitlines()[0][:40]) == (2, 'repro: no data set "imagenet-d"; there a')
