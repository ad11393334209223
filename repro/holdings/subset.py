"""ImageNet-100 as a tree of its own: the class folders of ImageNet that the list of CMC names, linked or copied.

Source: SongweiGe/Contrastive-Learning-with-Non-Semantic-Negatives@5fbdc4d preprocess/imagenet_100_subset.py.
Differs: that script copies with scp and ends in a TypeError; here each class is a link unless copies are asked for.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from repro.errors import DataMissing, StoreError, UsageError
from repro.files import explain

SPLITS = ("train", "val")
_NAMED = 3


@dataclass(frozen=True)
class Derived:
    """What was made, and what was there already."""

    made: int
    there: int


def derive(
    root: Path, out: Path, names: Sequence[str], *, place: Callable[[Path, Path], None], step: Callable[[], None]
) -> Derived:
    """Put the class folders `names` of each split of `root` into `out` by `place` (`link` or `copy`).

    Raises `DataMissing` where one of them is absent, before anything is made, `UsageError` where `out` lies in `root`
    or the other way round, and `StoreError` where something else is in the way.
    """
    if not root.is_dir():
        raise DataMissing(f"--root {root}: expected ImageNet with train and val in it, found no folder")
    if out.resolve().is_relative_to(root.resolve()) or root.resolve().is_relative_to(out.resolve()):
        raise UsageError(f"--out {out}: it and --root {root} lie in one another; name another folder")
    _check(root, names)
    made = there = 0
    for split in SPLITS:
        for name in names:
            source, target = root.resolve() / split / name, out / split / name
            if _is_same(source, target):
                there += 1
            elif os.path.lexists(target):
                raise StoreError(
                    f"{target}: is in the way and is not what would be made; move it or name another --out"
                )
            else:
                _put(source, target, place)
                made += 1
            step()
    return Derived(made, there)


def _check(root: Path, names: Sequence[str]) -> None:
    for split in SPLITS:
        absent = [name for name in names if not (root / split / name).is_dir()]
        if absent:
            more = f" and {len(absent) - _NAMED} more" if len(absent) > _NAMED else ""
            raise DataMissing(
                f"{root / split}: {len(absent)} of the {len(names)} class folders are missing: "
                f"{', '.join(absent[:_NAMED])}{more}; `repro data verify imagenet` tells more"
            )


def _is_same(source: Path, target: Path) -> bool:
    """Whether a class is there: a link to it, or a folder with as many files."""
    if target.is_symlink():
        return target.resolve() == source
    return target.is_dir() and len(os.listdir(target)) == len(os.listdir(source))


def _put(source: Path, target: Path, place: Callable[[Path, Path], None]) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        if part.is_dir() and not part.is_symlink():
            shutil.rmtree(part)
        part.unlink(missing_ok=True)
        place(source, part)
        os.replace(part, target)
    except OSError as error:
        raise StoreError(explain(error, target, option="--out")) from error


def link(source: Path, target: Path) -> None:
    """A symbolic link to a class folder."""
    target.symlink_to(source, target_is_directory=True)


def copy(source: Path, target: Path) -> None:
    """A copy of a class folder, which the disk has when this returns."""
    shutil.copytree(source, target)
    os.sync()
