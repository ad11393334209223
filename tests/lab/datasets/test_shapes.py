"""The embedded data: the same bytes from the same seed, balanced, and holding what each split promises and no more."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import get_args, get_type_hints

import numpy as np
import pytest
from numpy.typing import NDArray

from repro.lab.data import Images
from repro.lab.datasets import shapes
from repro.lab.datasets.shapes import Recipe

RECIPE = Recipe(
    split="train",
    count=140,
    pixels=32,
    seed=0,
    surround=0.5,
    object_size=(0.55, 0.8),
    aspect=0.5,
    rotation=25.0,
    shift=0.18,
    warp=0.1,
    texture_size=(0.3, 0.42),
    texture_turn=180.0,
    contrast=(0.25, 0.5),
    figure=(0.15, 0.4),
    line=(0.03, 0.05),
    shading=0.8,
)
SPLITS = get_args(get_type_hints(Recipe)["split"])
BREEDS = range(10, 14)


@cache
def drawn(split: str, count: int = 140, seed: int = 0) -> Images:
    return shapes.build(replace(RECIPE, split=split, count=count, seed=seed))


@pytest.mark.parametrize("split", SPLITS)
def test_a_split_has_the_promised_form(split: str) -> None:
    images = drawn(split, 28)
    n = 28 * 75 if split == "corrupted" else 28
    assert images.images.shape == (n, 3, 32, 32)
    assert images.images.dtype == np.uint8
    assert images.labels.dtype == np.int64
    assert len(images.classes) == 14
    assert images.parents == (-1,) * 10 + (0,) * 4
    assert images.parent_names == ("hound",)
    assert all(name.endswith("hound") for name in images.classes[10:])
    assert (images.textures is not None) == (split == "cue-conflict")
    assert (images.condition is not None) == (split == "corrupted")


@pytest.mark.parametrize("split", SPLITS)
def test_the_same_recipe_gives_the_same_bytes(split: str) -> None:
    again = shapes.build(replace(RECIPE, split=split, count=28))
    assert again.images.tobytes() == drawn(split, 28).images.tobytes()
    assert again.digest == drawn(split, 28).digest


def test_other_seeds_and_splits_share_no_picture() -> None:
    sets = [drawn(split) for split in ("train", "unlabelled", "val", "cue-conflict", "stylized")]
    sets += [drawn("train", seed=1), drawn("val", seed=1)]
    pictures = np.concatenate([images.images.reshape(len(images), -1) for images in sets])
    assert len(np.unique(pictures, axis=0)) == len(pictures)
    small = pictures.reshape(len(pictures), 3, 8, 4, 8, 4).mean((3, 5)).reshape(len(pictures), -1)
    squares, products = (small**2).mean(1), small @ small.T / small.shape[1]
    apart = np.sqrt(np.maximum(squares[:, None] + squares - 2 * products, 0))  # root mean square difference
    assert apart[~np.eye(len(small), dtype=bool)].min() > 4, "two pictures are all but equal"


@pytest.mark.parametrize("split", ["train", "sketch", "cue-conflict"])
def test_the_first_images_do_not_depend_on_how_many_follow(split: str) -> None:
    few, many = drawn(split, 30), drawn(split, 300)
    np.testing.assert_array_equal(few.images, many.images[:30])
    np.testing.assert_array_equal(few.labels, many.labels[:30])


@pytest.mark.parametrize("split", sorted(set(SPLITS) - {"unlabelled", "cue-conflict", "corrupted"}))
def test_classes_are_balanced(split: str) -> None:
    assert np.bincount(drawn(split).labels, minlength=14).tolist() == [10] * 14
    assert np.ptp(np.bincount(drawn(split, 30).labels, minlength=14)) == 1


def test_unlabelled_images_have_no_label() -> None:
    assert (drawn("unlabelled").labels == -1).all()


def test_cue_conflict_is_a_conflict_in_every_image_and_every_pair() -> None:
    images = drawn("cue-conflict", 180)
    assert images.textures is not None
    assert (images.labels != images.textures).all()
    pairs = np.zeros((14, 14), int)
    np.add.at(pairs, (images.labels, images.textures), 1)
    assert (pairs[:10, :10] == 2 * (1 - np.eye(10, dtype=int))).all()
    assert pairs.sum() == 180, "no breed takes part"


def test_corrupted_is_val_in_every_condition() -> None:
    images, clean = drawn("corrupted", 28), drawn("val", 28)
    assert len(images.conditions) == 75
    assert images.conditions[0] == "gaussian_noise/1"
    assert images.conditions[-1] == "jpeg_compression/5"
    assert images.condition is not None
    assert np.bincount(images.condition).tolist() == [28] * 75
    np.testing.assert_array_equal(images.labels.reshape(75, 28), np.tile(clean.labels, (75, 1)))
    changed = np.abs(images.images.reshape(75, 28, -1) - clean.images.reshape(28, -1).astype(float)).mean((1, 2))
    assert changed.min() > 0.5
    assert changed.max() < 90


def test_more_pixels_show_the_same_scenes() -> None:
    small, large = drawn("val", 28).images, shapes.build(replace(RECIPE, split="val", count=28, pixels=64)).images
    shrunk = large.reshape(28, 3, 32, 2, 32, 2).mean((3, 5))
    assert np.abs(shrunk - small).mean() < 12


def test_surround_is_a_dial() -> None:
    """More of the object's pattern in its surroundings changes the surroundings and leaves the object."""
    none, full = (shapes.build(replace(RECIPE, split="val", surround=amount, shift=0.0)) for amount in (0.0, 1.0))
    change = np.abs(full.images.astype(float) - none.images)
    assert change[..., 0].mean() > 15
    solid = np.isin(none.labels, [1, 2, 3])
    assert change[solid, :, 14:18, 14:18].max() == 0, "the middle of a star, a cross, a heart is the object's"


def texture_statistics(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Power spectra of grey windows in 7 rings x 4 angular harmonics: neither colour, nor polarity, nor direction."""
    grey = images.mean(1)
    hann = np.hanning(16)
    row, column = np.fft.fftfreq(16)[:, None], np.fft.fftfreq(16)
    ring, angle = np.hypot(row, column), np.arctan2(row, column)
    spectrum = np.zeros((len(images), 16, 16))
    for top in range(0, 17, 4):
        for left in range(0, 17, 4):
            window = grey[:, top : top + 16, left : left + 16]
            window = (window - window.mean((1, 2), keepdims=True)) * hann[:, None] * hann
            spectrum += np.abs(np.fft.fft2(window)) ** 2
    spectrum /= spectrum.sum((1, 2), keepdims=True) + 1e-9
    waves = [
        np.abs((spectrum * ((ring >= low) & (ring < low + 0.06)) * np.exp(1j * k * angle)).sum((1, 2)))
        for low in np.arange(0.06, 0.48, 0.06)
        for k in (0, 2, 4, 6)
    ]
    return np.log(np.stack(waves, 1) + 1e-4)


def nearest_centroid(train: Images, test: Images) -> NDArray[np.int64]:
    known, new = texture_statistics(train.images), texture_statistics(test.images)
    spread = known.std(0)
    centroids = np.stack([known[train.labels == label].mean(0) for label in range(14)])
    distance = (((new[:, None] - centroids) / spread) ** 2).sum(-1)
    return distance.argmin(1)


def test_texture_tells_the_class_where_it_should_and_nowhere_else() -> None:
    """A classifier that knows textures alone, by spectra: chance is 7.1 %, two standard errors of 840 images 1.8 %."""
    frames = drawn("texture", 1400)
    right = {
        split: float((nearest_centroid(frames, test) == test.labels).mean())
        for split in ("texture", "sketch", "stylized", "rendition", "val")
        for test in [drawn(split, 840, seed=1)]
    }
    conflict = drawn("cue-conflict", 840, seed=1)
    decided = nearest_centroid(frames, conflict)
    assert right["texture"] > 0.55, right
    assert right["val"] > 0.25, right
    assert max(right["sketch"], right["stylized"], right["rendition"]) < 0.13, right
    assert (decided == conflict.textures).mean() > 2.5 * (decided == conflict.labels).mean()


def test_breeds_cannot_be_told_without_their_texture() -> None:
    """Centroids of the raw breeds of one drawn set on another: chance is 25 %, two standard errors of 400 are 4.3 %."""
    for split in ("sketch", "stylized", "rendition"):
        known, new = drawn(split, 1400), drawn(split, 1400, seed=1)
        centroids = np.stack([known.images[known.labels == breed].mean(0) for breed in BREEDS])
        chosen = new.images[new.labels >= 10]
        distance = ((chosen[:, None].astype(float) - centroids) ** 2).sum((2, 3, 4))
        right = (distance.argmin(1) + 10 == new.labels[new.labels >= 10]).mean()
        assert 0.17 < right < 0.33, split


def test_shape_is_there_without_colour_or_texture() -> None:
    """Grey sketches of the same pose range are told apart by their nearest neighbour, far above chance."""
    known, new = drawn("sketch", 1400), drawn("sketch", 280, seed=1)
    small = [images.images.mean(1).reshape(-1, 16, 2, 16, 2).mean((2, 4)).reshape(-1, 256) for images in (known, new)]
    small = [(each - each.mean(1, keepdims=True)) / each.std(1, keepdims=True) for each in small]
    nearest = (small[1] @ small[0].T).argmax(1)
    coarse = [np.minimum(labels, 10) for labels in (known.labels[nearest], new.labels)]
    assert (coarse[0] == coarse[1]).mean() > 0.6
