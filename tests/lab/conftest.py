"""A tiny world for whole jobs: two kinds of image a small network tells apart in a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from repro.lab import data


@pytest.fixture
def recipe() -> dict[str, dict[str, Any]]:
    """Every group of a recipe as a job carries it: plain JSON values; 3 epochs of 4 steps."""
    return {
        "net": {
            "name": "small",
            "widths": [8, 16],
            "strides": [1, 2],
            "stem_kernel": 3,
            "stem_stride": 2,
            "outputs": 8,
            "hidden": 16,
            "head_norm": True,
        },
        "views": {
            "name": "moco_v2",
            "crop_scale": [0.4, 1.0],
            "crop_ratio": [0.75, 1.3333],
            "jitter": [0.4, 0.4, 0.4, 0.1],
            "jitter_probability": 0.8,
            "grayscale_probability": 0.2,
            "blur_sigma": [0.1, 0.5],
            "blur_probability": 0.5,
            "flip_probability": 0.5,
            "mean": [0.5, 0.5, 0.5],
            "std": [0.25, 0.25, 0.25],
        },
        "method": {"name": "moco", "queue": 32, "momentum": 0.9, "temperature": 0.2, "shuffle_groups": 2},
        "negatives": {
            "name": "patch",
            "alpha": 2.0,
            "sizes": [2, 5],
            "count": 1,
            "source": "query",
            "overlap": True,
            "last_offset": True,
        },
        "optimizer": {"name": "sgd", "lr": 0.06, "momentum": 0.9, "weight_decay": 5e-4},
        "training": {
            "batch": 16,
            "epochs": 3,
            "warmup_epochs": 1.0,
            "schedule": "cosine per step",
            "drops": [],
            "drop_factor": 1.0,
            "precision": "fp32",
            "compile": False,
            "threads": 1,
        },
        "input": {"mode": "batched"},
    }


@pytest.fixture
def images() -> data.Images:
    """70 images of 16 pixels: rows or columns of light and dark, in random colours."""
    random = np.random.default_rng(0)
    labels = np.arange(70, dtype=np.int64) % 2
    pictures = random.integers(0, 80, (70, 3, 16, 16))
    light = random.integers(90, 170, (70, 3, 1, 1))
    pictures[labels == 0, :, ::4] += light[labels == 0]
    pictures[labels == 1, :, :, ::4] += light[labels == 1]
    return data.Images(pictures.astype(np.uint8), labels, ("rows", "columns"))


@pytest.fixture
def folder(tmp_path: Path, images: data.Images) -> Path:
    """The images as a data job leaves them."""
    data.write(images, tmp_path / "data")
    return tmp_path / "data"
