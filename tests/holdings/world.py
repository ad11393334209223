"""A tiny tree of every data set, of drawn pictures, and the shipped catalogue with the numbers of these trees."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from repro.reference import geirhos16, wnids
from tests.conftest import CHECKOUT
from tests.trees import picture, put

IN1K, IN100, INR = wnids("imagenet-1k"), wnids("imagenet-100"), wnids("imagenet-r")
FEW = IN1K[:12]
"""The classes of the tiny ImageNet and Stylized-ImageNet."""
SHAPES = tuple(geirhos16())
STL = {"train_X.bin": 4, "train_y.bin": 0, "test_X.bin": 3, "test_y.bin": 0, "unlabeled_X.bin": 5}
_IMAGE = 96 * 96 * 3
CORRUPTIONS = re.search(r'folder    = "\{(gaussian[^}]*)\}', (CHECKOUT / "datasets.toml").read_text())[1].split(",")  # type: ignore[index]


def small(side: int = 8, **how: str) -> bytes:
    """A small picture; the same for the same arguments."""
    return picture(0, side=(side, side), **how)  # type: ignore[arg-type]


def imagenet(root: Path) -> Path:
    """2 training images and 1 validation image of each of 12 classes."""
    for place, wnid in enumerate(FEW):
        for i in range(2):
            put(root / "train" / wnid / f"{wnid}_{i}.JPEG", small())
        put(root / "val" / wnid / f"ILSVRC2012_val_{place + 1:08d}.JPEG", small())
    return root


def imagenet_100(root: Path) -> Path:
    """The same of 100 classes."""
    for place, wnid in enumerate(IN100):
        for i in range(2):
            put(root / "train" / wnid / f"{wnid}_{i}.JPEG", small())
        put(root / "val" / wnid / f"ILSVRC2012_val_{place + 1:08d}.JPEG", small())
    return root


def imagenet_c(root: Path) -> Path:
    """1 image of each of two classes in 75 folders."""
    for corruption in CORRUPTIONS:
        for severity in range(1, 6):
            for place, wnid in enumerate(IN1K[:2]):
                put(root / corruption / str(severity) / wnid / f"ILSVRC2012_val_{place:08d}.JPEG", small())
    return root


def sketch(root: Path) -> Path:
    """1 image of each of the 1,000 classes, one folder deeper."""
    for wnid in IN1K:
        put(root / "sketch" / wnid / "sketch_0.JPEG", small())
    return root


def imagenet_r(root: Path) -> Path:
    """1 image of each of 200 classes, and the README."""
    for wnid in INR:
        put(root / wnid / "art_0.jpg", small())
    put(root / "README.txt", b"ImageNet-R")
    return root


def stylized(root: Path) -> Path:
    """1 validation image of each of 12 classes."""
    for place, wnid in enumerate(FEW):
        put(root / "val" / wnid / f"ILSVRC2012_val_{place + 1:08d}.png", small(form="PNG"))
    return root


def texture(root: Path) -> Path:
    """A texture of each of the images of `imagenet_100`."""
    for place, wnid in enumerate(IN100):
        for i in range(2):
            put(root / "train" / wnid / f"{wnid}_{i}.jpg", small())
        put(root / "val" / wnid / f"ILSVRC2012_val_{place + 1:08d}.jpg", small())
    return root


def stl10(root: Path) -> Path:
    """The five binary files, in the folder of the archive."""
    for name, images in STL.items():
        content = bytes([1, 10, 3][: 3 if name == "test_y.bin" else 2]) + bytes([1] * 9)
        count = STL[name.replace("_y", "_X")]
        put(root / "stl10_binary" / name, bytes(images * _IMAGE) if images else content[:count])
    return root


def cue_conflict(root: Path) -> Path:
    """2 images of each of 16 shapes."""
    for shape in SHAPES:
        for i in range(2):
            other = SHAPES[(SHAPES.index(shape) + i) % 16]
            content = picture(16 * i + SHAPES.index(shape), side=(8, 8), form="PNG")
            put(root / shape / f"{shape}{i + 1}-{other}1.png", content)
    return root


TREES = {
    "imagenet": imagenet,
    "imagenet-100": imagenet_100,
    "imagenet-c": imagenet_c,
    "imagenet-sketch": sketch,
    "imagenet-r": imagenet_r,
    "stylized-imagenet": stylized,
    "stl-10": stl10,
    "cue-conflict": cue_conflict,
    "imagenet-texture": texture,
}


def catalogue(desk: Path) -> Path:
    """Write `datasets.toml` with the numbers of the tiny trees into a folder of specs; returns the file."""
    stl, cue = stl10(desk / ".stl"), cue_conflict(desk / ".cue")
    text = (CHECKOUT / "datasets.toml").read_text(encoding="utf-8")
    head, *sets = re.split(r"(?m)^\[\[sets\]\]$", text)
    rules = [
        (r"\b1281167\b", "24"), (r"\b126689\b", "200"), (r"(images += )5000$", r"\g<1>100"),
        (r"(images += )50000$", r"\g<1>MANY"), (r"(images += )30000$", r"\g<1>200"), (r"(images += )1280$", r"\g<1>32"),
        (r"(per_class = )50$", r"\g<1>1"), (r"(per_class = )80$", r"\g<1>2"), (r"(pixels +=) 224", r"\1 8"),
        (r'manifest  = "cue_conflict"', 'manifest  = "cue.txt"'),
    ]  # fmt: skip
    parts = []
    for part in sets:
        if 'name    = "imagenet-c"' in part:
            part = part.replace('classes   = "imagenet-1k"', f'classes   = ["{IN1K[0]}", "{IN1K[1]}"]')
            part = re.sub(r"(?m)^(images += )50000$", r"\g<1>2", part)
        if 'name      = "stl-10"' in part:
            part = re.split(r"(?m)^\[\[sets\.files\]\]$", part)[0] + _stl(stl / "stl10_binary")
        else:
            for pattern, new in rules:
                part = re.sub(rf"(?m){pattern}", new, part)
        is_few = re.search(r'name +=.*"(imagenet|stylized-imagenet)"$', part, re.MULTILINE)
        if is_few:
            part = re.sub(r'(classes +=) "imagenet-1k"', rf"\1 {list(FEW)}", part)
        parts.append(part.replace("MANY", "12" if is_few else "1000"))
    for folder in ("tables", "profiles"):
        (desk / folder).mkdir(exist_ok=True)
    (desk / "datasets.toml").write_text("[[sets]]".join([head, *parts]), encoding="utf-8")
    (desk / "cue.txt").write_text(_blobs(cue), encoding="utf-8")
    return desk / "datasets.toml"


def _stl(folder: Path) -> str:
    lines = []
    for name, images in STL.items():
        content = (folder / name).read_bytes()
        lines += ["[[sets.files]]", f'name = "{name}"', f"bytes = {len(content)}"]
        lines += [f'md5 = "{hashlib.md5(content).hexdigest()}"', f"images = {images}" if images else "labels = [1, 10]"]
    return "\n".join(lines) + "\n"


def _blobs(folder: Path) -> str:
    lines = []
    for path in sorted(folder.rglob("*.png")):
        content = path.read_bytes()
        digest = hashlib.sha1(b"blob " + str(len(content)).encode() + bytes(1) + content).hexdigest()
        lines.append(f"{digest} {path.relative_to(folder).as_posix()}")
    return "\n".join(lines) + "\n"
