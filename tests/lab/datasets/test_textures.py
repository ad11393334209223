"""Textures beside their images: one each, named and labelled as its image is, of nothing but its colours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from repro.errors import JobFailed
from repro.lab import data
from repro.lab.datasets import textures
from repro.lab.jobs import Context, Stopped, pretrain

RECIPE = textures.Recipe(
    of="photographs",
    pixels=12,
    side=8,
    seed=0,
    neighbours=(4, 4),
    guesses=(4, 1),
    passes=(1, 1),
    share=0.5,
    blur=0.5,
    outside=0.5,
    evenness=0.3,
    cell=2,
)


def photographs(count: int = 70) -> data.Images:
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (count, 3, 16, 16), dtype=np.uint8)
    names = np.array([f"class/{index:03d}" for index in range(count)])
    return data.Images(pictures, np.arange(count) % 3, ("a", "b", "c"), names=names)


def colours(image: np.ndarray) -> set[tuple[int, ...]]:
    return {tuple(pixel) for pixel in image.reshape(3, -1).T.tolist()}


def test_each_texture_is_of_its_own_image() -> None:
    images = photographs()
    made = textures.derive(RECIPE, images, context=Context(device="cpu"))
    assert made.images.shape == (70, 3, 12, 12)
    assert made.names.tolist() == images.names.tolist()
    assert made.labels.tolist() == images.labels.tolist()
    for image, texture in zip(images.images, made.images, strict=True):
        assert colours(texture) <= colours(image)


def test_a_texture_depends_on_its_image_and_name_alone() -> None:
    images, context = photographs(), Context(device="cpu")
    whole = textures.derive(RECIPE, images, context=context).images
    last = replace(images, images=images.images[65:], labels=images.labels[65:], names=images.names[65:])
    assert np.array_equal(textures.derive(RECIPE, last, context=context).images, whole[65:])
    assert not np.array_equal(textures.derive(replace(RECIPE, seed=1), last, context=context).images, whole[65:])


def test_what_cannot_be_done_is_told_and_a_wish_to_stop_is_heard() -> None:
    images = photographs()
    with pytest.raises(JobFailed) as caught:
        textures.derive(RECIPE, replace(images, names=None), context=Context(device="cpu"))
    assert str(caught.value) == ("the images of photographs have no names, so their textures could not be told apart")
    with pytest.raises(Stopped, match="stopped after 0 of 70 textures"):
        textures.derive(RECIPE, images, context=Context(device="cpu", stopping=lambda: True))


def test_textures_are_paired_with_their_images_by_name() -> None:
    images = photographs(6)
    assert pretrain._paired(images, images) is images.images
    with pytest.raises(JobFailed) as caught:
        pretrain._paired(images, replace(images, names=images.names[[0, 1, 3, 2, 4, 5]]))
    assert str(caught.value) == (
        "negatives.images: 2 of 6 textures are not those of their images: at place 2 the image is class/002 and the "
        "texture that of class/003; make the textures again from these images"
    )
    with pytest.raises(JobFailed) as caught:
        pretrain._paired(images, photographs(5))
    assert str(caught.value) == "negatives.images: expected a texture of each of 6 images, found 5"
    with pytest.raises(JobFailed) as caught:
        pretrain._paired(images, replace(images, names=None))
    assert str(caught.value) == ("negatives.images: these images have no names, so their textures cannot be told apart")
