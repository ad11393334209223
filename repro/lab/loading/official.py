"""The official input path: one Pillow image after the other through torchvision's transforms, drawing as they draw.

Source: facebookresearch/moco@78b69ca main_moco.py:225-240 and moco/loader.py, main_lincls.py:195-205;
SongweiGe/Contrastive-Learning-with-Non-Semantic-Negatives@5fbdc4d moco/loader.py DuoImageNetFolder, NonSemanticAug.
Differs: each view of each image has a seed of its own, so that neither the number of processes nor a resume changes
it; bytes are normalised where the network runs, which gives the same numbers; negatives are tiled from bytes too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import ImageFilter
from PIL.Image import Image
from torch import Tensor
from torchvision import transforms

from repro.lab.images import reading
from repro.lab.loading import sources
from repro.lab.loading.sources import Errand, Load
from repro.lab.seeds import derive

Steps = Callable[[Image], Image]


def cropped(*, scale: tuple[float, float], ratio: tuple[float, float], flip_probability: float, pixels: int) -> Steps:
    """A random crop and flip, as the official probe trains with."""
    crop = transforms.RandomResizedCrop(pixels, scale=scale, ratio=ratio)
    return transforms.Compose([crop, transforms.RandomHorizontalFlip(p=flip_probability)])


def coloured(
    *,
    scale: tuple[float, float],
    ratio: tuple[float, float],
    jitter: tuple[float, float, float, float],
    jitter_probability: float,
    grayscale_probability: float,
    blur_sigma: tuple[float, float],
    blur_probability: float,
    flip_probability: float,
    pixels: int,
) -> Steps:
    """The views of MoCo-v2: crop, colour jitter, grayscale, blur and flip."""
    return transforms.Compose(
        [
            transforms.RandomResizedCrop(pixels, scale=scale, ratio=ratio),
            transforms.RandomApply([transforms.ColorJitter(*jitter)], p=jitter_probability),
            transforms.RandomGrayscale(p=grayscale_probability),
            transforms.RandomApply([Blur(blur_sigma)], p=blur_probability),
            transforms.RandomHorizontalFlip(p=flip_probability),
        ]
    )


@dataclass(frozen=True)
class Blur:
    """Pillow's Gaussian blur of a random radius."""

    sigma: tuple[float, float]

    def __call__(self, image: Image) -> Image:
        """The image blurred."""
        radius = float(torch.empty(1).uniform_(*self.sigma))
        return image.filter(ImageFilter.GaussianBlur(radius=radius))


def view(picture: Image, steps: Steps, *, seed: int) -> NDArray[np.uint8]:
    """One view, (3, pixels, pixels); torchvision draws from torch's own generator, which is left as it was."""
    with _seeded(seed):
        shown = steps(picture)
    return np.ascontiguousarray(np.asarray(shown).transpose(2, 0, 1))


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    before = torch.default_generator.get_state()
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        torch.default_generator.set_state(before)


class Query(NamedTuple):
    """One image as its negatives are made from it; bytes, (3, pixels, pixels) each."""

    view: NDArray[np.uint8]  # the first one
    plain: Callable[[], NDArray[np.uint8]]  # without augmentation
    texture: Callable[[], NDArray[np.uint8]]  # its texture, through the very augmentation of the first view


@dataclass(frozen=True)
class Maker:
    """Makes the views and negatives of an errand; in a loading process or in one's own, the same."""

    steps: Steps
    count: int  # views of each image
    pixels: int
    seed: int
    purpose: str  # of the seed, which keeps a probe's draws apart from those of pretraining
    negatives: Callable[..., list[NDArray[np.uint8]]] | None  # `official` of a member of negatives
    recipe: Any  # of the negatives

    def __call__(self, errand: Errand) -> Load:
        """uint8 (N, 3, pixels, pixels) of each view and each negative."""
        views, negatives = [], []
        textures = None if errand.textures is None else sources.pictures(errand.textures)
        for row, picture in enumerate(sources.pictures(errand.images), start=errand.first):
            seeds = [self._seed(errand.step, f"view {number} of image {row}") for number in range(self.count)]
            views.append([view(picture, self.steps, seed=seed) for seed in seeds])
            texture = None if textures is None else next(textures)
            if self.negatives is not None:
                query = self._query(views[-1][0], picture, texture, seeds[0])
                random = np.random.default_rng(self._seed(errand.step, f"negatives of image {row}"))
                negatives.append(self.negatives(query, self.recipe, random=random))
        return Load(views=_stacked(views), negatives=_stacked(negatives), images=None, textures=None)

    def _seed(self, step: int, what: str) -> int:
        return derive(self.seed, f"{self.purpose}, {what}", step=step)

    def _query(self, first: NDArray[np.uint8], picture: Image, texture: Image | None, seed: int) -> Query:
        def of_texture() -> NDArray[np.uint8]:
            return view(sources.needed(texture), self.steps, seed=seed)

        return Query(first, lambda: reading.centred(picture, resize=self.pixels, pixels=self.pixels), of_texture)


def _stacked(each: list[list[NDArray[np.uint8]]]) -> tuple[Tensor, ...]:
    """From a list for each image to a batch for each place in these lists."""
    return tuple(torch.from_numpy(np.stack(batch)) for batch in zip(*each, strict=True))
