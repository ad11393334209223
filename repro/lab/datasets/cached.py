"""Another set whose images were decoded into a cache: the same images, labels and names, read without decoding."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from repro.errors import JobFailed
from repro.lab.data import Files, Images
from repro.lab.images import cache
from repro.lab.jobs import Context


@dataclass(frozen=True)
class Recipe:
    """Which set, and its cache, which lies in `place` below the set's name."""

    of: str  # the paper's name of the set
    place: str  # the folder of caches; a cache elsewhere is the same
    side: int  # pixels of the shorter side, at most


def derive(recipe: Recipe, images: Images, *, context: Context) -> Images:
    """The set with its images out of the cache. Raises `DataMissing` where the cache is not there or of other images.

    Raises `JobFailed` where the set's images are not files of their owner, so that there is nothing to decode.
    """
    if not isinstance(images.images, Files):
        raise JobFailed(f"{recipe.of}: its images are in memory already, and a cache holds those of files")
    folder = Path(recipe.place).expanduser() / recipe.of
    return replace(images, images=cache.packed(images.images, folder, side=recipe.side))
