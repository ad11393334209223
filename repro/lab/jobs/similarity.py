"""Cosines between a network's view of an image, its positive, its non-semantic negatives and other images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from repro.errors import JobFailed
from repro.lab import data, encoder, evaluation, input, partners, processes, similarity, snapshot
from repro.lab.batch import Batch, Queries
from repro.lab.images import reading
from repro.lab.jobs import Context, Outcome, Stopped
from repro.lab.negatives import patch
from repro.lab.recipes import build, member
from repro.lab.seeds import derive, generator

PREDICTIONS = "predictions.npz"
_FORWARD = 256  # images in a forward pass; in evaluation mode it changes the result by rounding alone
Embed = Callable[[Tensor], Tensor]  # n x 3 x H x W, normalised, to n x D on the CPU


@dataclass(frozen=True)
class Work:
    """What is compared, and how it is shown."""

    images: data.Images
    textures: data.Pictures | None  # each in the place of its image
    groups: list[NDArray[np.int64]]
    recipe: similarity.Recipe
    views: Any  # the module of the views, and
    shown: Any  # their recipe
    path: input.Recipe
    pixels: int


def run(
    spec: Mapping[str, Any], *, seed: int | None, inputs: Mapping[str, Path], folder: Path, context: Context
) -> Outcome:
    """Compare as `spec["recipe"]["similarity"]` says, on at most `spec["limit"]` images of `inputs["data"]`.

    `inputs["textures"]` holds the textures of the same images; without it there is nothing said of textures. The
    cosines of each query go to `predictions.npz` with the places of the images, the same for the same work.
    """
    embed = _network(spec["recipe"], inputs["pretrain"], context=context)
    work = _prepare(spec, inputs)
    total, done, found = sum(map(len, work.groups)), 0, []
    with closing(_opened(work, context=context)) as source:
        for step, places in enumerate(work.groups):
            if context.stopping():
                raise Stopped(f"stopped after {done} of {total} images")
            with _own_names():
                found.append(_compared(work, source.batch(step), step=step, embed=embed))
            done += len(places)
            context.progress(done, total, "images")
    whole = similarity.joined(found)
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / PREDICTIONS, places=np.concatenate(work.groups), **similarity.arrays(whole))
    return Outcome(values=similarity.summary(whole), files=[PREDICTIONS])


def _network(groups: Mapping[str, Any], folder: Path, *, context: Context) -> Embed:
    """The encoder and its projection head, frozen and in evaluation mode.

    A file of others without a head is refused: `encoder.load` puts random weights in its place.
    """
    network = encoder.load(folder, groups["net"], device=context.device)
    absent = snapshot.load(folder / encoder.FILE)[1].get("without", ())
    if absent:
        raise JobFailed(
            "similarities are measured after the projection head, and the file of weights has none (without "
            f"{', '.join(absent)}); take a file of the whole pretrained network"
        )
    precision = build(evaluation.Recipe, groups["evaluation"]).precision
    return lambda batch: _embedded(network, batch, precision=precision, device=context.device)


def _embedded(network: nn.Module, images: Tensor, *, precision: str, device: str) -> Tensor:
    kind = torch.device(device).type
    with torch.inference_mode(), torch.autocast(kind, torch.bfloat16, enabled=precision == "bf16"):
        return torch.cat([network(part.to(device)).float().cpu() for part in images.split(_FORWARD)])


def _prepare(spec: Mapping[str, Any], inputs: Mapping[str, Path]) -> Work:
    groups = spec["recipe"]
    views, recipe = member("views", groups["views"]["name"]), build(similarity.Recipe, groups["similarity"])
    images = data.read(inputs["data"])
    drawn = similarity.draw(len(images), recipe, limit=spec["limit"])
    textures = data.read(inputs["textures"]) if "textures" in inputs else None
    return Work(
        images=images,
        textures=None if textures is None else _aligned(images, textures, np.concatenate(drawn), named=recipe.images),
        groups=drawn,
        recipe=recipe,
        views=views,
        shown=build(views.Recipe, groups["views"]),
        path=build(input.Recipe, groups["input"]),
        pixels=spec["pixels"],
    )


def _aligned(images: data.Images, textures: data.Images, places: NDArray[np.int64], *, named: str) -> data.Pictures:
    """The textures in the places of their images, found by name; those of `places` must all be there."""
    if images.names is None or textures.names is None:
        raise JobFailed("similarity.images: these images have no names, so their textures cannot be told apart")
    if np.array_equal(images.names, textures.names):
        return textures.images
    order = np.argsort(textures.names, kind="stable")
    known, wanted = textures.names[order], images.names[places]
    at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    absent = np.flatnonzero(known[at] != wanted)
    if len(absent):
        raise JobFailed(
            f"similarity.images: {len(absent)} of {len(wanted)} images have no texture among the {len(known)} of "
            f"{named}, such as {wanted[absent[0]]}; make the textures again from these images"
        )
    partner = np.zeros(len(images), dtype=np.int64)  # of an image that is not drawn nobody asks for the texture
    partner[places] = order[at]
    return textures.images[partner]


def _opened(work: Work, *, context: Context) -> input.Input:
    """The views and negatives of each group, on the path of training; where the query is the image, its positive."""
    is_view = work.recipe.query == "view"
    wanted = partners.Recipe(
        alpha=1.0,
        patch=_patches(work.recipe) if is_view else None,
        is_textured=is_view and work.textures is not None,
    )
    want = input.Want(
        recipe=work.path,
        views=work.views,
        shown=work.shown,
        negatives=partners,
        added=wanted,
        count=2 if is_view else 1,
        pixels=work.pixels,
        seed=derive(work.recipe.seed, "similarity"),
        device=context.device,
        share=processes.ALONE,
    )
    return input.Input(
        want=want,
        images=work.images.images,
        textures=work.textures if is_view else None,
        labels=torch.from_numpy(work.images.labels),
        places=lambda step: torch.from_numpy(work.groups[step]),
        steps=len(work.groups),
        loaders=context.loaders,
    )


@contextmanager
def _own_names() -> Iterator[None]:
    """Tell what is wrong with the patches by the names that the settings have here."""
    try:
        yield
    except JobFailed as fault:
        if str(fault).startswith("negatives."):
            raise JobFailed(str(fault).replace("negatives.", "similarity.")) from None
        raise


def _patches(recipe: similarity.Recipe) -> patch.Recipe:
    """One negative, cut from the query."""
    places = {"overlap": recipe.overlap, "last_offset": recipe.last_offset}
    return patch.Recipe(alpha=1.0, sizes=recipe.sizes, count=1, source="query", **places)


def _compared(work: Work, batch: Batch, *, step: int, embed: Embed) -> similarity.Cosines:
    """The cosines of a group."""
    negatives = [embed(negative.images) for negative in batch.negatives]
    if work.recipe.query == "view":
        query, positive = (embed(view) for view in batch.views)
    else:
        query, positive = _plain(work, work.images.images, step), embed(batch.views[0])
        queries = Queries(query, plain=lambda: query, textures=lambda: query, share=processes.ALONE)
        random = generator(work.recipe.seed, "similarity patches", step=step)
        negatives = [embed(patch.make(queries, _patches(work.recipe), generator=random)[0].images)]
        negatives += [] if work.textures is None else [embed(_plain(work, work.textures, step))]
        query = embed(query)
    texture = negatives[1] if work.textures is not None else None
    return similarity.compare(query, positive, patch=negatives[0], texture=texture)


def _plain(work: Work, pictures: data.Pictures, step: int) -> Tensor:
    """A group without augmentation, as it would be evaluated."""
    places = work.groups[step]
    some = data.Images(pictures[places], np.zeros(len(places), dtype=np.int64), ("",))
    ((_, chunk),) = reading.chunks(some, size=len(places), loaders=0, stopping=lambda: False)
    return work.views.plain(chunk, work.shown, pixels=work.pixels)
