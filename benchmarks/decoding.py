"""Decoding JPEGs by `repro.lab.images.reading.chunks`, beside torchvision's ImageFolder in a DataLoader.

CPU seconds where this process decodes; where other processes do the work, seconds on the clock, which tell little on a
machine that has other things to do. Starting processes is left out of both: the first chunks come before it runs.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from statistics import median

import numpy as np
import timing  # noqa: F401  it makes `repro` the checkout this file lies in
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.transforms import CenterCrop, Compose, PILToTensor, Resize

from repro.lab.data import Files, Images
from repro.lab.images.reading import chunks

SIDES = {64: (64, 56), 224: (0, 224), 500: (256, 224)}
"""Longer side of a file, to what its shorter side is resized (0: not), and what is cut out."""
COUNT, SIZE, REPEATS = 1024, 64, 5


def write(root: Path, side: int) -> None:
    """Files of smooth noise with edges in it, which take about as long as photographs; 4 to 3 but for squares."""
    generator, size = np.random.default_rng(0), (side, side if side == 224 else side * 3 // 4)
    for i in range(COUNT):
        coarse = Image.fromarray(generator.integers(0, 256, (size[1] // 8, size[0] // 8, 3), dtype=np.uint8))
        folder = root / f"n{i * 10 // COUNT:08d}"
        folder.mkdir(exist_ok=True)
        coarse.resize(size, Image.Resampling.BICUBIC).save(folder / f"{i:04d}.JPEG", quality=90)


def ours(root: Path, side: int, loaders: int) -> Iterator[Tensor]:
    """Chunks in order."""
    paths = sorted(root.rglob("*.JPEG"))
    resize, pixels = SIDES[side]
    names = np.array([path.relative_to(root).as_posix() for path in paths])
    files = Files(root, names, np.ones(len(paths), np.int64), resize=resize, pixels=pixels)
    images = Images(files, np.zeros(len(paths), np.int64), ("a",))
    return (chunk for _, chunk in chunks(images, size=SIZE, loaders=loaders, stopping=lambda: False))


def theirs(root: Path, side: int, loaders: int) -> Iterator[Tensor]:
    """The same batches by torchvision."""
    resize, pixels = SIDES[side]
    steps = [Resize(resize)] if resize else []
    cut = Compose([*steps, CenterCrop(pixels), PILToTensor()])
    loader = DataLoader(ImageFolder(str(root), transform=cut), batch_size=SIZE, num_workers=loaders)
    return (pictures for pictures, _ in loader)


def seconds(batches: Iterator[Tensor], *, clock: Callable[[], float]) -> float:
    """Per image, after the first batches, which wait for processes to start."""
    ahead = 4
    for _ in islice(batches, ahead):
        pass
    start, seen = clock(), 0
    for batch in batches:
        seen += len(batch)
    return (clock() - start) / seen


def main() -> None:
    print(
        f"images a second, {COUNT} JPEGs in batches of {SIZE}, CPU time (with processes: clock), medians of {REPEATS}"
    )
    print(f"{'':28}{'ours':>8}{'torchvision':>13}{'ratio':>8}")
    for side in SIDES:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            write(root, side)
            equal = all(map(torch.equal, ours(root, side, 0), theirs(root, side, 0)))
            for loaders in (0, 1, 2):
                clock = time.perf_counter if loaders else time.process_time
                turns = [
                    [seconds(who(root, side, loaders), clock=clock) for who in (ours, theirs)] for _ in range(REPEATS)
                ]
                mine, other = (median(turn[i] for turn in turns) for i in (0, 1))
                ratio = median(b / a for a, b in turns)
                what = f"{side} px, {loaders} processes{'' if equal else ', OTHER PIXELS'}"
                print(f"{what:28}{1 / mine:8.0f}{1 / other:13.0f}{ratio:7.2f}x", flush=True)


if __name__ == "__main__":
    main()
