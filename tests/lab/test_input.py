"""The input path as a training meets it: both modes, whatever the loading processes, the share and the resume."""

from __future__ import annotations

import copy
import os
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from repro.errors import JobFailed
from repro.lab import data
from repro.lab import input as input_
from repro.lab.batch import Batch
from repro.lab.images import cache, caching, reading
from repro.lab.images.shard import carry_out
from repro.lab.input import Input, Want
from repro.lab.jobs import Context, Stopped, pretrain, probe
from repro.lab.processes import ALONE, Share
from repro.lab.recipes import build, member

MODES = ("reference", "batched")
STEPS = 6
SGD = {
    "name": "sgd",
    "lr": 1.0,
    "momentum": 0.9,
    "weight_decay": 0.0,
    "batch": 12,
    "epochs": 2,
    "drops": [1],
    "drop_factor": 0.1,
    "crop_scale": [0.5, 1.0],
    "init_std": 0.01,
    "selection": "last",
}


@pytest.fixture
def photographs(tmp_path: Path) -> data.Images:
    """40 small JPEG files of many sizes, in two classes."""
    random, root = np.random.default_rng(0), tmp_path / "photographs"
    paths = [f"{'ab'[i % 2]}/{i:02}.jpg" for i in range(40)]
    for i, path in enumerate(paths):
        coarse = random.integers(0, 256, (4, 5, 3)).astype(np.uint8)
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(coarse).resize((24 + i, 66 - i), Image.Resampling.BICUBIC).save(root / path, quality=90)
    sizes = np.array([(root / path).stat().st_size for path in paths])
    files = data.Files(root, np.array(paths), sizes, resize=20, pixels=16)
    names = np.array([path.removesuffix(".jpg") for path in paths])
    return data.Images(files, np.arange(40, dtype=np.int64) % 2, ("a", "b"), names=names)


def packed(files: data.Files, folder: Path) -> data.Packed:
    todo = caching.shards(files, folder, side=64, only_check=False)
    assert [carry_out(shard).how for shard in todo] == ["made"]
    caching.finish(todo)
    return cache.packed(files, folder, side=64)


def want(recipe: Any, mode: str, *, share: Share = ALONE) -> Want:
    groups = {name: member(name, recipe[name]["name"]) for name in ("views", "negatives")}
    return Want(
        recipe=build(input_.Recipe, {"mode": mode}),
        views=groups["views"],
        shown=build(groups["views"].Recipe, recipe["views"]),
        negatives=groups["negatives"],
        added=build(groups["negatives"].Recipe, recipe["negatives"]),
        count=2,
        pixels=16,
        seed=0,
        device="cpu",
        share=share,
    )


def places(step: int) -> Tensor:
    return (torch.arange(8) * 3 + step) % 40


def made(wanted: Want, pictures: data.Pictures, *, loaders: int = 0, textures: data.Pictures | None = None) -> Input:
    return Input(wanted, pictures, textures, torch.arange(40), places, STEPS, loaders)


def batches(inputs: Input, steps: Iterator[int] | range = range(STEPS)) -> list[Batch]:
    with closing(inputs):
        return [inputs.batch(step) for step in steps]


def parts(batch: Batch) -> list[Tensor]:
    return [*batch.views, *(part.images for part in batch.negatives), batch.places, batch.labels]


def same(one: Batch, other: Batch) -> bool:
    pairs = list(zip(parts(one), parts(other), strict=True))
    return one.step == other.step and all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("mode", MODES)
def test_loading_processes_and_where_one_begins_change_no_byte(mode: str, recipe: Any, photographs: Any) -> None:
    whole = batches(made(want(recipe, mode), photographs.images))
    assert [batch.step for batch in whole] == list(range(STEPS))
    assert {tuple(view.shape) for batch in whole for view in batch.views} == {(8, 3, 16, 16)}
    assert not torch.equal(whole[0].views[0], whole[0].views[1])
    for loaders, steps in ((0, range(3, STEPS)), (1, range(STEPS)), (2, [4, 5, 1, 2])):
        found = batches(made(want(recipe, mode), photographs.images, loaders=loaders), steps)  # type: ignore[arg-type]
        assert all(same(batch, whole[step]) for step, batch in zip(steps, found, strict=True)), loaders


@pytest.mark.parametrize("negatives", ["patch", "texture", "none"])
@pytest.mark.parametrize("mode", MODES)
def test_a_process_makes_its_share_of_the_batch_of_one(
    mode: str, negatives: str, recipe: Any, photographs: Any
) -> None:
    if negatives != "patch":
        recipe["negatives"] = (
            {"name": "none"} if negatives == "none" else {"name": "texture", "alpha": 2.0, "images": "t"}
        )
    pictures = photographs.images
    [whole] = batches(made(want(recipe, mode), pictures, textures=pictures[::-1]), range(1))
    for rank in (0, 1):
        [part] = batches(made(want(recipe, mode, share=Share(rank, 2)), pictures, textures=pictures[::-1]), range(1))
        for own, all_of in zip(parts(part), parts(whole), strict=True):
            assert torch.equal(own, Share(rank, 2).part(all_of))
    assert len(whole.negatives) == (negatives != "none")


@pytest.mark.parametrize("mode", MODES)
def test_a_texture_is_drawn_as_its_query(mode: str, recipe: Any, photographs: Any) -> None:
    recipe["negatives"] = {"name": "texture", "alpha": 2.0, "images": "t"}
    pictures = photographs.images
    [batch] = batches(made(want(recipe, mode), pictures, textures=pictures), range(1))
    assert torch.equal(batch.negatives[0].images, batch.views[0])
    assert batch.negatives[0].alpha == 2.0
    with pytest.raises(JobFailed) as caught:
        batches(made(want(recipe, mode), pictures), range(1))
    assert str(caught.value) == "negatives.images: the job has no textures among its inputs"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("source", ["query", "image"])
def test_files_arrays_and_a_cache_are_the_same_images(
    source: str, mode: str, recipe: Any, photographs: Any, tmp_path: Path
) -> None:
    """PNG files of one size, of which a cache loses nothing."""
    recipe["negatives"]["source"] = source
    pixels = np.stack([np.array(reading.centred(picture, resize=20, pixels=18)) for picture in _opened(photographs)])
    paths = np.array([f"{i:02}.png" for i in range(40)])
    for path, image in zip(paths, pixels, strict=True):
        Image.fromarray(image.transpose(1, 2, 0)).save(tmp_path / path)
    sizes = np.array([(tmp_path / path).stat().st_size for path in paths])
    files = data.Files(tmp_path, paths, sizes, resize=0, pixels=18)
    sources = [files, packed(files, tmp_path / "cache"), pixels]
    found = [batches(made(want(recipe, mode), each), range(2)) for each in sources]
    for other in found[1:]:
        assert all(same(one, two) for one, two in zip(found[0], other, strict=True))
    ahead = batches(made(want(recipe, mode), sources[1], loaders=1), range(2))
    assert all(same(one, two) for one, two in zip(found[0], ahead, strict=True))


def _opened(images: data.Images) -> Iterator[Image.Image]:
    assert isinstance(images.images, data.Files)
    return (reading.opened(images.images.root / path) for path in images.images.paths)


@pytest.mark.parametrize("loaders", [0, 1])
def test_a_file_that_cannot_be_read_is_named(loaders: int, recipe: Any, photographs: Any) -> None:
    path = photographs.images.root / "b/03.jpg"  # of the first step
    path.write_bytes(b"")
    with pytest.raises(reading.Unreadable) as caught:
        batches(made(want(recipe, "batched"), photographs.images, loaders=loaders))
    assert (caught.value.path, caught.value.reason) == (path, "empty")


def test_a_shard_that_is_gone_is_told(recipe: Any, photographs: Any, tmp_path: Path) -> None:
    pictures = packed(photographs.images, tmp_path / "cache")
    (tmp_path / "cache" / "00000.pack").write_bytes(b"cut")
    with pytest.raises(JobFailed) as caught:
        batches(made(want(recipe, "batched"), pictures))
    assert str(caught.value).startswith(
        f"{tmp_path / 'cache' / '00000.pack'}: expected images of a cache, found none that can be read ("
    )
    assert str(caught.value).endswith("); check it with `repro data make cache --check`")


def test_a_lost_process_is_told_after_the_step_in_hand(recipe: Any, photographs: Any) -> None:
    [expected] = batches(made(want(recipe, "reference"), photographs.images), range(2, 3))
    inputs = made(want(recipe, "reference"), photographs.images, loaders=1)
    with closing(inputs):
        inputs.batch(0)
        for child in _children():
            os.kill(child, signal.SIGTERM)  # is left to who started us
        inputs.batch(1)
        for child in _children():
            os.kill(child, signal.SIGKILL)
        found = [inputs.batch(2)]
        ahead = iter(range(3, STEPS))
        with pytest.raises(JobFailed) as caught:  # at the latest after what was fetched already
            found.extend(inputs.batch(step) for step in ahead)
    assert same(found[0], expected)
    assert str(caught.value) == (
        "a process that loads images was lost, perhaps as memory or /dev/shm ran out; nothing up to the last "
        "checkpoint is lost: run again with fewer loaders"
    )


def _children() -> list[int]:
    """The loading processes: children of the server that starts them."""
    from multiprocessing.forkserver import _forkserver

    server = str(_forkserver._forkserver_pid)
    status = []
    for each in Path("/proc").iterdir():
        with suppress(OSError):  # it has ended meanwhile, or is no process
            status.append((each.name, (each / "stat").read_text()))
    return [int(name) for name, text in status if text.rpartition(")")[2].split()[1] == server]


def context(*, loaders: int = 0, stop_after: int | None = None) -> Context:
    asked = 0

    def stopping() -> bool:
        nonlocal asked
        asked += 1
        return asked == stop_after

    return Context(device="cpu", loaders=loaders, stopping=stopping)


@contextmanager
def folder_of(into: Path) -> Iterator[Path]:
    into.mkdir(exist_ok=True)
    yield into


@pytest.mark.parametrize("mode", MODES)
def test_training_and_probe_on_files_resume_to_the_byte(
    mode: str, recipe: Any, photographs: Any, tmp_path: Path
) -> None:
    recipe["input"]["mode"] = mode
    data.write(photographs, tmp_path / "data")
    left = {}
    for name, stops in (("whole", [None]), ("parts", [2, 3, None])):
        for stop in stops:
            left[name] = trained(recipe, tmp_path, name, context(loaders=len(stops) // 2, stop_after=stop))
    assert left["whole"] == left["parts"]
    fitted = {}
    for name, stops in (("whole", [None]), ("parts", [3, None])):
        for stop in stops:
            fitted[name] = probed(recipe, tmp_path, name, context(loaders=len(stops) // 2, stop_after=stop))
    assert fitted["whole"] == fitted["parts"]


def trained(recipe: Any, root: Path, name: str, how: Context) -> bytes | None:
    with folder_of(root / name) as into:
        spec, inputs = {"recipe": recipe, "pixels": 16}, {"data": root / "data"}
        try:
            pretrain.run(spec, seed=0, inputs=inputs, folder=into, context=how)
        except Stopped:
            return None
        return (into / "encoder.safetensors").read_bytes()


def probed(recipe: Any, root: Path, name: str, how: Context) -> tuple[dict[str, Any], bytes] | None:
    groups = copy.deepcopy({group: recipe[group] for group in ("net", "views", "input")}) | {"probe": SGD}
    inputs = {"pretrain": root / "whole", "data": root / "data", "held_out": root / "data"}
    # the held-out images are chunked before the first step, and each look asks whether to stop
    with folder_of(root / f"probe-{name}") as into:
        try:
            spec = {"recipe": groups, "pixels": 16}
            values = probe.run(spec, seed=0, inputs=inputs, folder=into, context=how).values
        except Stopped:
            return None
        assert set(values) == {"epochs", "last_top1", "best_top1", "best_epoch"}
        return values, (into / "probe.safetensors").read_bytes()
