"""The samples job: its pictures are those of training, its distance that of a loop over pixels."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from repro.errors import DataMissing, JobFailed
from repro.lab import data, samples
from repro.lab.images.shelf import Shelf
from repro.lab.jobs import Context, Outcome, Stopped
from repro.lab.jobs import samples as job

CONTEXT = Context(device="cpu")
STILL = {  # views that are the image itself
    "crop_scale": [1.0, 1.0],
    "crop_ratio": [1.0, 1.0],
    "jitter_probability": 0.0,
    "grayscale_probability": 0.0,
    "blur_probability": 0.0,
    "flip_probability": 0.0,
}
TEXTURE = {"name": "texture", "alpha": 2.0, "images": "imagenet-100-texture/train"}


@pytest.fixture
def root(images: data.Images, tmp_path: Path) -> Path:
    """Images with names, and as textures of them their negatives in the photographer's sense."""
    named = replace(images, names=np.array([f"train/{index:03}" for index in range(len(images))]))
    data.write(named, tmp_path / "data")
    data.write(replace(named, images=255 - images.images), tmp_path / "textures")
    return tmp_path


def run(
    recipe: Any,
    root: Path,
    *,
    negatives: Any = None,
    views: Any = None,
    context: Context = CONTEXT,
    limit: int | None = None,
    seed: int = 0,
    mode: str = "batched",
    textures: str = "textures",
    **settings: int,
) -> Outcome:
    groups = {
        "views": {**recipe["views"], **(views or {})},
        "negatives": negatives or recipe["negatives"],
        "input": {"mode": mode},
        "samples": {"images": 0, "levels": 4, "shown": 3, **settings},
    }
    inputs = {"data": root / "data"} | ({"textures": root / textures} if negatives == TEXTURE else {})
    spec = {"recipe": groups, "pixels": 16, "limit": limit}
    return job.run(spec, seed=seed, inputs=inputs, folder=root / "out", context=context)


def colours(pictures: Any, levels: int) -> Counter[tuple[int, ...]]:
    """A loop over the pixels of (H, W, 3) pictures."""
    found: Counter[tuple[int, ...]] = Counter()
    for picture in pictures:
        for line in picture.tolist():
            for pixel in line:
                found[tuple(value * levels // 256 for value in pixel)] += 1
    return found


@pytest.mark.parametrize("mode", ["batched", "reference"])
@pytest.mark.parametrize("negatives", [None, TEXTURE])
def test_the_distance_is_that_of_a_loop_over_the_pixels(mode: str, negatives: Any, recipe: Any, root: Path) -> None:
    outcome = run(recipe, root, negatives=negatives, mode=mode, shown=70)
    held = samples.read(root / "out")
    one, other = (colours(held[kind], 4) for kind in ("query", "negative"))
    total = 70 * 16 * 16
    assert sum(one.values()) == sum(other.values()) == total
    expected = sum(abs(one[colour] - other[colour]) for colour in one | other) / total / 2
    assert outcome.values == {"colour-distance": pytest.approx(expected), "images": 70}
    assert outcome.files == ["samples.npz"]


def test_pictures_are_the_input_its_views_and_its_texture(recipe: Any, root: Path, images: data.Images) -> None:
    run(recipe, root, negatives=TEXTURE, views=STILL)
    held = Shelf(root / "out").samples()
    with np.load(root / "out" / samples.FILE) as stored:
        places = stored["places"]
    assert sorted(places) == list(range(70))
    for index in range(3):
        whole = images.images[places[index]].transpose(1, 2, 0).astype(int)
        for kind in ("input", "query", "positive"):
            assert np.abs(held[kind][index].astype(int) - whole).max() <= 1
        assert np.abs(held["negative"][index].astype(int) - (255 - whole)).max() <= 1


def test_patches_of_a_still_image_keep_its_colours(recipe: Any, root: Path) -> None:
    """One patch that is the whole image is the image."""
    negatives = {**recipe["negatives"], "sizes": [16, 16]}
    assert run(recipe, root, negatives=negatives, views=STILL).values["colour-distance"] == 0.0


def test_the_same_seed_sees_the_same_and_another_not(recipe: Any, root: Path) -> None:
    first = run(recipe, root)
    kept = (root / "out" / samples.FILE).read_bytes()
    assert run(recipe, root).values == first.values
    assert (root / "out" / samples.FILE).read_bytes() == kept
    assert run(recipe, root, seed=1).values != first.values


def test_fewer_images_are_looked_at_where_that_is_asked(recipe: Any, root: Path) -> None:
    assert run(recipe, root, images=50).values["images"] == 50
    assert run(recipe, root, images=50, limit=20).values["images"] == 20


def test_a_row_without_negatives_is_refused(recipe: Any, root: Path) -> None:
    with pytest.raises(JobFailed) as caught:
        run(recipe, root, negatives={"name": "none"})
    assert str(caught.value) == "negatives: this row makes none, so there is nothing to set beside its queries"


def test_textures_of_other_images_are_refused(recipe: Any, root: Path) -> None:
    data.write(data.read(root / "textures")[::-1], root / "others")
    with pytest.raises(JobFailed) as caught:
        run(recipe, root, negatives=TEXTURE, textures="others")
    assert str(caught.value) == (
        "negatives.images: the textures are not those of these images; make them again from these"
    )


def test_a_stop_is_obeyed(recipe: Any, root: Path) -> None:
    with pytest.raises(Stopped) as caught:
        run(recipe, root, context=Context(device="cpu", stopping=lambda: True))
    assert str(caught.value) == "stopped after 0 of 70 images"


def test_samples_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    (tmp_path / samples.FILE).write_bytes(b"PK\x03\x04 cut")
    with pytest.raises(DataMissing) as caught:
        samples.read(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / samples.FILE}: expected stored samples, found none that can be")


def test_a_shelf_gives_the_first_of_a_class_and_the_one_of_a_name(root: Path, images: data.Images) -> None:
    shelf = Shelf(root / "data")
    found = shelf.first("columns")
    assert found is not None
    assert found[0] == "train/001"
    assert np.array_equal(found[1], images.images[1].transpose(1, 2, 0))
    assert np.array_equal(Shelf(root / "textures").named("train/001"), 255 - found[1])
    assert shelf.first("diagonals") is None
    assert shelf.named("train/999") is None
