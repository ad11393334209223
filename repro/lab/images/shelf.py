"""Pictures that jobs left, one at a time, to be looked at: of a class, of a name, or samples. Needs no torch."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from repro.lab import data, samples
from repro.lab.images.decoding import centred, opened, stored

Picture = NDArray[np.uint8]  # (H, W, 3)


class Shelf:
    """The pictures in the folder of a `data` or a `samples` job."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._images: data.Images | None = None

    def first(self, label: str) -> tuple[str, Picture] | None:
        """The first image of a class and its name; None where there is none, or its images have no names."""
        images = self._opened()
        if images.names is None or label not in images.classes:
            return None
        found = np.flatnonzero(images.labels == images.classes.index(label))
        return None if len(found) == 0 else (str(images.names[found[0]]), self._picture(int(found[0])))

    def named(self, name: str) -> Picture | None:
        """The image of a name, or None."""
        images = self._opened()
        found = [] if images.names is None else np.flatnonzero(images.names == name)
        return None if len(found) == 0 else self._picture(int(found[0]))

    def samples(self) -> Mapping[str, Sequence[Picture]]:
        """What a job of that kind kept, by name; raises `DataMissing` where it cannot be read."""
        return samples.read(self.folder)

    def _opened(self) -> data.Images:
        if self._images is None:
            self._images = data.read(self.folder)
        return self._images

    def _picture(self, place: int) -> Picture:
        """As it is evaluated; raises `JobFailed` where its file cannot be read."""
        source = self._opened().images
        return np.ascontiguousarray(_planes(source, place).transpose(1, 2, 0))


def _planes(source: data.Pictures, place: int) -> NDArray[np.uint8]:
    if isinstance(source, np.ndarray):
        return source[place]
    if isinstance(source, data.Files):
        picture = opened(os.path.join(source.root, source.paths[place]))
    else:
        file, *rest = source.cells[place].tolist()
        whole = stored(os.path.join(source.root, source.files[file]), *rest)
        picture = Image.fromarray(np.ascontiguousarray(whole.transpose(1, 2, 0)))
    return centred(picture, resize=source.resize, pixels=source.pixels)
