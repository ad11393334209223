"""A cache of decoded images: what is in it, that it goes on after a stop, what is told of a damaged or another one."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from repro.errors import DataMissing, JobFailed, StoreError, UsageError
from repro.lab import data
from repro.lab.datasets import cached
from repro.lab.images import cache, caching
from repro.lab.images.shard import carry_out
from repro.lab.jobs import Context

CONTEXT = Context(device="cpu")


@pytest.fixture
def files(tmp_path: Path) -> data.Files:
    """Seven PNG files, some with a longer shorter side than 20, listed against their order."""
    random, paths = np.random.default_rng(0), []
    for i in range(7):
        path = f"{'ba'[i % 2]}/{i}.png"
        (tmp_path / "photographs" / path).parent.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 256, (10 + 5 * i, 30, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photographs" / path)
        paths.append(path)
    sizes = [(tmp_path / "photographs" / path).stat().st_size for path in paths]
    return data.Files(tmp_path / "photographs", np.array(paths), np.array(sizes), resize=16, pixels=12)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three images a shard, made in this process."""
    monkeypatch.setattr(caching, "SHARD", 3)


def made(files: data.Files, folder: Path, *, only_check: bool = False) -> list[str]:
    """What becomes of each shard of three."""
    todo = caching.shards(files, folder, side=20, only_check=only_check)
    return [carry_out(shard).how for shard in todo]


def finished(files: data.Files, folder: Path) -> data.Packed:
    made(files, folder)
    caching.finish(caching.shards(files, folder, side=20, only_check=False))
    return cache.packed(files, folder, side=20)


def picture(packed: data.Packed, place: int) -> np.ndarray:
    """Out of the file, by the definition of a cell."""
    number, start, height, width, _ = packed.cells[place]
    content = (packed.root / packed.files[number]).read_bytes()
    return np.frombuffer(content, np.uint8, 3 * height * width, start).reshape(3, height, width)


@pytest.mark.usefixtures("small")
def test_small_images_are_kept_as_they_are_and_large_ones_resized(files: data.Files, tmp_path: Path) -> None:
    packed = finished(files, tmp_path / "cache")
    assert packed.files == ("00000.pack", "00001.pack", "00002.pack")
    assert (packed.resize, packed.pixels) == (16, 12)
    for place, path in enumerate(files.paths):
        with Image.open(files.root / path) as opened:
            short = min(opened.size)
            size = opened.size if short <= 20 else tuple(int(20 * side / short) for side in opened.size)
            expected = np.asarray(opened.resize(size, Image.Resampling.BICUBIC) if short > 20 else opened)
        assert np.array_equal(picture(packed, place), expected.transpose(2, 0, 1)), path


@pytest.mark.usefixtures("small")
def test_a_stop_loses_the_shard_in_hand_alone(files: data.Files, tmp_path: Path) -> None:
    whole = finished(files, tmp_path / "whole")
    todo = caching.shards(files, tmp_path / "cache", side=20, only_check=False)
    assert carry_out(todo[0]).how == "made"
    todo[1].file.write_bytes(b"half")  # a kill between the two writes of a shard
    with pytest.raises(DataMissing) as caught:
        cache.packed(files, tmp_path / "cache", side=20)
    assert str(caught.value) == (
        f"{tmp_path / 'cache'}: expected a cache of 7 images, found none; `repro data make cache`"
    )
    assert made(files, tmp_path / "cache") == ["there", "made", "made"]
    again = finished(files, tmp_path / "cache")
    assert again.digests == whole.digests
    assert np.array_equal(again.cells, whole.cells)


@pytest.mark.usefixtures("small")
def test_a_damaged_shard_is_told_and_made_again(files: data.Files, tmp_path: Path) -> None:
    packed = finished(files, tmp_path / "cache")
    before = (packed.root / "00001.pack").read_bytes()
    for content, reason in (
        (before[:-1], f"00001.pack has {len(before) - 1:,} bytes where {len(before):,} were written"),
        (bytes([before[0] ^ 1]) + before[1:], "00001.pack was changed after it was written: its SHA-256 is another"),
        (None, "00001.pack is gone"),
    ):
        (packed.root / "00001.pack").unlink()
        if content is not None:
            (packed.root / "00001.pack").write_bytes(content)
        todo = caching.shards(files, packed.root, side=20, only_check=True)
        told = carry_out(todo[1])
        assert (told.how, told.reasons) == ("wrong", (reason,))
        assert caching.is_finished(todo)
        assert carry_out(replace(todo[1], only_check=False)).how == "remade"
        assert (packed.root / "00001.pack").read_bytes() == before
        assert not caching.is_finished(todo)  # until the index is written again
        finished(files, packed.root)


@pytest.mark.usefixtures("small")
def test_a_cache_of_other_images_is_refused(files: data.Files, tmp_path: Path) -> None:
    finished(files, tmp_path / "cache")
    for other, side, count in ((files[:6], 20, 6), (replace(files, sizes=files.sizes + 1), 20, 7), (files, 24, 7)):
        with pytest.raises(DataMissing) as caught:
            cache.packed(other, tmp_path / "cache", side=side)
        assert str(caught.value) == (
            f"{tmp_path / 'cache'}: holds a cache of other images: of 7 with a shorter side of 20, where {count} with "
            f"{side} are asked for; name another folder, or delete this one"
        )
    moved = replace(files[::-1], root=tmp_path / "elsewhere")  # another order, another place: the same images
    found = cache.packed(moved, tmp_path / "cache", side=20)
    assert np.array_equal(found.cells[::-1], finished(files, tmp_path / "cache").cells)


@pytest.mark.usefixtures("small")
def test_a_cache_that_is_not_whole_is_refused(files: data.Files, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    finished(files, folder)
    (folder / "00002.pack").unlink()
    with pytest.raises(DataMissing) as caught:
        cache.packed(files, folder, side=20)
    assert str(caught.value) == (
        f"{folder}: 1 of 3 files of the cache are gone, such as 00002.pack; `repro data make cache` again"
    )
    (folder / "index.npz").write_bytes(b"cut")
    with pytest.raises(DataMissing, match=r"index\.npz: cannot be read \(.*\); `repro data make cache` again"):
        cache.packed(files, folder, side=20)
    about = json.loads((folder / "cache.json").read_text())
    (folder / "cache.json").write_text(json.dumps({**about, "side": 21}))
    with pytest.raises(DataMissing) as caught:
        cache.packed(files, folder, side=20)
    assert str(caught.value) == (
        f"{folder / 'cache.json'}: cannot be read (its digest is not that of its content); delete it and make the "
        "cache again"
    )


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("workers", [1, 2, 5])
def test_processes_make_every_shard_once(workers: int, files: data.Files, tmp_path: Path) -> None:
    todo = caching.shards(files, tmp_path / "cache", side=20, only_check=False)
    outcomes = list(caching.make(todo, workers=workers))
    assert sorted((each.shard.number, each.how) for each in outcomes) == [(0, "made"), (1, "made"), (2, "made")]
    caching.finish(todo)
    assert [each.how for each in caching.make(todo, workers=workers)] == ["there"] * 3


@pytest.mark.usefixtures("small")
def test_images_that_cannot_be_read_are_named_and_the_rest_is_kept(files: data.Files, tmp_path: Path) -> None:
    (files.root / "b/0.png").write_bytes(b"")
    (files.root / "b/2.png").write_bytes(b"no picture")
    todo = caching.shards(files, tmp_path / "cache", side=20, only_check=False)
    outcomes = [carry_out(shard) for shard in todo]
    assert [each.how for each in outcomes] == ["made", "failed", "made"]
    assert caching.unread([each for each in outcomes if each.how == "failed"]) == (
        f"{files.root}: 2 files are no pictures that can be read: b/0.png (empty), b/2.png (not an image); replace "
        "them and run the same command again, what is whole is kept"
    )


def test_a_set_is_the_same_but_for_where_its_images_are(files: data.Files, tmp_path: Path) -> None:
    of = data.Images(files, np.arange(7) % 2, ("a", "b"), names=np.array([f"n{i}" for i in range(7)]))
    recipe = cached.Recipe(of="some/train", place=str(tmp_path / "caches"), side=20)
    todo = caching.shards(files, tmp_path / "caches/some/train", side=20, only_check=False)
    assert [each.how for each in caching.make(todo, workers=1)] == ["made"]
    caching.finish(todo)
    found = cached.derive(recipe, of, context=CONTEXT)
    assert isinstance(found.images, data.Packed)
    assert np.array_equal(found.labels, of.labels)
    data.write(found, tmp_path / "job", place=recipe.place)
    read = data.read(tmp_path / "job")
    assert read.digest == found.digest != of.digest
    assert isinstance(read.images, data.Packed)
    assert read.images.files == found.images.files
    assert np.array_equal(picture(read[2:5].images, 0), picture(found.images, 2))  # type: ignore[arg-type]
    arrays = replace(of, images=np.zeros((7, 3, 8, 8), np.uint8))
    with pytest.raises(JobFailed) as caught:
        cached.derive(recipe, arrays, context=CONTEXT)
    assert str(caught.value) == "some/train: its images are in memory already, and a cache holds those of files"


def test_a_full_disk_is_told_before_it_is_full(
    files: data.Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caching.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 5_000})())
    with pytest.raises(StoreError) as caught:
        caching.check_room(files, tmp_path / "cache", side=20)
    assert str(caught.value) == (
        f"{tmp_path / 'cache'}: 7 images of a shorter side of 20 take up to 0.0 GB and 0.0 GB are free; lower --side "
        "or name another folder with --out"
    )


def test_a_folder_without_images_is_told(tmp_path: Path) -> None:
    for root, what in ((tmp_path, "none in it"), (tmp_path / "absent", "no folder")):
        with pytest.raises(DataMissing) as caught:
            caching.tree(root)
        assert str(caught.value) == f"{root}: expected a folder of images, found {what}"


def test_images_in_memory_have_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("repro.lab.datasets.blank")
    module.Recipe = type("Recipe", (), {"__dataclass_fields__": {}})  # type: ignore[attr-defined]
    array = data.Images(np.zeros((1, 3, 4, 4), np.uint8), np.zeros(1, np.int64), ("one",))
    module.build = lambda _: array  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    with pytest.raises(UsageError) as caught:
        caching.files({"name": "blank"}, name="a/train")
    assert str(caught.value) == "--set: the images of a/train are in memory already; a cache holds those of files"
