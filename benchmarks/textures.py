"""Texture synthesis: a texture by the compiled kernel, beside the same kernel as plain Python and a plain search.

The reference "uncompiled" is the same code run by Python, on a small texture with equal settings, per pixel of it. The
reference "full search" is what Efros & Leung 1999 describe, in numpy: pixels in scan order, each from the place whose
whole neighbourhood above and to the left (11 x 6) differs least, over every place of both patches.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

import numpy as np
import timing

from repro.lab.textures import batch, cost
from repro.lab.textures.settings import IMAGENET, PIXELS, SMALL
from repro.lab.textures.synthesis import texture

SETS = {"ImageNet-100": 126_689 + 5_000, "ImageNet-1K": 1_281_167 + 50_000}
SMALL_PIXELS, SEARCHED_PIXELS, SIDE = 24, 8, 96
BATCH, BATCH_SIDE, BATCH_PIXELS = 100, 14, 32


def photographs(count: int, side: int) -> list[np.ndarray]:
    """Smooth noise with edges in it, which costs about what a photograph does."""
    generator = np.random.default_rng(0)
    found = []
    for _ in range(count):
        coarse = np.kron(generator.integers(0, 200, (side // 6 + 1, side // 6 + 1, 3)), np.ones((6, 6, 1), np.int64))
        found.append((coarse[:side, :side] + generator.integers(0, 30, (side, side, 3))).astype(np.uint8))
    return found


def full_search(examples: list[np.ndarray], *, pixels: int) -> np.ndarray:
    """A texture in scan order from whole neighbourhoods; the first rows and columns wrap around to noise."""
    reach = 5
    made = np.random.default_rng(0).choice(examples[0].reshape(-1, 3), (pixels + reach, pixels + 2 * reach)).astype(int)
    rows, columns = np.mgrid[-reach:1, -reach : reach + 1]
    before = (rows < 0) | (columns < 0)
    rows, columns = rows[before], columns[before]
    windows = np.concatenate(
        [
            np.lib.stride_tricks.sliding_window_view(each, (reach + 1, 2 * reach + 1), axis=(0, 1)).reshape(
                -1, 3, reach + 1, 2 * reach + 1
            )
            for each in examples
        ]
    ).astype(int)
    known, colour = windows[:, :, rows + reach, columns + reach], windows[:, :, reach, reach]
    for y in range(pixels):
        for x in range(pixels):
            here = made[y + reach + rows, x + reach + columns].T
            made[y + reach, x + reach] = colour[np.square(known - here).sum(axis=(1, 2)).argmin()]
    return made[reach:, reach : pixels + reach].astype(np.uint8)


def uncompiled() -> float:
    """CPU seconds a pixel of the same code without compiling, in a process of its own."""
    code = (
        "import textures, time\nfrom repro.lab.textures.synthesis import texture\n"
        "given = textures.photographs(2, textures.SIDE)\nstart = time.process_time()\n"
        "texture(given, pixels=textures.SMALL_PIXELS, seed=0, recipe=textures.IMAGENET)\n"
        "print(time.process_time() - start)"
    )
    here = os.path.dirname(os.path.abspath(__file__))
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": here, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout) / SMALL_PIXELS**2


def main() -> None:
    given = photographs(2, SIDE)
    ours, searched = timing.medians(
        lambda: texture(given, pixels=SMALL_PIXELS, seed=0, recipe=IMAGENET),
        lambda: full_search(given, pixels=SEARCHED_PIXELS),
    )
    ours, searched = ours / SMALL_PIXELS**2, searched / SEARCHED_PIXELS**2
    rows = [("full search in numpy", ours, searched), ("the same code uncompiled", ours, uncompiled())]
    timing.write(f"a texture of {SMALL_PIXELS} x {SMALL_PIXELS}", rows, unit="pixel", reference="reference")
    whole = timing.medians(lambda: texture(given, pixels=PIXELS, seed=0, recipe=IMAGENET), repeats=5)[0]
    noise = cost.seconds(PIXELS, None)
    print(f"\n{PIXELS} x {PIXELS} from two patches of {SIDE}: {whole:.2f} CPU seconds, from noise {noise:.2f}")
    for name, count in SETS.items():
        print(f"{name}: {count:,} images, {count * whole / 3600:,.0f} CPU-hours")
    images = np.stack([each.transpose(2, 0, 1) for each in photographs(BATCH, BATCH_PIXELS)])
    start = time.process_time()
    names = [str(i) for i in range(BATCH)]
    batch.textures(images, names, pixels=BATCH_PIXELS, side=BATCH_SIDE, seed=0, recipe=SMALL, threads=1)
    each = (time.process_time() - start) / BATCH
    what = f"{BATCH_PIXELS} x {BATCH_PIXELS} from patches of {BATCH_SIDE}"
    print(f"{what}: {each * 1e3:.1f} ms, 6,000 images in {each * 6000:.0f} s")


if __name__ == "__main__":
    main()
