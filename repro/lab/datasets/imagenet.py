"""ImageNet and what was made after it: photographs, sketches, renditions, stylised copies, textures; by class folders.

Source: the layout of ImageNet-1K as torchvision.datasets.ImageNet leaves it, split/<WordNet id>/<file>, which
ImageNet-Sketch, ImageNet-R, Stylized-ImageNet and ImageNet-Texture follow; class lists in `repro.reference`.
Differs: from torchvision's ImageFolder, where a label is the place of a folder among those that happen to be there;
here it is the place of its WordNet id in a list, and a class without a folder is an error.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from repro.lab.data import Files, Images
from repro.lab.jobs import Context, Stopped
from repro.reference import dogs, trees, wnids

DOG = "dog"
_SHOWN = 4  # different numbers of images a class that a note names


@dataclass(frozen=True)
class Recipe:
    """Some classes of one tree, each image seen as `decoding.centred` cuts it."""

    place: str  # the owner's folder; the same tree elsewhere is the same set
    split: str  # folder in it with the class folders, such as "val"; "" where the tree has no splits
    classes: Literal["imagenet-1k", "imagenet-100", "imagenet-r", "imagenet-100-r"]  # list of WordNet ids
    published: int  # images that the set is said to have; 0: nobody says
    resize: int  # pixels of the shorter side before the middle is cut out; 0: not resized
    pixels: int  # side of the cut


def find(recipe: Recipe, *, context: Context) -> Images:
    """List the images class by class, without opening one; `names` are their paths without the ending.

    Classes are WordNet ids, the superclass "dog" is that of the paper. Notes strange folders and numbers of images
    other than the published. Raises `DataMissing` where a class has no folder or no image.
    """
    place = trees.layout(Path(recipe.place).expanduser(), {"split": recipe.split, "classes": recipe.classes})
    paths, sizes, counts = listing(place, context=context)
    found = Files(place.root, paths, sizes, resize=recipe.resize, pixels=recipe.pixels)
    classes = wnids(recipe.classes)
    for note in (*_strangers(place), *_oddities(counts, recipe.published)):
        context.note(note)
    parents, parent_names = superclass(classes)
    return Images(
        images=found,
        labels=np.repeat(np.arange(len(classes)), counts),
        classes=classes,
        names=np.array([os.path.splitext(path)[0] for path in paths.tolist()]),
        parents=parents,
        parent_names=parent_names,
    )


def listing(place: trees.Layout, *, context: Context) -> tuple[NDArray[np.str_], NDArray[np.int64], NDArray[np.int64]]:
    """Paths and sizes of the images of a layout, in its order, and how many each branch has. Raises `DataMissing`."""
    paths, sizes, counts = [], [], []
    for done, branch in enumerate(trees.walk(place), 1):
        if context.stopping():
            raise Stopped(f"stopped after {done} of {len(place.branches)} folders")
        paths.append(np.array(branch.paths, dtype=np.str_))
        sizes.append(np.array(branch.sizes, dtype=np.int64))
        counts.append(len(branch.paths))
        context.progress(done, len(place.branches), "folders")
    return np.concatenate(paths), np.concatenate(sizes), np.array(counts, dtype=np.int64)


def superclass(classes: Sequence[str]) -> tuple[tuple[int, ...] | None, tuple[str, ...]]:
    """For each class 0 where it is a dog and -1 elsewhere, and the superclass's name; None where none is a dog.

    >>> superclass(("n02085620", "n02119789"))
    ((0, -1), ('dog',))
    """
    found = tuple(0 if name in frozenset(dogs()) else -1 for name in classes)
    return (found, (DOG,)) if 0 in found else (None, ())


def _strangers(place: trees.Layout) -> list[str]:
    """A note on folders that are no class of ImageNet; other classes of ImageNet are passed over without one."""
    strange = [name for name in trees.subfolders(place.root) if name not in set(wnids("imagenet-1k"))]
    if not strange:
        return []
    are = "folder is no class" if len(strange) == 1 else "folders are no classes"
    return [f"{place.root}: {len(strange)} {are} of ImageNet and left out, such as {strange[0]}"]


def _oddities(counts: NDArray[np.int64], published: int) -> list[str]:
    """A note where the number of images is not the published one, with how many each class has."""
    if not published or counts.sum() == published:
        return []
    shown = sorted(Counter(counts.tolist()).items(), key=lambda each: (-each[1], each[0]))
    have = {1: "class has"}
    parts = ", ".join(f"{number} {have.get(number, 'classes have')} {each:,}" for each, number in shown[:_SHOWN])
    rest = f", {len(shown) - _SHOWN} other numbers" if len(shown) > _SHOWN else ""
    return [f"{counts.sum():,} images found where {published:,} are published: {parts}{rest}"]
