"""The corruptions at 224-pixel strengths beside the `imagecorruptions` package, which ports the published code.

Its strengths are those of ImageNet-C at every size, so sides near 224 are compared. Left out: elastic_transform, for
which it has strengths of its own, and the crops of zoom_blur, which it does not centre.
"""

from __future__ import annotations

import sys
import types
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from repro.lab.corruptions import SEVERITIES, corrupt, weather
from repro.lab.corruptions.resampling import streak
from tests.lab.corruptions.test_corruptions import pictures

SIDE = 128


@pytest.fixture(scope="module")
def oracle() -> Iterator[ModuleType]:
    """The package's module, with what newer numpy, scikit-image and setuptools took away put back for it."""
    patch = pytest.MonkeyPatch()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if "pkg_resources" not in sys.modules:
                stand_in: Any = types.ModuleType("pkg_resources")
                stand_in.resource_filename = lambda package, name: str(
                    Path(sys.modules[package].__file__ or "").parent / name
                )
                patch.setitem(sys.modules, "pkg_resources", stand_in)
            module = pytest.importorskip("imagecorruptions.corruptions", reason="imagecorruptions is not installed")
            patch.setattr(np, "float_", np.float64, raising=False)
            blurred = module.gaussian
            patch.setattr(
                module,
                "gaussian",
                lambda image, sigma, multichannel=False, **rest: blurred(
                    image, sigma, channel_axis=-1 if multichannel else None, **rest
                ),
            )
            yield module
    finally:
        patch.undo()


def theirs(oracle: ModuleType, images: NDArray[np.uint8], name: str, severity: int) -> NDArray[np.uint8]:
    """Their result for a batch (N, 3, H, W); they draw from numpy's global numbers."""
    np.random.seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = [
            np.uint8(getattr(oracle, name)(Image.fromarray(image.transpose(1, 2, 0)), severity)) for image in images
        ]
    return np.stack(made).transpose(0, 3, 1, 2)


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("name", ["defocus_blur", "brightness", "contrast", "jpeg_compression", "pixelate"])
def test_what_is_not_random_is_equal(oracle: ModuleType, name: str, severity: int) -> None:
    images = pictures(2, SIDE)
    ours = corrupt(images, name, severity, generator=np.random.default_rng(0)).astype(int)
    difference = np.abs(ours - theirs(oracle, images, name, severity))
    assert difference.max() <= 1


@pytest.mark.parametrize(
    ("name", "severities"),
    [
        ("gaussian_noise", SEVERITIES),
        ("shot_noise", SEVERITIES),
        ("impulse_noise", SEVERITIES),
        ("glass_blur", (1, 2, 5)),
        ("motion_blur", (1, 3, 5)),
        ("zoom_blur", SEVERITIES),
        ("snow", SEVERITIES),
        ("fog", SEVERITIES),
    ],
)
def test_what_is_random_moves_images_as_far(oracle: ModuleType, name: str, severities: tuple[int, ...]) -> None:
    """Root mean square change and mean level agree; how closely depends on how much chance is in one image."""
    few = name in ("glass_blur", "zoom_blur")  # slow the one, not random the other
    images = np.concatenate([pictures(4, SIDE)] * (1 if few else 6))
    for severity in severities:
        ours = corrupt(images, name, severity, generator=np.random.default_rng(1)).astype(float)
        other = theirs(oracle, images, name, severity).astype(float)
        far = [np.sqrt(((each - images) ** 2).mean()) for each in (ours, other)]
        assert abs(far[0] / far[1] - 1) < 0.12, (severity, far)
        assert abs(ours.mean() - other.mean()) < 6, severity


@pytest.mark.parametrize("angle", [-45.0, -17.0, 0.0, 30.0, 45.0, -90.0, -120.0])
def test_a_streak_is_theirs(oracle: ModuleType, angle: float) -> None:
    image = pictures(1, 64)[0].astype(np.float32)
    expected = oracle._motion_blur(image.transpose(1, 2, 0), radius=15, sigma=8, angle=angle).transpose(2, 0, 1)
    found = streak(image[None], radius=15, sigma=8, angles=np.array([angle]))[0]
    inner = (
        (slice(None), slice(32, -32), slice(32, -32)) if abs(angle) > 90 else (slice(None), slice(31, 33), slice(0, 33))
    )
    np.testing.assert_allclose(found[inner], expected[inner], atol=0.05)


@pytest.mark.parametrize("decay", [1.4, 2.0, 3.0])
def test_clouds_are_as_rough_as_theirs(oracle: ModuleType, decay: float) -> None:
    np.random.seed(0)
    theirs = np.stack([oracle.plasma_fractal(32, decay) for _ in range(1500)])
    ours = weather.plasma(1500, 32, decay=decay, generator=np.random.default_rng(0))
    for measure in (lambda each: each.mean(), lambda each: each.std(), lambda each: np.abs(np.diff(each)).mean()):
        assert abs(measure(ours) / measure(theirs) - 1) < 0.06


def test_frost_is_as_light_as_theirs(oracle: ModuleType) -> None:
    """Their pictures are photographs: only how much light frost adds, over many pieces, can be compared."""
    black = np.zeros((60, 3, SIDE, SIDE), np.uint8)
    ours = corrupt(black, "frost", 3, generator=np.random.default_rng(0)).astype(float)
    other = theirs(oracle, black, "frost", 3).astype(float)
    assert abs(ours.mean() / other.mean() - 1) < 0.2
