"""How alike a network finds a query and its positive, its non-semantic negatives, and the views of other images.

A query and its positive are two views of one image. Its patch-based negative is cut from the query view, its
texture-based one is the image's texture through the query's very augmentation. Its standard negatives are the positives
of the other images of its group: the images are drawn in random order and met in groups of nearly equal size.

Source: paper, section 2.4 and Figures 2 and 3: the histogram of z_q z_x over the training set, and its mean.
Differs: nothing says by which encoder, in which mode of batch normalisation, with how many negatives or how augmented.
Here both sides pass the query encoder (the released file of MoCo-v2 has no other), in evaluation mode, and are compared
after the projection head: a mean of about 0 over standard negatives does not fit features that passed a ReLU.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from repro.errors import JobFailed
from repro.lab import cosines
from repro.lab.seeds import generator

FINE, COARSE = 2000, 100
"""Bins between -1 and 1: of the stored counts of all standard negatives, and of the histograms that are shown."""
KINDS = ("positive", "standard", "texture", "patch")


@dataclass(frozen=True)
class Recipe:
    """Which pairs are compared; none of it is stated by the paper."""

    pairs: int  # images drawn without repetition, each a query; 0: all
    images: str  # the paper's name of the set of textures, one for each image
    group: int  # images whose views meet: each has the positives of all others as its standard negatives
    query: Literal["view", "image"]  # augmented, or the image as it is; the positive is augmented either way
    sizes: tuple[int, int]  # of the patches, pixels: smallest and largest, both included
    overlap: bool  # as in negatives.patch
    last_offset: bool  # as in negatives.patch
    seed: int  # of the images drawn, their views and patches


@dataclass(frozen=True)
class Cosines:
    """Of n queries, all on the CPU: one cosine with each partner, and of the many with standard negatives a summary."""

    positive: NDArray[np.float32]  # (n,)
    patch: NDArray[np.float32]
    texture: NDArray[np.float32] | None
    standard: NDArray[np.float32]  # (n,), the mean over a query's standard negatives
    standard_squares: NDArray[np.float32]  # (n,), the mean of their squares
    others: NDArray[np.int32]  # (n,), how many they are
    counts: NDArray[np.int64]  # (FINE,), of all of them


def draw(count: int, recipe: Recipe, *, limit: int | None) -> list[NDArray[np.int64]]:
    """The groups: places in a set of `count` images, in random order; `limit` leaves the first ones of that order.

    Raises `JobFailed` where there are too few images.
    """
    if recipe.pairs > count:
        raise JobFailed(f"similarity.pairs: {recipe.pairs} images asked of a set of {count}; lower it, or 0 for all")
    wanted = min(recipe.pairs or count, count if limit is None else limit)
    if wanted < 2 or recipe.group < 2:
        found = f"{wanted} images in groups of {recipe.group}"
        raise JobFailed(f"similarity: a standard negative needs two images that meet, found {found}")
    order = torch.randperm(count, generator=generator(recipe.seed, "similarity order"))[:wanted].numpy()
    return np.array_split(order, min(-(-wanted // recipe.group), wanted // 2))


def compare(query: Tensor, positive: Tensor, *, patch: Tensor, texture: Tensor | None) -> Cosines:
    """The cosines of a group, from embeddings (n, D) of any length; the standard negatives are `positive` of others.

    Raises `JobFailed` where an embedding is no number or has no direction.
    """
    left, right = unit(query), unit(positive)
    table = (left @ right.T).clamp_(-1, 1).numpy()
    others = table[~np.eye(len(table), dtype=bool)].reshape(len(table), -1)
    return Cosines(
        positive=_paired(left, right),
        patch=_paired(left, unit(patch)),
        texture=None if texture is None else _paired(left, unit(texture)),
        standard=others.mean(1).astype(np.float32),
        standard_squares=np.square(others).mean(1).astype(np.float32),
        others=np.full(len(table), others.shape[1], dtype=np.int32),
        counts=cosines.counts_of(others, bins=FINE),
    )


def unit(embeddings: Tensor) -> Tensor:
    """(n, D) of any precision to float64 of length 1."""
    wide = embeddings.double()
    lengths = wide.norm(dim=1, keepdim=True)
    if not bool(lengths.isfinite().all()):
        raise JobFailed("the network's embeddings are no numbers on these images, so there is nothing to compare")
    if not bool((lengths > 0).all()):
        raise JobFailed("the network gives an embedding of length 0, which has no angle with another")
    return wide / lengths


def _paired(left: Tensor, right: Tensor) -> NDArray[np.float32]:
    return (left * right).sum(1).clamp_(-1, 1).float().numpy()


def joined(groups: list[Cosines]) -> Cosines:
    """All groups after each other."""
    textures = [group.texture for group in groups if group.texture is not None]
    return Cosines(
        positive=np.concatenate([group.positive for group in groups]),
        patch=np.concatenate([group.patch for group in groups]),
        texture=np.concatenate(textures) if textures else None,
        standard=np.concatenate([group.standard for group in groups]),
        standard_squares=np.concatenate([group.standard_squares for group in groups]),
        others=np.concatenate([group.others for group in groups]),
        counts=np.sum([group.counts for group in groups], axis=0),
    )


def summary(found: Cosines) -> dict[str, Any]:
    """Of each kind its mean under the kind's name, `-sd`, `-q95` (95 % quantile) and `-n`; and the histograms.

    All of it follows from the stored arrays; the quantile of the standard negatives from their counts, to 0.001.
    """
    values: dict[str, Any] = {"queries": len(found.positive)}
    bars = {"standard": found.counts.reshape(COARSE, -1).sum(1)}
    spreads = {"standard": cosines.grouped_spread(found.standard, found.standard_squares, found.others, found.counts)}
    for kind in ("positive", "texture", "patch"):
        each = getattr(found, kind)
        if each is not None:
            spreads[kind] = cosines.spread(each)
            bars[kind] = cosines.counts_of(each, bins=COARSE)
    for kind in (kind for kind in KINDS if kind in spreads):
        one = spreads[kind]
        values |= {kind: one.mean, f"{kind}-sd": one.sd, f"{kind}-q95": one.q95, f"{kind}-n": one.n}
    edges = [round(edge, 6) for edge in np.linspace(-1, 1, COARSE + 1).tolist()]
    values["histograms"] = {"edges": edges, **{kind: bars[kind].tolist() for kind in KINDS if kind in bars}}
    return values


def arrays(found: Cosines) -> Mapping[str, NDArray[Any]]:
    """What is stored: the cosines of each query, and the summary of its standard negatives."""
    held = {
        "positive": found.positive,
        "standard": found.standard,
        "standard_squares": found.standard_squares,
        "standard_n": found.others,
        "standard_counts": found.counts,
        "patch": found.patch,
    }
    return held if found.texture is None else {**held, "texture": found.texture}
