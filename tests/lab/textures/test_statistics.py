"""The two distances and the two baselines."""

from __future__ import annotations

import numpy as np

from repro.lab.textures import statistics


def _picture(seed: int, side: int = 40) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


def test_a_picture_is_at_no_distance_from_itself() -> None:
    picture = _picture(0)
    assert statistics.histogram_distance([picture], picture) == 0
    assert statistics.gram_distance([picture], picture) == 0


def test_distances_grow_with_the_difference() -> None:
    smooth = np.kron(_picture(0, 10), np.ones((4, 4, 1), np.uint8))
    little, much = (np.where(np.random.default_rng(1).random((40, 40, 1)) < p, _picture(2), smooth) for p in (0.1, 0.9))
    for distance in (statistics.histogram_distance, statistics.gram_distance):
        assert 0 < distance([smooth], little) < distance([smooth], much)


def test_grey_pictures_differ_in_the_histogram_by_their_distance() -> None:
    dark, light = np.full((20, 20, 3), 51, np.uint8), np.full((20, 20, 3), 102, np.uint8)
    sums = np.abs(statistics.directions().sum(axis=0)).mean()
    assert np.isclose(statistics.histogram_distance([dark], light), 0.2 * sums)
    assert np.allclose(statistics.gabors().sum(axis=0), 0)


def test_the_phase_baseline_has_the_mean_and_the_spectrum_of_the_patch() -> None:
    patch = (100 + _picture(0, 32) // 5).astype(np.uint8)
    made = statistics.phase_randomised(patch, pixels=64, seed=1)
    mirrored = np.concatenate([patch, patch[:, ::-1]], axis=1)
    mirrored = np.concatenate([mirrored, mirrored[::-1]], axis=0)
    assert np.allclose(made.mean(axis=(0, 1)), patch.mean(axis=(0, 1)), atol=0.1)
    ours, theirs = (np.abs(np.fft.fft2(each[..., 0])) for each in (made, mirrored))
    assert np.corrcoef(ours.ravel()[1:], theirs.ravel()[1:])[0, 1] > 0.99
    assert statistics.phase_randomised(patch, pixels=50, seed=1).shape == (50, 50, 3)


def test_the_tiled_baseline_is_made_of_squares_of_the_patches() -> None:
    patches = [_picture(0, 9), _picture(1, 12)]
    made = statistics.tiled(patches, tile=4, pixels=10, seed=0)
    squares = {
        patch[top : top + 4, left : left + 4].tobytes()
        for patch in patches
        for top in range(len(patch) - 3)
        for left in range(len(patch) - 3)
    }
    assert made.shape == (10, 10, 3)
    assert all(made[y : y + 4, x : x + 4].tobytes() in squares for y in (0, 4) for x in (0, 4))
