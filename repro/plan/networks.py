"""The networks of a plan, trained here or taken from a file, and what is measured of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from repro.plan import code
from repro.plan.jobs import Job, Kind
from repro.plan.outline import Plan, Weights
from repro.plan.passes import passes
from repro.plan.scale import scale
from repro.plan.sets import absent, data
from repro.spec import families, recipes
from repro.spec.model import Column

SHOWN = ("net", "views", "input", "evaluation")  # groups that say how a network looks at images


@dataclass(frozen=True)
class Network:
    """A network that is to be measured: how its encoder comes about, and its classifier."""

    recipe: recipes.Plain
    encoder: Job  # a pretraining, or the weights of others
    probe: Job
    named: str


def trained(plan: Plan, recipe: recipes.Plain, row: str, seed: int) -> Network:
    """A network that is trained from a seed and probed."""
    named, pixels = f"{row}, seed {seed}", recipe["data"]["pixels"]
    train = data(plan, str(recipe["data"]["pretrain"]))
    inputs = {"data": train.id}
    if "images" in recipe["negatives"]:
        inputs["textures"] = data(plan, str(recipe["negatives"]["images"])).id
    groups = ("net", "views", "method", "negatives", "optimizer", "training", "input")
    spec = {"recipe": {group: recipe[group] for group in groups}, "pixels": pixels}
    images = round(train.images * int(recipe["training"]["epochs"]) * passes(recipe))
    pretrain = _job(plan, "pretrain", spec, seed, inputs, f"pretrain {named}", images, recipe)
    return Network(recipe, pretrain, _probe(plan, recipe, pretrain, named, seed), named)


def taken(plan: Plan, recipe: recipes.Plain, weights: Weights, *, named: str, layout: str | None, run: int) -> Network:
    """A network from a file; where it holds a classifier of the right classes, or one comes with it, that is its probe.

    `layout` is what the file is said to be, None where nobody said; `run` is which of a row's files it is, from 0.
    """
    labelled = data(plan, str(recipe["data"]["labelled"]))
    spec = {
        "recipe": {"net": recipe["net"]},
        "queue": recipe.get("method", {}).get("queue"),
        "layout": layout,
        "sha256": weights.sha256,
        "place": str(weights.path.resolve()),
    }
    if weights.classifier is not None:
        second = weights.classifier
        spec |= {"classifier": second.sha256, "place": [spec["place"], str(second.path.resolve())]}
    encoder = _job(plan, "weights", spec, None, {"data": labelled.id}, f"weights of {named}", 0, recipe)
    return Network(recipe, encoder, _probe(plan, recipe, encoder, named, run), named)


def _probe(plan: Plan, recipe: recipes.Plain, encoder: Job, named: str, seed: int) -> Job:
    labelled = data(plan, str(recipe["data"]["labelled"]))
    groups = ("net", "views", "input", "probe")
    spec: dict[str, Any] = {"recipe": {group: recipe[group] for group in groups}, "pixels": recipe["data"]["pixels"]}
    inputs = {"pretrain": encoder.id, "data": labelled.id}
    watched = str(recipe["data"]["held_out"])
    if "selection" in recipe["probe"] and absent(watched, plan.profile, plan.options) is None:  # it looks at epochs
        inputs["held_out"] = data(plan, watched).id
    images = labelled.images * int(recipe["probe"].get("epochs", 1))
    return _job(plan, "probe", spec, seed, inputs, f"probe {named}", images, recipe)


def evaluation(plan: Plan, network: Network, column: Column, *, reference: Job | None) -> Job:
    """What a column measures of a network; `reference` is the evaluation whose errors normalise mCE."""
    images, recipe = data(plan, column.dataset), network.recipe
    spec = {
        "evaluator": column.evaluator,
        "recipe": {group: recipe[group] for group in SHOWN},
        "limit": plan.options.limit,
    }
    if column.metric == "mce":
        spec["reference"] = plan.profile.references["mce"]
    inputs = {"pretrain": network.encoder.id, "probe": network.probe.id, "data": images.id}
    if reference is not None:
        inputs["reference"] = reference.id
    label = f"evaluate {column.id} of {network.named}"
    return _job(plan, "evaluate", spec, None, inputs, label, images.images, recipe)


def similarity(plan: Plan, network: Network, column: Column) -> Job:
    """Cosines between a network's view of an image and its positive, its negatives and other images."""
    images, recipe = data(plan, column.dataset), network.recipe
    settings = _settings(plan, "similarity")
    spec = {
        "recipe": {**{group: recipe[group] for group in SHOWN}, "similarity": settings},
        "pixels": recipe["data"]["pixels"],
        "limit": plan.options.limit,
    }
    inputs = {"pretrain": network.encoder.id, "data": images.id}
    if absent(str(settings["images"]), plan.profile, plan.options) is None:
        inputs["textures"] = data(plan, str(settings["images"])).id
    pairs = int(settings["pairs"]) or images.images
    return _job(plan, "similarity", spec, None, inputs, f"similarities of {network.named}", pairs, recipe)


def samples(plan: Plan, recipe: recipes.Plain, column: Column, *, row: str, seed: int) -> Job:
    """What a training with this recipe is shown, from the images of a column; no network looks at them."""
    images, settings = data(plan, column.dataset), _settings(plan, "samples")
    groups = {group: recipe[group] for group in ("views", "negatives", "input")}
    spec = {
        "recipe": {**groups, "samples": settings},
        "pixels": recipe["data"]["pixels"],
        "limit": plan.options.limit,
    }
    inputs = {"data": images.id}
    if "images" in recipe["negatives"]:
        inputs["textures"] = data(plan, str(recipe["negatives"]["images"])).id
    many = int(settings["images"]) or images.images
    return _job(plan, "samples", spec, seed, inputs, f"samples of {row}, seed {seed}", many, recipe)


def _settings(plan: Plan, group: str) -> dict[str, Any]:
    """What the table says of an evaluator that is a job of its own, on the profile's means."""
    asked = recipes.plain({group: plan.table.recipe[group]})
    return dict(scale(asked, plan.profile)[group])


def _job(
    plan: Plan,
    kind: Kind,
    spec: dict[str, Any],
    seed: int | None,
    inputs: Mapping[str, str],
    label: str,
    images: int,
    recipe: recipes.Plain,
) -> Job:
    entries = [f"repro.lab.jobs.{kind}"]
    entries += [f"repro.lab.evaluators.{spec['evaluator']}"] if kind == "evaluate" else []
    parts: Iterable[str] = spec["recipe"]
    entries += [
        f"repro.lab.{families.folder(group)}.{recipe[group]['name']}" for group in parts if families.has_names(group)
    ]
    threads = plan.profile.threads
    if kind == "pretrain":
        threads = int(spec["recipe"]["training"]["threads"]) or threads
    version = code.version(tuple(entries))
    return plan.add(Job(kind, spec, seed, inputs, version, threads, plan.options.device, label, images))
