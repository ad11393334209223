"""Texture negatives: the texture of each image, through the very augmentation of its first view."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from repro.lab import data
from repro.lab.jobs import Context, pretrain


def prepared(recipe: Any, folder: Path, textures: np.ndarray) -> pretrain.Run:
    recipe["negatives"] = {"name": "texture", "alpha": 2.0, "images": "textures"}
    images = data.read(folder)
    spec, context = {"recipe": recipe, "pixels": 16}, Context(device="cpu")
    return pretrain._prepare(spec, seed=0, images=images, textures=textures, context=context)


def test_an_image_that_is_its_own_texture_is_augmented_as_the_query(recipe: Any, folder: Path) -> None:
    run = prepared(recipe, folder, np.array(data.read(folder).images))
    batch = run.input.batch(0)
    [negative] = batch.negatives
    assert negative.alpha == 2.0
    assert torch.equal(negative.images, batch.views[0])
    assert not torch.equal(negative.images, batch.views[1])


def test_the_texture_is_that_of_the_query(recipe: Any, folder: Path) -> None:
    """Grey textures, a shade for each image: where colours are left alone, the negative's shade tells whose it is."""
    recipe["views"] |= {"jitter_probability": 0.0, "grayscale_probability": 0.0, "blur_probability": 0.0}
    shades = np.arange(70, dtype=np.uint8)[:, None, None, None] * 3
    run = prepared(recipe, folder, np.broadcast_to(shades, (70, 3, 16, 16)).copy())
    batch = run.input.batch(0)
    found = (batch.negatives[0].images.mean((1, 2, 3)) * 0.25 + 0.5) * 255 / 3  # std 0.25, mean 0.5
    assert found.round().long().tolist() == batch.places.tolist()
