"""Views and negatives as a training sees them, of some of its images: a few to be shown, and the colours of all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from repro.errors import JobFailed
from repro.lab import data, processes, samples
from repro.lab import input as input_
from repro.lab.images import reading
from repro.lab.jobs import Context, Outcome, Stopped
from repro.lab.recipes import build, member
from repro.lab.seeds import generator

_GROUP = 256  # images at a time; what is drawn for each follows from its group, so it is part of the result
_VIEWS = 2


def run(spec: Mapping[str, Any], *, seed: int, inputs: Mapping[str, Path], folder: Path, context: Context) -> Outcome:
    """Look at `spec["recipe"]["samples"]` of the images of `inputs["data"]`, at most `spec["limit"]` of them.

    `inputs["textures"]` holds their textures, where the negatives ask for them. `colour-distance` is that of all
    negatives to all queries.
    """
    recipe = build(samples.Recipe, spec["recipe"]["samples"])
    images = data.read(inputs["data"])
    textures = data.read(inputs["textures"]) if "textures" in inputs else None
    if textures is not None and not np.array_equal(images.names, textures.names):
        raise JobFailed("negatives.images: the textures are not those of these images; make them again from these")
    groups = _drawn(len(images), recipe, seed=seed, limit=spec["limit"])
    seen = {kind: np.zeros(recipe.levels**3, np.int64) for kind in ("query", "negative")}
    kept: dict[str, NDArray[np.uint8]] = {}
    done, total = 0, sum(map(len, groups))
    with closing(_opened(spec, images, textures, groups, seed=seed, context=context)) as source:
        for step, places in enumerate(groups):
            if context.stopping():
                raise Stopped(f"stopped after {done} of {total} images")
            shown = dict(_shown(source, step))
            for kind, counts in seen.items():
                counts += samples.histogram(shown[kind], levels=recipe.levels)
            if not kept:
                some = images[places[: recipe.shown]]
                kept = {"input": _plain(some), **{kind: part[: recipe.shown] for kind, part in shown.items()}}
            done += len(places)
            context.progress(done, total, "images")
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / samples.FILE, places=np.concatenate(groups), **kept)
    found = samples.distance(seen["query"], seen["negative"])
    return Outcome({"colour-distance": found, "images": total}, [samples.FILE])


def _drawn(count: int, recipe: samples.Recipe, *, seed: int, limit: int | None) -> list[NDArray[np.int64]]:
    """Places of the images, in random order and in groups."""
    wanted = min(recipe.images or count, count, limit or count)
    order = torch.randperm(count, generator=generator(seed, "samples order"))[:wanted].numpy()
    return np.array_split(order, -(-wanted // _GROUP))


def _opened(
    spec: Mapping[str, Any],
    images: data.Images,
    textures: data.Images | None,
    groups: list[NDArray[np.int64]],
    *,
    seed: int,
    context: Context,
) -> input_.Input:
    """The path of training, for these images."""
    parts = spec["recipe"]
    views, negatives = (member(group, parts[group]["name"]) for group in ("views", "negatives"))
    want = input_.Want(
        recipe=build(input_.Recipe, parts["input"]),
        views=views,
        shown=build(views.Recipe, parts["views"]),
        negatives=negatives,
        added=build(negatives.Recipe, parts["negatives"]),
        count=_VIEWS,
        pixels=spec["pixels"],
        seed=seed,
        device=context.device,
        share=processes.ALONE,
    )
    return input_.Input(
        want=want,
        images=images.images,
        textures=None if textures is None else textures.images,
        labels=torch.from_numpy(images.labels),
        places=lambda step: torch.from_numpy(groups[step]),
        steps=len(groups),
        loaders=context.loaders,
    )


def _shown(source: input_.Input, step: int) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """A group's queries, positives and first negatives, as pictures again."""
    batch, shown = source.batch(step), source.want.shown
    if not batch.negatives:
        raise JobFailed("negatives: this row makes none, so there is nothing to set beside its queries")
    for kind, part in zip(samples.KINDS[1:], (*batch.views, batch.negatives[0].images), strict=True):
        yield kind, _pictures(part, shown.mean, shown.std)


def _pictures(normalised: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> NDArray[np.uint8]:
    """uint8 (N, 3, H, W) of what a network is given."""
    centre, scale = (torch.tensor(part, device=normalised.device).view(3, 1, 1) for part in (mean, std))
    whole = ((normalised.float() * scale + centre) * 255).round_().clamp_(0, 255)
    return whole.to(torch.uint8).cpu().numpy()


def _plain(images: data.Images) -> NDArray[np.uint8]:
    chunks = reading.chunks(images, size=max(1, len(images)), loaders=0, stopping=lambda: False)
    return np.concatenate([chunk.numpy() for _, chunk in chunks])
