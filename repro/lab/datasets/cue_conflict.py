"""Geirhos' cue-conflict stimuli: the shape of one object with the texture of another, 1,280 images of 16 categories.

Source: rgeirhos/texture-vs-shape@ccd0c01 stimuli/style-transfer-preprocessed-512 (CC BY 4.0): one folder a shape, in it
`<shape><i>-<texture><j>.png`. "512" is the side at which style was transferred; the files have 224 pixels.
bethgelab/model-vs-human has the same files, and in its raw data a prefix such as `0001_s5n_dnn_0_airplane_00_`.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from repro.errors import DataMissing
from repro.lab.data import Files, Images
from repro.reference import geirhos16
from repro.reference.trees import NOT_PICTURES

_NAME = re.compile(r"(?:.*_)?([a-z]+)\d+-([a-z]+)\d+\.png")
_NAMED = 3
_PUBLISHED = 1280


@dataclass(frozen=True)
class Recipe:
    """Where the stimuli are, and how they are brought to a network's size."""

    place: str  # folder with one folder for each shape
    resize: int  # pixels of the shorter side before the middle is cut out; 0: not resized, as model-vs-human does
    pixels: int  # side of the cut


def build(recipe: Recipe) -> Images:
    """List the stimuli: labels are shapes, `textures` textures, classes the 16 categories in alphabetical order.

    The images with shape and texture of one category (80 of the published) are listed too; the evaluator leaves them
    out. A subset is a set as well: `remarks` says what is not there. Raises `DataMissing` for an absent folder, names
    that say no shape and texture, and sizes that do not fit.
    """
    place, categories = Path(recipe.place).expanduser(), tuple(geirhos16())
    _check_folders(place, categories)
    paths = sorted(path for path in place.rglob("*") if _counts(path, place))
    cues = [_cues(path, place, categories) for path in paths]
    strange = [path for path, found in zip(paths, cues, strict=True) if found is None]
    if strange:
        raise DataMissing(
            f"{place}: {len(strange)} of {len(paths)} files are not named <shape>/<shape>1-<texture>2.png after two of "
            f"the {len(categories)} categories: {_few(strange, place)}; rename or remove them"
        )
    if not paths:
        raise DataMissing(f"{place}: expected cue-conflict images such as cat/cat1-dog2.png, found none")
    _check_sizes(paths, place, recipe)
    shape, texture = np.array([[categories.index(name) for name in found] for found in cues if found], np.int64).T
    below = [path.relative_to(place).as_posix() for path in paths]
    sizes = np.array([path.stat().st_size for path in paths], np.int64)
    return Images(
        images=Files(place, np.array(below), sizes, resize=recipe.resize, pixels=recipe.pixels),
        labels=shape.copy(),
        classes=categories,
        textures=texture.copy(),
        names=np.array([name.removesuffix(".png") for name in below]),
    )


def remarks(images: Images) -> list[str]:
    """What a reader should know of a set that is not the published one; nothing of that one."""
    absent = [name for index, name in enumerate(images.classes) if not (images.labels == index).any()]
    if len(images) == _PUBLISHED and not absent:
        return []
    without = f", with no image of the shape {', '.join(absent)}" if absent else ""
    return [f"{len(images)} of the {_PUBLISHED:,} cue-conflict images{without}: numbers of a subset"]


def _check_folders(place: Path, categories: tuple[str, ...]) -> None:
    """There is a folder of a category, and none of anything else."""
    if not place.is_dir():
        found = "a file" if place.exists() else "nothing"
        raise DataMissing(f"{place}: expected a folder with one folder of images for each shape, found {found}")
    names = sorted(each.name for each in place.iterdir() if each.is_dir() and not each.name.startswith("."))
    if not set(names) & set(categories):
        inner = [name for name in names if (place / name / categories[0]).is_dir()]
        found = f"them in {inner[0]}; name that folder" if inner else ", ".join(names[:_NAMED]) or "none"
        span = f"{categories[0]} to {categories[-1]}"
        raise DataMissing(f"{place}: expected folders named {span}, one for each shape, found {found}")
    strange = [name for name in names if name not in categories]
    if strange:
        more = f" and {len(strange) - _NAMED} more" if len(strange) > _NAMED else ""
        raise DataMissing(
            f"{place}: expected folders of the 16 categories ({', '.join(categories)}), "
            f"found {', '.join(strange[:_NAMED])}{more}; remove or rename"
        )


def _counts(path: Path, place: Path) -> bool:
    """Whether a file is one of the set's: hidden ones, and texts beside the images, are not."""
    hidden = any(part.startswith(".") for part in path.relative_to(place).parts)
    return not hidden and path.suffix.lower() not in NOT_PICTURES and not path.is_dir()


def _cues(path: Path, place: Path, categories: tuple[str, ...]) -> tuple[str, str] | None:
    """Shape and texture by the name of a file; None where it says none, or another shape than its folder."""
    found, parts = _NAME.fullmatch(path.name), path.relative_to(place).parts
    if found is None or len(parts) != 2 or parts[0] != found[1] or found[2] not in categories:
        return None
    return found[1], found[2]


def _check_sizes(paths: list[Path], place: Path, recipe: Recipe) -> None:
    """Every file is an image by its first bytes and, where none is resized, has the network's size already."""
    sizes, faults = [], []
    for path in paths:
        try:
            with Image.open(path) as picture:
                sizes.append((path, picture.size))
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            faults.append(path)
    if faults:
        raise DataMissing(
            f"{place}: {len(faults)} of {len(paths)} files are no images that can be read: {_few(faults, place)}; "
            "get them again"
        )
    wanted = (recipe.pixels, recipe.pixels)
    wrong = [(path, size) for path, size in sizes if size != wanted]
    if recipe.resize == 0 and wrong:
        width, height = Counter(size for _, size in wrong).most_common(1)[0][0]
        raise DataMissing(
            f"{place}: expected images of {wanted[0]} x {wanted[1]} pixels, as published, found {len(wrong)} of "
            f"{len(paths)} of another size, most of them {width} x {height}: {_few([p for p, _ in wrong], place)}; "
            "get the published ones, or say in the profile to which side they are resized"
        )


def _few(paths: list[Path], place: Path) -> str:
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return ", ".join(path.relative_to(place).as_posix() for path in paths[:_NAMED]) + more
