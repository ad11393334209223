"""Synthesis: what holds of every texture, that it depends on its inputs alone, and that it keeps local statistics."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from repro.errors import JobFailed
from repro.lab.drawing.patterns import PATTERNS, tiles
from repro.lab.textures import batch, growth, statistics
from repro.lab.textures.patches import places, two
from repro.lab.textures.settings import IMAGENET, SMALL
from repro.lab.textures.synthesis import Recipe, _taps, spiral, texture
from tests.conftest import CHECKOUT

Picture = NDArray[np.uint8]


def _noise(seed: int, *shape: int) -> Picture:
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)


def _colours(picture: Picture) -> set[tuple[int, ...]]:
    return set(map(tuple, picture.reshape(-1, 3).tolist()))


# ------------------------------------------------------------------------------------------------- one texture


@pytest.mark.parametrize("recipe", [IMAGENET, SMALL], ids=["imagenet", "small"])
def test_every_colour_is_one_of_an_example(recipe: Recipe) -> None:
    examples = [_noise(0, 14, 20), _noise(1, 9, 9)]
    made = texture(examples, pixels=40, seed=3, recipe=recipe)
    assert (made.shape, made.dtype) == ((40, 40, 3), np.uint8)
    assert _colours(made) <= _colours(examples[0]) | _colours(examples[1])


def test_one_colour_gives_that_colour() -> None:
    made = texture([np.full((5, 7, 3), (9, 200, 31), np.uint8)], pixels=17, seed=0, recipe=IMAGENET)
    assert _colours(made) == {(9, 200, 31)}


@pytest.mark.parametrize("seed", range(5))
def test_both_examples_are_used_about_equally(seed: int) -> None:
    dark, light = _noise(0, 24, 24) // 2, 128 + _noise(1, 24, 24) // 2
    made = texture([dark, light], pixels=64, seed=seed, recipe=IMAGENET)
    assert 0.25 < (made >= 128).mean() < 0.75


@pytest.mark.parametrize("pixels", [1, 2, 3, 8])
def test_small_sizes(pixels: int) -> None:
    assert texture([_noise(0, 2, 2), _noise(1, 1, 3)], pixels=pixels, seed=0, recipe=SMALL).shape == (pixels, pixels, 3)


def test_stripes_stay_stripes() -> None:
    stripes = np.zeros((48, 48, 3), np.uint8)
    stripes[np.arange(48) % 8 < 4] = (250, 240, 10)
    made = texture([stripes, stripes[3:]], pixels=96, seed=1, recipe=IMAGENET)[..., 0] > 100
    assert (made[:, 1:] == made[:, :-1]).mean() > 0.97, "along a stripe the colour stays"
    assert (made[4:] != made[:-4]).mean() > 0.8, "half a period on it is the other"


def test_equal_seeds_give_equal_bytes_and_others_do_not() -> None:
    examples = [_noise(0, 16, 16), _noise(1, 16, 16)]
    first, again, other = (texture(examples, pixels=32, seed=seed, recipe=SMALL) for seed in (4, 4, 5))
    assert first.tobytes() == again.tobytes()
    assert (first != other).any()


@pytest.mark.slow
def test_the_bytes_are_the_same_in_another_process_with_any_number_of_threads() -> None:
    code = (
        "import hashlib, numpy as np\nfrom repro.lab.textures import batch\n"
        "from repro.lab.textures.settings import SMALL\n"
        "images = np.random.default_rng(0).integers(0, 256, (6, 3, 20, 20), dtype=np.uint8)\n"
        "made = batch.textures(images, list('abcdef'), pixels=24, side=9, seed=1, recipe=SMALL, threads={threads})\n"
        "print(hashlib.sha256(made.tobytes()).hexdigest())"
    )
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    found = {
        subprocess.run(
            [sys.executable, "-c", code.format(threads=threads)], env=environment, capture_output=True, check=True
        ).stdout.strip()
        for threads in (1, 4)
    }
    images = np.random.default_rng(0).integers(0, 256, (6, 3, 20, 20), dtype=np.uint8)
    here = batch.textures(images, list("abcdef"), pixels=24, side=9, seed=1, recipe=SMALL, threads=3)
    assert found == {hashlib.sha256(here.tobytes()).hexdigest().encode()}


def test_the_compiled_code_does_what_the_same_code_does_in_python() -> None:
    code = (
        "import hashlib, numpy as np\nfrom repro.lab.textures.settings import SMALL\n"
        "from repro.lab.textures.synthesis import texture\n"
        "given = list(np.random.default_rng(0).integers(0, 256, (2, 12, 12, 3), dtype=np.uint8))\n"
        "print(hashlib.sha256(texture(given, pixels=16, seed=1, recipe=SMALL).tobytes()).hexdigest())"
    )
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True, text=True)
    given = list(np.random.default_rng(0).integers(0, 256, (2, 12, 12, 3), dtype=np.uint8))
    made = texture(given, pixels=16, seed=1, recipe=SMALL)
    assert done.stdout.strip() == hashlib.sha256(made.tobytes()).hexdigest()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"passes": (1,)}, "neighbours, guesses and passes have one entry a stage, so equally many and one at least; "
                           "found 3, 3 and 1"),
        ({"neighbours": (0, 1, 1)}, "neighbours = (0, 1, 1) is out of its range"),
        ({"guesses": (-1, 1, 1)}, "guesses = (-1, 1, 1) is out of its range"),
        ({"passes": (0, 1, 1)}, "passes = (0, 1, 1) is out of its range"),
        ({"share": 1.0}, "share = 1.0 is out of its range"),
        ({"blur": -1.0}, "blur = -1.0 is out of its range"),
        ({"outside": -1.0}, "outside = -1.0 is out of its range"),
        ({"evenness": -1.0}, "evenness = -1.0 is out of its range"),
        ({"cell": 0}, "cell = 0 is out of its range"),
    ],
)  # fmt: skip
def test_a_recipe_without_meaning_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(JobFailed) as raised:
        texture([_noise(0, 4, 4)], pixels=8, seed=0, recipe=replace(SMALL, **change))
    assert str(raised.value) == f"textures: {message}"


def test_a_blur_is_the_sum_over_a_bell() -> None:
    image, sigma = _noise(0, 9, 7), 1.3
    reach = int(np.ceil(2.5 * sigma))
    bell = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    bell /= bell.sum()
    padded = np.pad(image.astype(float), ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    wanted = np.zeros(image.shape)
    for y, x, c in np.ndindex(*image.shape):
        wanted[y, x, c] = (padded[y : y + 2 * reach + 1, x : x + 2 * reach + 1, c] * np.outer(bell, bell)).sum()
    assert np.abs(growth.blurred(image, _taps(sigma)) - wanted).max() <= 0.6
    assert (growth.blurred(image, _taps(0.0)) == image).all()


def test_offsets_are_those_within_reach_nearest_first() -> None:
    offsets = spiral(5)
    far = [y * y + x * x for y, x in offsets.tolist()]
    assert far == sorted(far)
    every = {(y, x) for y in range(-9, 10) for x in range(-9, 10) if 0 < y * y + x * x <= 25}
    assert {(y, x) for y, x in offsets.tolist()} == every


# ------------------------------------------------------------------------------------------------- many textures


def test_a_texture_depends_on_its_own_image_and_name_alone() -> None:
    images, names = _noise(0, 5, 16, 16).transpose(0, 3, 1, 2), list("abcde")
    whole = batch.textures(images, names, pixels=20, side=7, seed=2, recipe=SMALL, threads=2)
    assert (whole.shape, whole.dtype) == ((5, 3, 20, 20), np.uint8)
    turned = batch.textures(images[::-1], names[::-1], pixels=20, side=7, seed=2, recipe=SMALL, threads=1)
    assert (turned[::-1] == whole).all()
    alone = batch.textures(images[3:4], ["d"], pixels=20, side=7, seed=2, recipe=SMALL, threads=1)
    assert (alone[0] == whole[3]).all()
    for name, seed in (("x", 2), ("d", 3)):
        other = batch.textures(images[3:4], [name], pixels=20, side=7, seed=seed, recipe=SMALL, threads=1)
        assert (other[0] != whole[3]).any()


@pytest.mark.parametrize(
    ("names", "side", "message"),
    [
        (["a"], 4, "textures: expected a name for each of 2 images, found 1"),
        (["a", "b"], 9, "textures: patches of 9 x 9 pixels do not fit images of 8 x 10"),
        (["a", "b"], 0, "textures: patches of 0 x 0 pixels do not fit images of 8 x 10"),
    ],
)
def test_names_and_sizes_have_to_fit(names: list[str], side: int, message: str) -> None:
    images = np.zeros((2, 3, 8, 10), np.uint8)
    with pytest.raises(JobFailed) as raised:
        batch.textures(images, names, pixels=8, side=side, seed=0, recipe=SMALL, threads=1)
    assert str(raised.value) == message


# ------------------------------------------------------------------------------------------------- patches


def test_one_patch_is_the_middle_and_the_other_goes_everywhere() -> None:
    found = [places(100, 104, side=96, seed=seed) for seed in range(400)]
    assert {middle for middle, _ in found} == {(2, 4)}
    assert {other for _, other in found} == {(top, left) for top in range(5) for left in range(9)}


def test_patches_are_cut_where_they_lie() -> None:
    image = _noise(0, 50, 60)
    middle, other = two(image, side=48, seed=7)
    (_, _), (top, left) = places(50, 60, side=48, seed=7)
    assert (middle == image[1:49, 6:54]).all()
    assert (other == image[top : top + 48, left : left + 48]).all()


# ------------------------------------------------------------------------------------------------- quality


def _distances(examples: list[Picture], seed: int) -> dict[str, tuple[float, float]]:
    shown = {
        "ours": texture(examples, pixels=224, seed=seed, recipe=IMAGENET),
        "phase": statistics.phase_randomised(examples[0], pixels=224, seed=seed),
        "tiles": statistics.tiled(examples, tile=16, pixels=224, seed=seed),
    }
    return {
        name: (statistics.histogram_distance(examples, made), statistics.gram_distance(examples, made))
        for name, made in shown.items()
    }


def _closest(sources: list[list[Picture]]) -> None:
    found = [_distances(examples, seed) for seed, examples in enumerate(sources)]
    for which in (0, 1):
        mean = {name: np.mean([each[name][which] for each in found]) for name in found[0]}
        assert mean["ours"] < min(mean["phase"], mean["tiles"]), (which, mean)


def test_local_statistics_of_drawn_patterns_are_kept_better_than_by_baselines() -> None:
    names = ("tiger", "giraffe", "bricks")
    bank = tiles({name: PATTERNS[name] for name in names}, seed=0)[:, 0]
    ramp = np.array([(30, 10, 5), (240, 200, 90)], float)
    sources = []
    for tile in bank:
        image = np.rint(ramp[0] + tile[..., None] / 255 * (ramp[1] - ramp[0])).astype(np.uint8)
        sources.append(two(image, side=96, seed=1))
    _closest(sources)


def test_local_statistics_of_pictures_are_kept_better_than_by_baselines(shared: Path) -> None:
    if not (shared / "data" / "cue_conflict_64.tar").is_file():
        pytest.skip("cue_conflict_64.tar is absent")
    with tarfile.open(shared / "data" / "cue_conflict_64.tar") as archive:
        members = sorted((each for each in archive.getmembers() if each.isfile()), key=lambda each: each.name)[::16]
        opened = [Image.open(archive.extractfile(each)).convert("RGB") for each in members]  # type: ignore[arg-type]
    _closest([two(np.asarray(each), side=96, seed=i) for i, each in enumerate(opened)])
