"""The input path of a row with patch-based negatives at 224 px: two views and a negative of each image, in both modes.

Photographs are made up: noise of all sizes, the larger the stronger, with a little grain, 500 x 375 as JPEG of about
the 110 kB that an image of ImageNet has. The cache is in memory after its first reading, as the files are.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import patch_negatives
import recipe
import timing
import torch
from PIL import Image

from repro.lab.batch import Queries
from repro.lab.data import Files, Packed
from repro.lab.images import cache, caching
from repro.lab.images.shard import carry_out
from repro.lab.loading import official, sources
from repro.lab.loading.pack import Pack
from repro.lab.loading.sources import Errand
from repro.lab.negatives import patch
from repro.lab.negatives import patch_negatives as ours
from repro.lab.processes import ALONE
from repro.lab.views import moco_v2

COUNT = 32
PIXELS = 224
SIDE = 256  # of the cache


def photographs(folder: Path) -> Files:
    """COUNT files."""
    random, paths = np.random.default_rng(0), [f"{i:02}.jpg" for i in range(COUNT)]
    for path in paths:
        levels = np.full((375, 500, 3), 128.0)
        for side in (4, 8, 16, 32, 64, 128):
            coarse = random.integers(0, 256, (side, side, 3)).astype(np.uint8)
            levels += (
                (np.asarray(Image.fromarray(coarse).resize((500, 375), Image.Resampling.BICUBIC)) - 128.0)
                * 2
                / side**0.7
            )
        levels += random.normal(0, 8, (375, 500, 1))
        Image.fromarray(levels.clip(0, 255).astype(np.uint8)).save(folder / path, quality=92)
    sizes = np.array([(folder / path).stat().st_size for path in paths])
    return Files(folder, np.array(paths), sizes, resize=256, pixels=PIXELS)


def cached(files: Files, folder: Path) -> Packed:
    """The same out of a cache."""
    todo = caching.shards(files, folder, side=SIDE, only_check=False)
    for shard in todo:
        carry_out(shard)
    caching.finish(todo)
    return cache.packed(files, folder, side=SIDE)


def errand(images: Files | Packed) -> Errand:
    """All images as one step."""
    return Errand(0, 0, sources.some(images, torch.arange(COUNT)), None)


def one_by_one(views: moco_v2.Recipe, negatives: patch.Recipe) -> Callable[[Errand], object]:
    """The official path."""
    steps = moco_v2.official(views, pixels=PIXELS)
    return official.Maker(steps, 2, PIXELS, 0, "views", negatives=patch.official, recipe=negatives)


def together(load: sources.Load, views: moco_v2.Recipe, negatives: patch.Recipe) -> object:
    """What comes after the images are there, by whole batches."""
    random = torch.Generator().manual_seed(0)
    shown = moco_v2.make(Pack(*load.images), views, count=2, pixels=PIXELS, generator=random, share=ALONE)
    queries = Queries(shown[0], plain=lambda: shown[0], textures=lambda: shown[0], share=ALONE)
    return shown, patch.make(queries, negatives, generator=random)


def rows(folder: Path) -> list[timing.Row]:
    values = recipe.row(recipe.PATCH, profile="paper")
    views, negatives = (recipe.typed(group, values[group]) for group in ("views", "negatives"))
    files = photographs(folder)
    print(
        f"{COUNT} JPEG files of 500 x 375, {files.sizes.mean() / 1e3:.0f} kB each; cache with a shorter side of {SIDE}"
    )
    asked, kept = errand(files), errand(cached(files, folder / "cache"))
    make, random = one_by_one(views, negatives), torch.Generator().manual_seed(0)
    bytes_ = torch.randint(0, 256, (COUNT, 3, PIXELS, PIXELS), generator=random, dtype=torch.uint8)
    sizes = (negatives.sizes[0], negatives.sizes[1])
    found = timing.medians(
        lambda: make(asked),
        lambda: sources.whole(kept),
        lambda: sources.whole(asked),
        lambda: together(sources.whole(kept), views, negatives),
        lambda: together(sources.whole(asked), views, negatives),
        lambda: ours(bytes_, sizes=sizes, generator=random),
        lambda: torch.stack([patch_negatives.official(image, sizes) for image in bytes_]),
    )
    reference, *others, negative, loop = (seconds / COUNT for seconds in found)
    names = (
        "before the device, batched, from the cache",
        "before the device, batched, from the files",
        "whole path on a processor, from the cache",
        "whole path on a processor, from the files",
    )
    return [
        *((name, other, reference) for name, other in zip(names, others, strict=True)),
        ("patch negatives of bytes", negative, loop),
    ]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        timing.write("input path, two views and a negative", rows(Path(folder)), unit="image", reference="reference")


if __name__ == "__main__":
    main()
