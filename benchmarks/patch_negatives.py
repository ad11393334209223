"""Patch-based negatives: whole batches, beside a restatement of the official loop over images and patches.

Source of the reference: SongweiGe/Contrastive-Learning-with-Non-Semantic-Negatives@5fbdc4d moco/loader.py:160-185,
`NonSemanticAug`, with the side of the image in place of 224 and the type of the image in place of float32.
"""

from __future__ import annotations

import random

import numpy as np
import recipe
import timing
import torch
from torch import Tensor

from repro.lab.negatives import patch_negatives

BATCH = 64


def official(image: Tensor, sizes: tuple[int, int]) -> Tensor:
    """One negative of a (3, H, H) image: (d // H + 1) squared patches from independent places, one after the other."""
    side = image.shape[-1]
    d = random.randint(*sizes)
    count = side // d + 1
    tiled = torch.zeros((3, d * count, d * count), dtype=image.dtype)
    for i in range(count):
        for j in range(count):
            w = np.random.randint(0, side - d)
            h = np.random.randint(0, side - d)
            tiled[:, i * d : (i + 1) * d, j * d : (j + 1) * d] = image[:, h : h + d, w : w + d]
    return tiled[:, :side, :side].clone()


def compare(profile: str, dtype: torch.dtype) -> timing.Row:
    """A batch of a profile's size by ours, beside its images one by one."""
    pixels, generator = recipe.PROFILES[profile], torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (BATCH, 3, pixels, pixels), generator=generator).to(dtype)
    smallest, largest = recipe.row(recipe.PATCH, profile=profile)["negatives"]["sizes"]
    sizes = (smallest, largest)
    ours, theirs = timing.medians(
        lambda: patch_negatives(images, sizes=sizes, generator=generator),
        lambda: torch.stack([official(image, sizes) for image in images]),
    )
    what = f"{pixels} px, d {smallest} to {largest}, {str(dtype).removeprefix('torch.')}"
    return what, ours / BATCH, theirs / BATCH


def main() -> None:
    random.seed(0)
    np.random.seed(0)
    rows = [compare(profile, dtype) for profile in recipe.PROFILES for dtype in (torch.uint8, torch.float32)]
    timing.write("patch-based negatives", rows, unit="image", reference="official loop")


if __name__ == "__main__":
    main()
