"""The contact sheet: every picture in its place, names beside them, and no torch."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from repro.render.sheet import contact_sheet


@dataclass(frozen=True)
class Flat:
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: tuple[str, ...] = ("cat", "dog", "cow")
    textures: NDArray[np.int64] | None = None


def flat(colours: list[tuple[int, int, int]], labels: list[int], textures: list[int] | None = None) -> Flat:
    images = np.broadcast_to(np.array(colours, np.uint8)[:, :, None, None], (len(colours), 3, 16, 16)).copy()
    return Flat(images, np.array(labels), textures=None if textures is None else np.array(textures))


def test_the_first_picture_of_each_class_stands_in_its_place(tmp_path: Path) -> None:
    red, green, blue, gold = (220, 0, 0), (0, 220, 0), (0, 0, 220), (220, 190, 0)
    sets = {"plain": flat([gold, red, green, blue], [2, 0, 1, 0]), "conflict": flat([blue, red], [1, 0], [0, 2])}
    contact_sheet(sets, path=tmp_path / "sheet.png")
    sheet = np.asarray(Image.open(tmp_path / "sheet.png").convert("RGB")).astype(int)

    def place(colour: tuple[int, int, int]) -> tuple[int, int, float]:
        rows, columns = np.nonzero(np.abs(sheet - colour).sum(-1) < 12)
        return int(rows.min()), int(rows.max()), float(np.median(columns))

    at = {name: place(colour) for name, colour in {"red": red, "green": green, "gold": gold, "blue": blue}.items()}
    assert at["red"][0] == at["green"][0] == at["gold"][0], "one row for the first set"
    assert at["red"][1] == at["blue"][1] > at["green"][1], "and one below it for the second"
    assert at["red"][2] < at["green"][2] < at["gold"][2], "columns in the order of the classes"
    assert abs(at["blue"][2] - at["green"][2]) <= 1, "a class has the same column in every set"
    assert (sheet.min(-1) < 60).any(), "names are printed"


def test_drawing_a_sheet_loads_no_torch() -> None:
    code = "import sys, repro.render.sheet; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
