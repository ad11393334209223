"""How images reach the network: decoded and augmented one by one as the official code does, or by whole batches.

Source: torchvision's transforms on PIL images, in the order of facebookresearch/moco@78b69ca main_moco.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from repro.lab import data
from repro.lab.batch import Batch, Negative, Queries
from repro.lab.loading import sources
from repro.lab.loading.feed import Feed
from repro.lab.loading.pack import Pack
from repro.lab.loading.sources import Errand, Load
from repro.lab.processes import Share
from repro.lab.seeds import generator


@dataclass(frozen=True)
class Recipe:
    """The two draw from the same distributions; the numbers drawn and the last bits differ."""

    mode: Literal["reference", "batched"]


@dataclass(frozen=True)
class Want:
    """What a training needs of each image, and in what way it is made."""

    recipe: Recipe
    views: ModuleType  # a member of views
    shown: Any  # its recipe
    negatives: ModuleType  # a member of negatives
    added: Any  # its recipe
    count: int  # views
    pixels: int
    seed: int
    device: str
    share: Share


@dataclass
class Input:
    """The batches of a training, each from its step's number alone."""

    want: Want
    images: data.Pictures
    textures: data.Pictures | None  # of the same images, where the negatives ask for them
    labels: Tensor  # int64 (N,)
    places: Callable[[int], Tensor]  # which images a step has, over all processes
    steps: int
    loaders: int
    _feed: Feed | None = None

    def batch(self, step: int) -> Batch:
        """This process's images of a step: views of them, and negatives."""
        if self._feed is None:
            self._feed = self._opened()
        load, places = self._feed.at(step), self.want.share.part(self.places(step))
        views, negatives = _batched(self.want, load, step) if load.images is not None else _official(self.want, load)
        device = self.want.device
        return Batch(views, negatives, places.to(device), self.labels[places].to(device), step)

    def close(self) -> None:
        """End the loading processes, if there are any."""
        if self._feed is not None:
            self._feed.close()

    def _opened(self) -> Feed:
        want = self.want
        make = sources.whole if want.recipe.mode == "batched" else _maker(want)
        return opened(self._errand, make, self.images, steps=self.steps, loaders=self.loaders, device=want.device)

    def _errand(self, step: int) -> Errand:
        whole = self.places(step)
        rows = self.want.share.rows(len(whole))
        own = whole[rows]
        textures = None if self.textures is None else sources.some(self.textures, own)
        return Errand(step, rows.start, sources.some(self.images, own), textures)


def opened(
    errand: Callable[[int], Errand],
    make: Callable[[Errand], Load],
    images: data.Pictures,
    *,
    steps: int,
    loaders: int,
    device: str,
) -> Feed:
    """The feed of some images; those in memory that only have to be handed over need no process for that."""
    at_hand = make is sources.whole and isinstance(images, np.ndarray)
    return Feed(errand, make, steps=steps, loaders=0 if at_hand else loaders, device=device)


def _maker(want: Want) -> Callable[[Errand], Load]:
    from repro.lab.loading import official  # torchvision takes a second to import, and only this needs it

    return official.Maker(
        steps=want.views.official(want.shown, pixels=want.pixels),
        count=want.count,
        pixels=want.pixels,
        seed=want.seed,
        purpose="views",
        negatives=want.negatives.official,
        recipe=want.added,
    )


def _official(want: Want, load: Load) -> tuple[tuple[Tensor, ...], tuple[Negative, ...]]:
    """Bytes that are views and negatives already, normalised where the network is."""

    def normalised(part: Tensor) -> Tensor:
        return want.views.normalise(floats(part, want.device), want.shown)

    views = tuple(normalised(part) for part in load.views)
    return views, tuple(Negative(normalised(part), want.added.alpha) for part in load.negatives)


def floats(images: Tensor, device: torch.device | str) -> Tensor:
    """uint8 images as float32 in [0, 1], on the device."""
    return images.to(device, non_blocking=True).float().div_(255)


def _batched(want: Want, load: Load, step: int) -> tuple[tuple[Tensor, ...], tuple[Negative, ...]]:
    """Views and negatives of whole images."""

    def views(of: tuple[Tensor, Tensor] | None, count: int) -> tuple[Tensor, ...]:
        images = Pack(*sources.needed(of)).to(want.device)
        random, size = generator(want.seed, "views", step=step), {"pixels": want.pixels, "share": want.share}
        return want.views.make(images, want.shown, count=count, generator=random, **size)

    shown = views(load.images, want.count)
    queries = Queries(
        views=shown[0],
        plain=lambda: want.views.plain(Pack(*load.images).to(want.device), want.shown, pixels=want.pixels),
        textures=lambda: views(load.textures, 1)[0],
        share=want.share,
    )
    random = generator(want.seed, "negatives", step=step)
    return shown, tuple(want.negatives.make(queries, want.added, generator=random))
