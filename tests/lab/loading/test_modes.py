"""The two input modes draw from the same distributions and make nearly the same pixels; numbers by fixed seeds."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision.transforms.functional as functional
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy import stats
from torch import Generator, Tensor

from repro.lab import data
from repro.lab.jobs import Context, pretrain
from repro.lab.loading import augment, crops, official
from repro.lab.loading.pack import pack
from repro.lab.negatives import patch
from repro.lab.processes import ALONE
from repro.lab.seeds import derive
from repro.lab.views import lab, moco_v2
from tests.lab.negatives.test_patch import side
from tests.lab.views.test_moco_v2 import RECIPE

LIKELY = 1e-3  # a smaller p is taken as a fault; the seeds are fixed, so a test that passes once always does
COUNT = 3000
SIZE = (48, 90)
JITTERS = ("adjust_brightness", "adjust_contrast", "adjust_saturation", "adjust_hue")


def drawn_officially(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What torchvision draws for each of COUNT images, seen at the functions that it calls with it."""
    seen: list[dict[str, Any]] = []

    def note(name: str) -> Callable[..., Any]:
        def called(image: Any, *values: Any, **_: Any) -> Any:
            seen[-1][name] = values
            return image

        return called

    for name in ("resized_crop", *JITTERS, "rgb_to_grayscale", "hflip"):
        monkeypatch.setattr(functional, name, note(name))
    monkeypatch.setattr(official.Blur, "__call__", _noted_blur(seen))
    steps, picture = moco_v2.official(RECIPE, pixels=32), Image.new("RGB", (SIZE[1], SIZE[0]))
    for row in range(COUNT):
        seen.append({})
        official.view(picture, steps, seed=derive(0, f"views, view 0 of image {row % 100}", step=row // 100))
    return seen


def _noted_blur(seen: list[dict[str, Any]]) -> Callable[..., Any]:
    real = official.Blur.__call__

    def called(self: official.Blur, image: Image.Image) -> Image.Image:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(
                ImageFilter, "GaussianBlur", lambda radius: seen[-1].update(blur=radius) or ImageFilter.BLUR
            )
            return real(self, image)

    return called


def drawn_by_batches() -> moco_v2.Draw:
    """30 batches of 100."""
    draws = [
        moco_v2.draw(100, SIZE, recipe=RECIPE, generator=Generator().manual_seed(derive(0, "views", step=step)))
        for step in range(COUNT // 100)
    ]
    joined = {name: torch.cat([getattr(done, name) for done in draws]) for name in vars(draws[0]) if name != "boxes"}
    boxes = [torch.cat([getattr(done.boxes, name) for done in draws]) for name in ("top", "left", "height", "width")]
    return moco_v2.Draw(boxes=augment.Boxes(*boxes), **joined)


def alike(one: Any, other: Any) -> bool:
    return float(stats.ks_2samp(np.asarray(one, float), np.asarray(other, float)).pvalue) > LIKELY


def as_often(one: int, other: int) -> bool:
    table = [[one, COUNT - one], [other, COUNT - other]]
    return float(stats.chi2_contingency(table).pvalue) > LIKELY


def test_views_are_drawn_from_the_same_distributions(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs, ours = drawn_officially(monkeypatch), drawn_by_batches()
    boxes = np.array([one["resized_crop"][:4] for one in theirs])
    own = np.stack([part.numpy() for part in vars(ours.boxes).values()], axis=1)
    for column in range(4):
        assert alike(boxes[:, column], own[:, column])
    assert alike(boxes[:, 2] * boxes[:, 3], own[:, 2] * own[:, 3])
    assert alike(boxes[:, 3] / boxes[:, 2], own[:, 3] / own[:, 2])
    jittered = [one for one in theirs if "adjust_hue" in one]
    changed = ours.factors[:, 3] != 0
    assert as_often(len(jittered), int(changed.sum()))
    for kind, name in enumerate(JITTERS):
        assert alike([one[name][0] for one in jittered], ours.factors[changed, kind])
    for name, chosen in (("rgb_to_grayscale", ours.grayscale), ("hflip", ours.flipped), ("blur", ours.blurred)):
        assert as_often(sum(name in one for one in theirs), int(chosen.sum()))
    assert alike([one["blur"] for one in theirs if "blur" in one], ours.sigmas[ours.blurred])


def test_jitters_come_in_the_same_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    """All 24, equally often in both."""
    theirs, ours = drawn_officially(monkeypatch), drawn_by_batches()
    called = [tuple(JITTERS.index(name) for name in one if name in JITTERS) for one in theirs]
    kinds = sorted({tuple(order) for order in ours.order.tolist()})
    assert len(kinds) == 24
    own = [ours.order.tolist().count(list(kind)) for kind in kinds]
    table = [[called.count(kind) for kind in kinds], own]
    assert sum(table[0]) == sum(len(one) == 4 for one in called)
    assert stats.chi2_contingency(table).pvalue > LIKELY
    assert stats.chisquare(own).pvalue > LIKELY


@pytest.mark.parametrize("last_offset", [True, False])
def test_patches_are_drawn_from_the_same_distributions(last_offset: bool) -> None:
    sizes, pixels, count = (3, 6), 12, 1500
    recipe = patch.Recipe(2.0, sizes, 1, "query", overlap=True, last_offset=last_offset)
    image = np.arange(pixels * pixels, dtype=np.uint8).reshape(1, pixels, pixels).repeat(3, 0)
    query = official.Query(image, lambda: image, lambda: image)
    theirs = [patch.official(query, recipe, random=np.random.default_rng(row))[0] for row in range(count)]
    random, batch = Generator().manual_seed(0), torch.from_numpy(image).expand(count, 3, pixels, pixels)
    sides = patch.draw_sides(batch, sizes=sizes, generator=random)
    tops, lefts = patch.draw_offsets(batch, sides, last=last_offset, generator=random)
    ours = patch.tile(batch, sides, tops=tops, lefts=lefts).numpy()
    counted = [_counted(image[0], [negative[0] for negative in made], sizes) for made in (theirs, ours)]
    for what in range(3):
        table = np.stack([each[what] for each in counted]).reshape(2, -1)
        assert stats.chi2_contingency(table[:, table.sum(0) > 0]).pvalue > LIKELY


def _counted(image: NDArray[np.uint8], negatives: list[Any], sizes: tuple[int, int]) -> list[NDArray[np.int64]]:
    """How often each side occurs, and each top and left of a patch of each side."""
    sides, tops, lefts = np.zeros(7, int), np.zeros((7, 12), int), np.zeros((7, 12), int)
    for negative in negatives:
        d, found = side(image, negative, sizes)
        sides[d] += 1
        for top, left in found:
            tops[d, top] += 1
            lefts[d, left] += 1
    return [sides, tops, lefts]


def test_patches_without_overlap_shuffle_the_grid() -> None:
    recipe = patch.Recipe(2.0, (4, 4), 2, "image", overlap=False, last_offset=True)
    image = np.arange(144, dtype=np.uint8).reshape(1, 12, 12).repeat(3, 0)
    query = official.Query(image[:, ::-1], lambda: image, lambda: image)
    for negative in patch.official(query, recipe, random=np.random.default_rng(0)):
        assert sorted(negative[0].flatten().tolist()) == list(range(144))
        assert side(image[0], negative[0], (4, 4))[0] == 4


# --------------------------------------------------------------------------------------------------------- photographs


@pytest.fixture(scope="module")
def photographs() -> list[Image.Image]:
    """640 photographs of 64 x 64 pixels, 40 of each of 16 classes."""
    path = Path(__file__).resolve().parents[4] / "shared" / "data" / "tiny16.tar"
    if not path.is_file():
        pytest.skip("the photographs beside the checkout are absent")
    with tarfile.open(path) as archive:
        members = sorted(
            (one for one in archive.getmembers() if one.isfile() and "/train/" in f"/{one.name}"), key=_name
        )
        chosen = members[:: max(1, len(members) // 640)][:640]
        return [Image.open(io.BytesIO(archive.extractfile(one).read())).convert("RGB") for one in chosen]  # type: ignore[union-attr]


def _name(member: tarfile.TarInfo) -> str:
    return member.name


def planes(pictures: list[Image.Image]) -> Tensor:
    return torch.from_numpy(np.stack([np.asarray(one).transpose(2, 0, 1) for one in pictures]))


def whole(count: int) -> augment.Boxes:
    zero = torch.zeros(count, dtype=torch.int64)
    return augment.Boxes(zero, zero, zero + 64, zero + 64)


def through(pictures: list[Image.Image], **steps: Any) -> Tensor:
    """Some steps of a view on the processor, (N, 3, 64, 64)."""
    count = len(pictures)
    neutral = {"factors": torch.tensor([1.0, 1.0, 1.0, 0.0]).repeat(count, 1), "pixels": 64, "radius": 6}
    still = torch.zeros(count, dtype=torch.bool)
    return crops.through(pack(planes(pictures)), whole(count), flipped=still, **{**neutral, **steps})


def check(found: Tensor, pictures: list[Image.Image], *, mean: float, most: float) -> None:
    """Against Pillow's bytes: the mean and the 99.9th percentile of the difference, in grey levels of 255."""
    difference = (found * 255 - planes(pictures)).abs().flatten()
    assert float(difference.mean()) < mean
    assert float(difference.kthvalue(int(len(difference) * 0.999)).values) < most


@pytest.mark.parametrize(
    ("kind", "factor", "mean", "most"),
    [
        (0, 0.6, 0.5, 1.0),  # Pillow cuts off fractions
        (0, 1.4, 0.5, 1.0),
        (1, 0.6, 0.5, 1.2),
        (1, 1.4, 0.5, 1.2),
        (2, 0.6, 0.5, 1.2),
        (2, 1.4, 0.5, 1.2),
        (3, -0.1, 0.6, 10.0),  # Pillow's hue is one of 256
        (3, 0.1, 0.6, 10.0),
    ],
)
def test_single_jitters_are_those_of_pillow(
    kind: int, factor: float, mean: float, most: float, photographs: list[Image.Image]
) -> None:
    some = photographs[::8]
    factors = torch.tensor([1.0, 1.0, 1.0, 0.0]).repeat(len(some), 1)
    factors[:, kind] = factor
    expected = [getattr(functional, JITTERS[kind])(one, factor) for one in some]
    check(through(some, factors=factors), expected, mean=mean, most=most)


def test_grey_is_that_of_pillow(photographs: list[Image.Image]) -> None:
    some = photographs[::8]
    grey = torch.ones(len(some), dtype=torch.bool)
    check(through(some, grey=grey), [functional.rgb_to_grayscale(one, 3) for one in some], mean=0.3, most=0.6)


@pytest.mark.parametrize(
    ("sigma", "mean", "most"), [(0.1, 0.01, 4.0), (0.3, 2.0, 24.0), (1.0, 1.0, 28.0), (2.0, 1.0, 28.0)]
)
def test_blur_is_nearly_that_of_pillow(sigma: float, mean: float, most: float, photographs: list[Image.Image]) -> None:
    """Pillow's is made of boxes, and repeats the border where ours mirrors it."""
    some = photographs[::8]
    expected = [one.filter(ImageFilter.GaussianBlur(sigma)) for one in some]
    check(through(some, sigmas=torch.full((len(some),), sigma)), expected, mean=mean, most=most)


@pytest.mark.parametrize(("box", "pixels"), [((3, 5, 50, 40), 64), ((3, 5, 50, 40), 24), ((0, 0, 20, 30), 64)])
def test_crop_is_that_of_pillow(box: tuple[int, ...], pixels: int, photographs: list[Image.Image]) -> None:
    some = photographs[::8]
    boxes = augment.Boxes(*(torch.full((len(some),), part) for part in box))
    for flipped in (False, True):
        chosen = torch.full((len(some),), flipped)
        expected = [functional.resized_crop(one, *box, [pixels, pixels]) for one in some]
        expected = [functional.hflip(one) for one in expected] if flipped else expected
        found = crops.cut(pack(planes(some)), boxes, flipped=chosen, pixels=pixels)
        check(found, expected, mean=0.4, most=1.1)


def moments(views: Tensor) -> NDArray[np.float64]:
    """Of each image and channel mean, standard deviation and mean step from pixel to pixel, in grey levels, (N, 9)."""
    steps = (views[..., 1:] - views[..., :-1]).abs()
    parts = [views.mean((2, 3)), views.std((2, 3)), steps.mean((2, 3))]
    return 255 * torch.cat(parts, dim=1).double().numpy()


def test_views_of_photographs_have_the_same_moments(photographs: list[Image.Image]) -> None:
    """The means over 1,920 views differ by less than 4 standard errors, which are below 1.5, 0.7 and 0.2 levels."""
    bare = moco_v2.Recipe(**{**vars(RECIPE), "mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)})
    steps, images = moco_v2.official(bare, pixels=64), pack(planes(photographs))
    theirs, ours = [], []
    for turn in range(3):
        seen = [official.view(one, steps, seed=derive(turn, f"row {row}")) for row, one in enumerate(photographs)]
        theirs.append(moments(torch.from_numpy(np.stack(seen)).float() / 255))
        random = Generator().manual_seed(turn)
        (views,) = moco_v2.make(images, bare, count=1, pixels=64, generator=random, share=ALONE)
        ours.append(moments(views))
    one, other = np.concatenate(theirs), np.concatenate(ours)
    errors = np.sqrt((one.var(0) + other.var(0)) / len(one))
    assert (errors < np.repeat([1.5, 0.7, 0.2], 3)).all()
    assert (np.abs(one.mean(0) - other.mean(0)) < 4 * errors).all()


def test_views_in_lab_are_a_crop_and_a_flip(photographs: list[Image.Image]) -> None:
    recipe = lab.Recipe((1.0, 1.0), (1.0, 1.0), 1.0, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    shown = official.view(photographs[0], lab.official(recipe, pixels=64), seed=0)
    assert np.array_equal(shown, planes(photographs[:1])[0].flip(2).numpy())


@pytest.mark.slow
def test_a_training_ends_within_the_noise_of_seeds(recipe: Any, photographs: list[Image.Image], tmp_path: Path) -> None:
    """The loss of the last steps on 640 photographs, three seeds of each mode."""
    labels = np.zeros(len(photographs), dtype=np.int64)
    data.write(data.Images(planes(photographs).numpy(), labels, ("one",)), tmp_path / "data")
    recipe["views"]["blur_sigma"] = [0.1, 1.0]
    recipe["negatives"]["sizes"] = [3, 10]
    recipe["training"] |= {"batch": 64, "epochs": 30}
    recipe["method"] |= {"queue": 256, "shuffle_groups": 1}
    losses: dict[str, list[float]] = {"reference": [], "batched": []}
    for mode, found in losses.items():
        recipe["input"]["mode"] = mode
        for seed in range(3):
            folder, spec = tmp_path / f"{mode}-{seed}", {"recipe": recipe, "pixels": 32}
            folder.mkdir()
            inputs, how = {"data": tmp_path / "data"}, Context(device="cpu")
            found.append(pretrain.run(spec, seed=seed, inputs=inputs, folder=folder, context=how).values["loss"])
    assert stats.ttest_ind(*losses.values()).pvalue > 0.01, losses
    assert abs(np.mean(losses["reference"]) / np.mean(losses["batched"]) - 1) < 0.03, losses
