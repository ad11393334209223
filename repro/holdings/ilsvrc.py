"""ImageNet's own archives: the tar of tars of train, and the flat val, sorted into class folders by the devkit.

Source: ILSVRC2012 devkit readme (data/meta.mat, data/ILSVRC2012_validation_ground_truth.txt); torchvision's
parse_val_archive does the same.
"""

from __future__ import annotations

import io
import os
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

from scipy.io import loadmat

from repro.errors import DataMissing, StoreError
from repro.fetch.archive import entries, unpack, write
from repro.files import explain

META = "data/meta.mat"
TRUTH = "data/ILSVRC2012_validation_ground_truth.txt"
_INNER = re.compile(r"(n\d{8})\.tar")
_WNID = re.compile(r"n\d{8}")
Progress = Callable[[int], None]


def train(archive: Path, into: Path, *, progress: Progress) -> int:
    """Unpack the archive of one archive a class; a class is there whole or not at all, and is not unpacked again.

    Returns the number of classes. Raises as `repro.fetch.archive.unpack` does, and `DataMissing` for another archive.
    """
    classes = 0
    for entry in entries(archive, progress=progress):
        found = _INNER.fullmatch(PurePosixPath(entry.name).name)
        if found is None:
            raise DataMissing(f"{archive}: expected one archive a class, such as n01440764.tar, found {entry.name}")
        if not (into / found[1]).is_dir():
            packed, folder = into / f".{entry.name}", into / f".{found[1]}"
            for left in (packed, folder):
                remove(left)
            write(archive, entry, packed)
            unpack(packed, folder)
            _rename(folder, into / found[1])
            remove(packed)
        classes += 1
    return classes


def val(archive: Path, into: Path, devkit: Path | None, *, progress: Progress) -> int:
    """Unpack the validation images into class folders; they may lie in such folders in the archive already.

    Returns their number. Raises as `unpack` does, and `DataMissing` where a flat archive comes without the devkit.
    """
    answers: Mapping[str, str] = {}
    images = 0
    remove(into)
    try:
        for entry in entries(archive, progress=progress):
            path = PurePosixPath(entry.name)
            wnid = path.parent.name
            if not _WNID.fullmatch(wnid):
                answers = answers or truth(_needed(archive, devkit))
                wnid = answers.get(path.name, "")
            if not wnid:
                raise DataMissing(f"{archive}: {entry.name} is no validation image that the devkit knows")
            write(archive, entry, into / wnid / path.name)
            images += 1
    except BaseException:
        shutil.rmtree(into, ignore_errors=True)
        raise
    return images


def _needed(archive: Path, devkit: Path | None) -> Path:
    if devkit is None:
        raise DataMissing(
            f"{archive}: its images lie flat, and the devkit says which class each is of: "
            "add --from ILSVRC2012_devkit_t12.tar.gz"
        )
    return devkit


def truth(devkit: Path) -> dict[str, str]:
    """File name of each validation image -> WordNet id of its class; raises `DataMissing` for another archive."""
    found: dict[str, bytes] = {}
    for entry in entries(devkit):
        for name in (META, TRUTH):
            if entry.name.endswith(f"/{name}") or entry.name == name:
                with entry.open() as stream:
                    found[name] = stream.read()
    try:
        synsets = loadmat(io.BytesIO(found[META]), squeeze_me=True, struct_as_record=True)["synsets"]
        wnids = {int(each["ILSVRC2012_ID"]): str(each["WNID"]) for each in synsets if int(each["num_children"]) == 0}
        numbers = [int(line) for line in found[TRUTH].decode().split()]
        return {f"ILSVRC2012_val_{place:08d}.JPEG": wnids[number] for place, number in enumerate(numbers, 1)}
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise DataMissing(
            f"{devkit}: expected the devkit of ILSVRC2012 with {META} and {TRUTH}, found another archive"
        ) from error


def _rename(folder: Path, target: Path) -> None:
    os.sync()  # a class that is there is taken for whole, also after the machine went down
    try:
        os.replace(folder, target)
    except OSError as error:
        raise StoreError(explain(error, target, option="--to")) from error


def remove(path: Path) -> None:
    """Take a file or a folder away, where it is; raises `StoreError` where that cannot be done."""
    try:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(explain(error, path, option="--to")) from error
