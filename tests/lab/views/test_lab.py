"""Lab against published values and a slow loop over the formulas of the CIE; the views against torchvision's crop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision.transforms.functional as reference
from torch import Tensor, nn

from repro.lab import encoder, probing
from repro.lab.jobs import Context, probe
from repro.lab.probes import lbfgs
from repro.lab.processes import ALONE, Share
from repro.lab.views import lab

RECIPE = lab.Recipe(
    crop_scale=(0.2, 1.0),
    crop_ratio=(3 / 4, 4 / 3),
    flip_probability=0.5,
    mean=(50.0, 6.025, -6.6895),
    std=(50.0, 92.208, 101.1675),
)


def images(count: int, pixels: int) -> Tensor:
    random = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (count, 3, pixels, pixels), generator=random, dtype=torch.uint8)


def cie(rgb: tuple[float, float, float]) -> list[float]:
    """IEC 61966-2-1, then CIE 15:2004 equations 8.3 to 8.11, white D65; numbers of the two documents."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
    rows = [(0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041)]
    xyz = [sum(w * c for w, c in zip(row, linear, strict=True)) for row in rows]
    fs = []
    for part, white in zip(xyz, (0.95047, 1.0, 1.08883), strict=True):
        ratio = part / white
        fs.append(ratio ** (1 / 3) if ratio > (24 / 116) ** 3 else 841 / 108 * ratio + 16 / 116)
    return [116 * fs[1] - 16, 500 * (fs[0] - fs[1]), 200 * (fs[1] - fs[2])]


@pytest.mark.parametrize(
    ("rgb", "expected"),
    [
        ((1, 1, 1), (100.0, 0.0, 0.0)),
        ((0, 0, 0), (0.0, 0.0, 0.0)),
        ((1, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 1, 0), (87.73, -86.18, 83.18)),
        ((0, 0, 1), (32.30, 79.19, -107.86)),
        ((1, 1, 0), (97.14, -21.55, 94.48)),
        ((1, 0, 1), (60.32, 98.23, -60.82)),
        ((0, 1, 1), (91.11, -48.09, -14.13)),
    ],
)
def test_published_values(rgb: tuple[int, int, int], expected: tuple[float, float, float]) -> None:
    found = lab.from_rgb(torch.tensor(rgb).float().view(1, 3, 1, 1)).flatten().tolist()
    assert found == pytest.approx(expected, abs=0.011)  # they are printed with two digits


def test_conversion_is_that_of_the_cie() -> None:
    colours = torch.cat([torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(0)), torch.zeros(1, 3, 4, 4)])
    colours[1] /= 20  # dark: both lines
    found = lab.from_rgb(colours).permute(0, 2, 3, 1).reshape(-1, 3).tolist()
    for colour, own in zip(colours.permute(0, 2, 3, 1).reshape(-1, 3).tolist(), found, strict=True):
        assert own == pytest.approx(cie(tuple(colour)), abs=0.02)


def test_views_are_crop_and_flip_then_lab() -> None:
    batch = images(12, 20)
    done = lab.draw(12, (20, 20), recipe=RECIPE, generator=torch.Generator().manual_seed(3))
    (view,) = lab.make(batch, RECIPE, count=1, pixels=16, generator=torch.Generator().manual_seed(3), share=ALONE)
    assert 0 < int(done.flipped.sum()) < 12
    for i, image in enumerate(batch):
        box = [int(part[i]) for part in (done.boxes.top, done.boxes.left, done.boxes.height, done.boxes.width)]
        cropped = reference.resized_crop(image.float() / 255, *box, [16, 16], antialias=True)
        cropped = reference.hflip(cropped) if done.flipped[i] else cropped
        for row, column in ((0, 0), (3, 11), (15, 8)):
            expected = cie(tuple(cropped[:, row, column].tolist()))
            normalised = [(p - m) / s for p, m, s in zip(expected, RECIPE.mean, RECIPE.std, strict=True)]
            assert view[i, :, row, column].tolist() == pytest.approx(normalised, abs=2e-3)


def test_processes_share_the_views_of_one() -> None:
    batch = images(8, 16)
    settings: dict[str, Any] = {"count": 2, "pixels": 16}
    whole = lab.make(batch, RECIPE, generator=torch.Generator().manual_seed(0), share=ALONE, **settings)
    for rank in (0, 1):
        share = Share(rank, 2)
        part = lab.make(share.part(batch), RECIPE, generator=torch.Generator().manual_seed(0), share=share, **settings)
        for own, all_of in zip(part, whole, strict=True):
            torch.testing.assert_close(own, share.part(all_of))


def test_plain_is_the_whole_image_in_lab() -> None:
    batch = images(2, 8)
    expected = lab.normalise(batch.float() / 255, RECIPE)
    torch.testing.assert_close(lab.plain(batch, RECIPE, pixels=8), expected)
    assert lab.plain(batch, RECIPE, pixels=6).shape == (2, 3, 6, 6)
    assert -1.001 <= float(expected.min()) < float(expected.max()) <= 1.001


def test_a_probe_with_augmentation_sees_lab(
    recipe: Any, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the job hands to a probe that crops the images itself ends in Lab, as `plain` does."""
    handed: list[probing.Material] = []

    def fit(material: probing.Material, recipe: Any, *, context: Context) -> probing.Fit:
        handed.append(material)
        return probing.Fit(probing.Classifier(torch.zeros(2, 3), torch.zeros(2)), {})

    monkeypatch.setattr(encoder, "load", lambda *_, **__: nn.Identity())
    monkeypatch.setattr(lbfgs, "fit", fit)
    views = {"name": "lab", "crop_scale": [0.4, 1.0], "crop_ratio": [0.75, 1.3333], "flip_probability": 0.5}
    recipe["views"] = {**views, "mean": list(RECIPE.mean), "std": list(RECIPE.std)}
    recipe["probe"] = {"name": "lbfgs", "weight_decay": 0.0, "iterations": 1, "standardise": True}
    inputs, spec = {"pretrain": tmp_path, "data": folder}, {"recipe": recipe, "pixels": 16}
    probe.run(spec, seed=0, inputs=inputs, folder=tmp_path, context=Context(device="cpu"))
    batch = images(3, 16)
    expected = lab.plain(batch, RECIPE, pixels=16)
    torch.testing.assert_close(handed[0].normalise(batch.float() / 255), expected)
    torch.testing.assert_close(handed[0].plain(batch), expected)
