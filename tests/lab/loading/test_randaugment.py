"""Each operation against torchvision's or PIL's, image by image."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torchvision.transforms.functional as reference
from PIL import Image, ImageEnhance, ImageOps
from torch import Tensor
from torchvision.transforms import InterpolationMode

from repro.lab.loading import randaugment
from repro.lab.loading.randaugment import NAMES, Layer
from repro.lab.processes import Share

FILL = (0.5, 0.4, 0.3)
LEVELS = (10.0, 9.3, 7.1, 3.0)


def pictures(count: int = 4, pixels: int = 16) -> Tensor:
    """Bytes, as floats: smooth in one image, rough in another, of few values in a third."""
    random = torch.Generator().manual_seed(0)
    batch = torch.randint(0, 256, (count, 3, pixels, pixels), generator=random)
    batch[0] = torch.arange(pixels).view(1, -1, 1) * 7 + torch.arange(pixels) * 5 + torch.arange(3).view(3, 1, 1) * 20
    batch[1] = batch[1] // 64 * 50 + 20
    return batch.float() / 255


def done(name: str, images: Tensor, levels: list[float], signs: list[float], fill: tuple[float, ...] = FILL) -> Tensor:
    kinds = torch.full((len(images),), NAMES.index(name))
    return randaugment.augmented(images, (Layer(kinds, torch.tensor(levels), torch.tensor(signs)),), fill=fill)


def affine(
    image: Tensor, *, degrees: float = 0, shift: tuple[float, float] = (0, 0), shear: tuple[float, float]
) -> Tensor:
    return reference.affine(
        image,
        angle=degrees,
        translate=[*shift],
        scale=1.0,
        shear=[math.degrees(math.atan(part)) for part in shear],
        center=[0, 0],
        interpolation=InterpolationMode.BILINEAR,
    )


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_geometry_is_torchvisions(sign: float) -> None:
    batch = pictures()
    share = [sign * level / 10 for level in LEVELS]
    oracles = {
        "rotate": [
            reference.rotate(image, 30 * s, InterpolationMode.BILINEAR) for image, s in zip(batch, share, strict=True)
        ],
        "shear_x": [affine(image, shear=(0.3 * s, 0)) for image, s in zip(batch, share, strict=True)],
        "shear_y": [affine(image, shear=(0, 0.3 * s)) for image, s in zip(batch, share, strict=True)],
        "translate_x": [
            affine(image, shift=(-0.45 * 16 * s, 0), shear=(0, 0)) for image, s in zip(batch, share, strict=True)
        ],
        "translate_y": [
            affine(image, shift=(0, -0.45 * 16 * s), shear=(0, 0)) for image, s in zip(batch, share, strict=True)
        ],
    }
    for name, expected in oracles.items():
        found = done(name, batch, list(LEVELS), [sign] * 4, (0.0, 0.0, 0.0))
        torch.testing.assert_close(
            found, torch.stack(expected), rtol=0, atol=1e-4, msg=lambda text, n=name: f"{n}: {text}"
        )


def test_what_comes_into_view_has_the_colour_given() -> None:
    """A white image: as much of the colour as torchvision's black takes of the white."""
    white, colour = torch.ones(1, 3, 16, 16), torch.tensor(FILL).view(3, 1, 1)
    for name in NAMES[:5]:
        left = done(name, white, [10.0], [1.0], (0.0, 0.0, 0.0))
        assert float(left.min()) < 0.01 < 0.99 < float(left.max())
        torch.testing.assert_close(done(name, white, [10.0], [1.0]), left + (1 - left) * colour)


def test_geometry_moves_as_pil_does() -> None:
    """Where nothing comes into view, PIL's transform with the matrices of the published code, to its bytes."""
    image = pictures()[:1]
    picture = Image.fromarray((image[0] * 255).byte().permute(1, 2, 0).numpy())
    matrices = {
        "shear_x": (1, 0.3, 0, 0, 1, 0),
        "shear_y": (1, 0, 0, 0.3, 1, 0),
        "translate_x": (1, 0, 0.45 * 16, 0, 1, 0),
        "translate_y": (1, 0, 0, 0, 1, 0.45 * 16),
    }
    for name, matrix in matrices.items():
        moved = picture.transform((16, 16), Image.Transform.AFFINE, matrix, resample=Image.Resampling.BILINEAR)
        expected = torch.from_numpy(np.array(moved)).permute(2, 0, 1) / 255
        found = done(name, image, [10.0], [1.0])[0]
        torch.testing.assert_close(found[:, 1:8, 1:8], expected[:, 1:8, 1:8], rtol=0, atol=1.01 / 255)
    turned = torch.from_numpy(np.array(picture.rotate(30, resample=Image.Resampling.BILINEAR))).permute(2, 0, 1) / 255
    found = done("rotate", image, [10.0], [1.0])[0]
    torch.testing.assert_close(found[:, 5:11, 5:11], turned[:, 5:11, 5:11], rtol=0, atol=1.5 / 255)


def test_colours_are_torchvisions() -> None:
    batch = pictures()
    values = (batch * 255).byte()
    factors = [0.1 + 1.8 * level / 10 for level in LEVELS]
    oracles = {
        "auto_contrast": reference.autocontrast(batch),
        "equalize": reference.equalize(values).float() / 255,
        "invert": reference.invert(batch),
        "saturation": torch.stack([reference.adjust_saturation(*pair) for pair in zip(batch, factors, strict=True)]),
        "contrast": torch.stack([reference.adjust_contrast(*pair) for pair in zip(batch, factors, strict=True)]),
        "brightness": torch.stack([reference.adjust_brightness(*pair) for pair in zip(batch, factors, strict=True)]),
        "sharpness": torch.stack([reference.adjust_sharpness(*pair) for pair in zip(batch, factors, strict=True)]),
        "posterize": torch.stack(
            [reference.posterize(v, int(level / 10 * 4)) for v, level in zip(values, LEVELS, strict=True)]
        ).float()
        / 255,
        "solarize": torch.stack(
            [
                reference.solarize(v, int(level / 10 * 256)) if level < 10 else v
                for v, level in zip(values, LEVELS, strict=True)
            ]
        ).float()
        / 255,
    }
    for name, expected in oracles.items():
        found = done(name, batch, list(LEVELS), [1.0] * 4)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-5, msg=lambda text, n=name: f"{n}: {text}")


def test_colours_are_pils() -> None:
    """The published code runs on PIL; byte for byte where it counts in bytes, one byte off where it blends."""
    batch = pictures()
    for i, level in enumerate(LEVELS):
        picture = Image.fromarray((batch[i] * 255).byte().permute(1, 2, 0).numpy())
        add, thresh, bits = int(level / 10 * 110), int(level / 10 * 256), int(level / 10 * 4)
        table = [min(255, value + add) if value < 128 else value for value in range(256)]
        factor = 0.1 + 1.8 * level / 10
        exact = {
            "equalize": ImageOps.equalize(picture),
            "invert": ImageOps.invert(picture),
            "posterize": ImageOps.posterize(picture, bits),
            "solarize": ImageOps.solarize(picture, thresh),
            "solarize_add": picture.point(table * 3),
        }
        near = {
            "auto_contrast": ImageOps.autocontrast(picture),
            "saturation": ImageEnhance.Color(picture).enhance(factor),
            "contrast": ImageEnhance.Contrast(picture).enhance(factor),
            "brightness": ImageEnhance.Brightness(picture).enhance(factor),
            "sharpness": ImageEnhance.Sharpness(picture).enhance(factor),
        }
        assert set(exact) | set(near) == set(NAMES[5:])
        for name, expected in {**exact, **near}.items():
            found = done(name, batch[i : i + 1], [level], [1.0])[0] * 255
            distance = (found - torch.from_numpy(np.array(expected)).permute(2, 0, 1)).abs().max()
            assert float(distance) <= (0.01 if name in exact else 2.0), name


def test_one_value_is_left_alone() -> None:
    flat = torch.full((1, 3, 8, 8), 0.4)
    for name in ("auto_contrast", "equalize"):
        torch.testing.assert_close(done(name, flat, [10.0], [1.0]), flat, rtol=0, atol=1e-6)


def test_each_image_has_its_own_operation_and_the_given_images_stay() -> None:
    batch = pictures(len(NAMES) + 1, 8)
    before = batch.clone()
    levels, signs = torch.linspace(5, 10, len(batch)), torch.tensor([1.0, -1.0]).repeat(len(batch))[: len(batch)]
    kinds = torch.arange(-1, len(NAMES))
    together = randaugment.augmented(batch, (Layer(kinds, levels, signs),), fill=FILL)
    assert torch.equal(batch, before)
    assert torch.equal(together[0], batch[0])  # -1: none
    for i in range(1, len(batch)):
        alone = done(NAMES[i - 1], batch[i : i + 1], [float(levels[i])], [float(signs[i])])[0]
        torch.testing.assert_close(together[i], alone, rtol=0, atol=1e-6)


def test_layers_come_one_after_the_other() -> None:
    batch = pictures(2)
    first, second = (
        Layer(torch.tensor([NAMES.index(a), NAMES.index(b)]), torch.tensor([9.0, 8.0]), torch.tensor([1.0, -1.0]))
        for a, b in (("invert", "rotate"), ("shear_x", "brightness"))
    )
    both = randaugment.augmented(batch, (first, second), fill=FILL)
    once = randaugment.augmented(batch, (first,), fill=FILL)
    torch.testing.assert_close(both, randaugment.augmented(once, (second,), fill=FILL))


def test_draws_are_as_the_recipe_says() -> None:
    random = torch.Generator().manual_seed(0)
    layers = randaugment.draw(15000, layers=2, level=9, spread=0.5, probability=0.5, generator=random)
    assert len(layers) == 2
    for layer in layers:
        counts = torch.bincount(layer.kinds + 1, minlength=16)
        assert float(counts[0]) / 15000 == pytest.approx(0.5, abs=0.02)
        assert all(abs(int(count) - 500) < 100 for count in counts[1:])
        assert float(layer.levels.mean()) == pytest.approx(9.0, abs=0.05)
        assert float(layer.levels.std()) == pytest.approx(0.5, abs=0.05)
        assert float(layer.levels.max()) == 10.0  # two deviations off: some are clipped
        assert float(layer.signs.mean()) == pytest.approx(0, abs=0.03)
        assert set(layer.signs.tolist()) == {-1.0, 1.0}
    assert not torch.equal(layers[0].kinds, layers[1].kinds)
    part = Share(1, 2).part(layers)
    assert torch.equal(part[1].kinds, layers[1].kinds[7500:])


def test_the_list_is_that_of_the_source() -> None:
    assert len(NAMES) == len(set(NAMES)) == 15
