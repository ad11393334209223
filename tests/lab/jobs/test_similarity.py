"""The similarity job on a small network: its pairs are what they are said to be, and the same however it is run."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from repro.errors import DataMissing, JobFailed
from repro.lab import data, encoder, snapshot
from repro.lab.jobs import Context, Stopped, similarity
from repro.lab.nets import small
from repro.lab.recipes import build

CONTEXT = Context(device="cpu")
SETTINGS = {
    "pairs": 0,
    "images": "imagenet-100-texture/train",
    "group": 24,
    "query": "view",
    "sizes": [2, 5],
    "overlap": True,
    "last_offset": True,
    "seed": 0,
}
STILL = {  # views that are the image itself
    "crop_scale": [1.0, 1.0],
    "crop_ratio": [1.0, 1.0],
    "jitter_probability": 0.0,
    "jitter": [0.0, 0.0, 0.0, 0.0],
    "grayscale_probability": 0.0,
    "blur_probability": 0.0,
    "flip_probability": 0.0,
}
WHOLE = {"sizes": [16, 16]}  # one patch of 16 pixels is all of an image of 16


@pytest.fixture
def root(recipe: Any, images: data.Images, tmp_path: Path) -> Path:
    """A network of random weights with statistics of these very images; the images, and textures in another order."""
    network = build_network(recipe)
    with torch.no_grad():
        network.train()(torch.from_numpy(images.images).float() / 64 - 2)
    (tmp_path / "pretrain").mkdir()
    snapshot.save(tmp_path / "pretrain" / encoder.FILE, network.state_dict(), about={})
    named = replace(images, names=np.array([f"train/{index:03}" for index in range(len(images))]))
    data.write(named, tmp_path / "data")
    data.write(named[::-1], tmp_path / "textures")
    return tmp_path


def build_network(recipe: Any) -> small.SmallResNet:
    network = small.build(build(small.Recipe, recipe["net"]), seed=1)
    with torch.no_grad():
        network.head[-1].weight.mul_(4)
    return network


def run(
    recipe: Any,
    root: Path,
    *,
    textures: bool = True,
    limit: int | None = None,
    views: Any = None,
    context: Context = CONTEXT,
    mode: str = "batched",
    into: str = "out",
    **settings: Any,
) -> tuple[dict[str, Any], dict[str, Any]]:
    groups = {
        "net": recipe["net"],
        "views": {**recipe["views"], **(views or {})},
        "input": {"mode": mode},
        "evaluation": {"precision": "fp32"},
        "similarity": {**SETTINGS, **settings},
    }
    inputs = {"pretrain": root / "pretrain", "data": root / "data"} | (
        {"textures": root / "textures"} if textures else {}
    )
    spec = {"recipe": groups, "pixels": 16, "limit": limit}
    outcome = similarity.run(spec, seed=None, inputs=inputs, folder=root / into, context=context)
    assert outcome.files == ["predictions.npz"]
    with np.load(root / into / "predictions.npz") as held:
        return outcome.values, {name: held[name] for name in held.files}


def cosine(left: list[float], right: list[float]) -> float:
    dot = sum(a * b for a, b in zip(left, right, strict=True))
    return dot / math.sqrt(sum(a * a for a in left)) / math.sqrt(sum(b * b for b in right))


def test_unaugmented_cosines_are_those_of_a_loop_over_pairs(recipe: Any, root: Path, images: data.Images) -> None:
    values, held = run(recipe, root, views=STILL, group=70, **WHOLE)
    network = encoder.load(root / "pretrain", recipe["net"], device="cpu").double()
    shown = (torch.from_numpy(images.images).double() / 255 - 0.5) / 0.25
    with torch.no_grad():
        z = network(shown).tolist()
    places = held["places"].tolist()
    assert sorted(places) == list(range(70))
    every = []
    for row, i in enumerate(places):
        others = [cosine(z[i], z[j]) for j in range(70) if j != i]
        every += others
        assert held["standard"][row] == pytest.approx(sum(others) / 69, abs=1e-5)
    for kind in ("positive", "texture", "patch"):
        assert held[kind] == pytest.approx(np.ones(70), abs=1e-6)
        assert values[kind] == pytest.approx(1.0, abs=1e-6)
    mean = sum(every) / len(every)
    assert values["standard"] == pytest.approx(mean, abs=1e-5)
    assert values["standard-sd"] == pytest.approx(math.sqrt(sum((v - mean) ** 2 for v in every) / len(every)), abs=1e-5)
    assert values["standard-q95"] == pytest.approx(sorted(every)[int(0.95 * len(every))], abs=0.002)
    assert (values["standard-n"], values["patch-n"], values["queries"]) == (70 * 69, 70, 70)


def test_patches_and_textures_see_the_query_and_not_another_view(recipe: Any, root: Path) -> None:
    """A patch as large as the image is the query itself; so is a texture that is the image, in the query's view."""
    values, held = run(recipe, root, **WHOLE)
    assert held["patch"] == pytest.approx(np.ones(70), abs=1e-6)
    assert held["texture"] == pytest.approx(np.ones(70), abs=1e-6)
    assert values["positive"] < 0.999
    assert values["standard"] < values["positive"]
    assert run(recipe, root)[0]["patch"] < 0.999


def test_a_query_that_is_the_image_itself(recipe: Any, root: Path) -> None:
    """Its patches and texture are then those of the image; its positive is still a view."""
    values, held = run(recipe, root, query="image", **WHOLE)
    assert held["patch"] == pytest.approx(np.ones(70), abs=1e-6)
    assert held["texture"] == pytest.approx(np.ones(70), abs=1e-6)
    assert values["positive"] < 0.999
    assert values["positive"] != run(recipe, root)[0]["positive"]


def test_the_same_work_gives_the_same_bytes_and_another_seed_does_not(recipe: Any, root: Path) -> None:
    first = run(recipe, root)[0]
    again = run(recipe, root, into="again", context=Context(device="cpu", loaders=2))[0]
    assert first == again
    assert (root / "out" / "predictions.npz").read_bytes() == (root / "again" / "predictions.npz").read_bytes()
    assert run(recipe, root, seed=1)[0]["positive"] != first["positive"]


def test_how_many_images_pass_at_once_changes_rounding_alone(
    recipe: Any, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, whole = run(recipe, root)
    monkeypatch.setattr(similarity, "_FORWARD", 7)
    _, parts = run(recipe, root)
    for name in ("positive", "standard", "texture", "patch"):
        assert parts[name] == pytest.approx(whole[name], abs=1e-5)


def test_everything_said_follows_from_what_is_stored(recipe: Any, root: Path) -> None:
    values, held = run(recipe, root)
    assert held["positive"].dtype == held["standard"].dtype == np.float32
    for kind in ("positive", "texture", "patch"):
        assert values[kind] == pytest.approx(held[kind].mean(dtype=np.float64), abs=1e-12)
        assert values[f"{kind}-q95"] == pytest.approx(np.quantile(held[kind].astype(float), 0.95), abs=1e-12)
        assert sum(values["histograms"][kind]) == 70
    assert [len(set(held["standard_n"][:24])), *held["standard_n"][[0, 69]]] == [1, 23, 22]  # groups of 24, 23, 23
    assert held["standard_counts"].sum() == values["standard-n"] == 24 * 23 + 2 * 23 * 22


def test_without_textures_nothing_is_said_of_them(recipe: Any, root: Path) -> None:
    values, held = run(recipe, root, textures=False)
    assert "texture" not in values
    assert "texture" not in held
    assert {"positive", "standard", "patch"} <= values.keys()


def test_a_limit_takes_fewer_images(recipe: Any, root: Path) -> None:
    values, held = run(recipe, root, limit=9)
    assert values["queries"] == len(held["places"]) == 9


@pytest.fixture
def filed(root: Path, images: data.Images) -> Path:
    """The same world, its images and textures in files of their owner."""
    paths = np.array([f"{index:03}.png" for index in range(len(images))])
    for path, picture in zip(paths, images.images, strict=True):
        Image.fromarray(picture.transpose(1, 2, 0)).save(root / path)
    for name, order in (("data", slice(None)), ("textures", slice(None, None, -1))):
        files = data.Files(root, paths[order], np.array([1] * len(paths)), resize=0, pixels=16)
        (root / name).rename(root / f"{name} in memory")
        held = data.read(root / f"{name} in memory")
        data.write(replace(held, images=files), root / name)
    return root


@pytest.mark.parametrize("query", ["view", "image"])
def test_images_in_files_give_what_they_give_in_memory(recipe: Any, filed: Path, query: str) -> None:
    files = run(recipe, filed, query=query)[0]
    for name in ("data", "textures"):
        (filed / name).rename(filed / f"{name} in files")
        (filed / f"{name} in memory").rename(filed / name)
    assert run(recipe, filed, query=query)[0] == files


def test_the_official_path_gives_much_the_same_pairs(recipe: Any, filed: Path) -> None:
    """Each view is drawn image by image, so the numbers differ and their distribution does not."""
    official, held = run(recipe, filed, mode="reference", **WHOLE)
    assert held["patch"] == pytest.approx(np.ones(70), abs=1e-6)
    assert held["texture"] == pytest.approx(np.ones(70), abs=1e-6)
    batched = run(recipe, filed, mode="batched", **WHOLE)[0]
    assert official["positive"] != batched["positive"]
    assert official["positive"] == pytest.approx(batched["positive"], abs=4 * batched["positive-sd"] / math.sqrt(70))


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["reference", "batched"])
def test_loading_processes_change_nothing(recipe: Any, filed: Path, mode: str) -> None:
    alone = run(recipe, filed, mode=mode, limit=30, group=10)[0]
    assert run(recipe, filed, mode=mode, limit=30, group=10, context=Context("cpu", loaders=2))[0] == alone


def test_stopping_is_honoured_between_groups(recipe: Any, root: Path) -> None:
    seen: list[int] = []
    context = Context(device="cpu", progress=lambda done, *_: seen.append(done), stopping=lambda: len(seen) == 2)
    with pytest.raises(Stopped, match=r"^stopped after 47 of 70 images$"):
        run(recipe, root, context=context)
    assert seen == [24, 47]
    assert not (root / "out").exists()


def test_a_file_of_weights_without_a_head_is_refused(recipe: Any, root: Path) -> None:
    tensors, _ = snapshot.load(root / "pretrain" / encoder.FILE)
    kept = {name: part for name, part in tensors.items() if not name.startswith("head.")}
    snapshot.save(root / "pretrain" / encoder.FILE, kept, about={"without": ["head."]})
    with pytest.raises(JobFailed) as told:
        run(recipe, root)
    assert str(told.value) == (
        "similarities are measured after the projection head, and the file of weights has none (without head.); take a "
        "file of the whole pretrained network"
    )


def test_weights_that_cannot_be_read_are_told_as_elsewhere(recipe: Any, root: Path) -> None:
    (root / "pretrain" / encoder.FILE).write_bytes(b"no weights")
    with pytest.raises(DataMissing, match="expected the weights of a small network"):
        run(recipe, root)


def test_a_texture_that_is_not_there_is_told(recipe: Any, root: Path) -> None:
    (root / "textures").rename(root / "whole")
    data.write(data.read(root / "whole")[:-1], root / "textures")  # the last one is that of the first image
    with pytest.raises(JobFailed) as told:
        run(recipe, root)
    assert str(told.value) == (
        "similarity.images: 1 of 70 images have no texture among the 69 of imagenet-100-texture/train, such as "
        "train/000; make the textures again from these images"
    )


def test_images_without_names_have_no_textures(recipe: Any, root: Path, images: data.Images) -> None:
    data.write(images, root / "data")
    with pytest.raises(JobFailed) as told:
        run(recipe, root)
    assert str(told.value) == ("similarity.images: these images have no names, so their textures cannot be told apart")


@pytest.mark.parametrize("query", ["view", "image"])
def test_patches_that_do_not_fit_are_told_by_their_own_key(recipe: Any, root: Path, query: str) -> None:
    with pytest.raises(JobFailed) as told:
        run(recipe, root, sizes=[2, 17], query=query)
    assert str(told.value) == (
        "similarity.sizes: a patch of 17 pixels does not fit into an image of 16 x 16; set the largest size to at most "
        "16"
    )


def test_a_network_of_no_numbers_is_told(recipe: Any, root: Path) -> None:
    tensors, _ = snapshot.load(root / "pretrain" / encoder.FILE)
    broken = {name: part * float("nan") if name == "head.3.bias" else part for name, part in tensors.items()}
    assert any(bool(part.isnan().any()) for part in broken.values())
    snapshot.save(root / "pretrain" / encoder.FILE, broken, about={})
    with pytest.raises(JobFailed) as told:
        run(recipe, root)
    assert str(told.value) == (
        "the network's embeddings are no numbers on these images, so there is nothing to compare"
    )


def test_every_setting_is_asked_for() -> None:
    names = [field.name for field in dataclasses.fields(similarity.similarity.Recipe)]
    assert sorted(names) == sorted(SETTINGS)
