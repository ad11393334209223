"""`repro data make cache` on a small tree: what is made, gone on with, looked at again, and refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from repro.lab.images import caching

Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five photographs in two classes, in shards of two."""
    monkeypatch.setattr(caching, "SHARD", 2)
    monkeypatch.chdir(tmp_path)
    for number in range(5):
        path = tmp_path / "photographs" / f"class {number % 2}" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (30, 40, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(path)
    return Path("photographs")


def test_a_cache_is_made_once_and_looked_at_again(typed: Typed, root: Path) -> None:
    make = ("data", "make", "cache", "--root", root, "--out", "caches", "--side", "16", "--workers", "2")
    code, out, err = typed(*make)
    assert (code, err) == (0, "")
    assert "shards: 3 made, 0 were there, 0 remade\n" in out
    assert "caches/photographs: 5 images, 0.00 GB, " in out
    assert (Path("caches") / "photographs" / "00000.pack").stat().st_size == 2 * 3 * 16 * 21  # 30 x 40 at 16: 16 x 21
    assert "shards: 0 made, 3 were there, 0 remade\n" in typed(*make)[1]
    code, out, _ = typed(*make, "--check")
    assert (code, out.splitlines()[-1]) == (0, "shards: 3 were there, 0 missing, 0 wrong")


def test_a_changed_byte_is_found_and_mended(typed: Typed, root: Path) -> None:
    make = ("data", "make", "cache", "--root", root, "--out", "caches", "--side", "16", "--workers", "1")
    assert typed(*make)[0] == 0
    pack = Path("caches/photographs/00001.pack")
    content = bytearray(pack.read_bytes())
    content[7] ^= 1
    pack.write_bytes(content)
    code, out, _ = typed(*make, "--check")
    assert code == 1
    assert "shards: 2 were there, 0 missing, 1 wrong\n" in out
    assert "00001.pack was changed after it was written: its SHA-256 is another\n" in out
    code, out, _ = typed(*make)
    assert code == 0
    assert "shards: 0 made, 2 were there, 1 remade\n" in out


def test_what_cannot_be_cached_is_told(typed: Typed, root: Path) -> None:
    out = ("--out", "caches")
    assert typed("data", "make", "cache", *out) == (2, "", "repro: cache: expected one of --set NAME and --root DIR\n")
    told = "repro: --set: the images of imagenet-100/train are in memory already; a cache holds those of files\n"
    assert typed("data", "make", "cache", "--set", "imagenet-100/train", *out) == (2, "", told)
    (root / "class 0" / "0.jpg").write_bytes(b"no picture")
    code, _, err = typed("data", "make", "cache", "--root", root, *out, "--workers", "1")
    assert code == 4
    assert err == (
        f"repro: {root}: 1 files are no pictures that can be read: class 0/0.jpg (not an image); replace them and run "
        "the same command again, what is whole is kept\n"
    )
