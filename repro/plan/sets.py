"""The data sets of a plan: what stands for each of the paper's, whether it is here, and the job that makes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from repro.errors import DataMissing
from repro.plan import code, folders
from repro.plan.jobs import Job
from repro.plan.outline import Options, Plan
from repro.spec import recipes
from repro.spec.profile import Profile


def absent(dataset: str, profile: Profile, options: Options) -> str | None:
    """Why nothing stands for a data set here, or None.

    It may be that nobody named its folder, or that part of it is not there, such as a class; cells that need no such
    set can be had all the same. A folder that was named and is none at all is a mistake, not this: `data` tells it.
    """
    if dataset not in profile.datasets:
        return profile.missing.get(dataset, f'nothing stands for {dataset} in the profile "{profile.id}"')
    spec = recipes.dataset(profile, dataset)
    if "of" in spec:
        return absent(str(spec["of"]), profile, options)
    for key, value in spec.items():
        if not isinstance(value, str) or not value.startswith("$"):
            continue
        if value[1:] not in options.data:
            return f"needs {profile.data[value[1:]]}: {_named(value[1:])}"
        if key == "place" and options.data[value[1:]].is_dir():
            return _lacking(options.data[value[1:]], json.dumps(spec, sort_keys=True))
    return None


@cache  # every cell of a column asks, and a tree that lacks something is walked to its end each time
def _lacking(folder: Path, recipe: str) -> str | None:
    """What a data set's folder lacks or does not let us read, as a sentence, or None; `recipe` is its, as JSON."""
    try:
        folders.contents(folder, json.loads(recipe))
    except DataMissing as error:
        return str(error)
    return None


def data(plan: Plan, dataset: str) -> Job:
    """The job that makes what stands for a data set, once for the whole plan."""
    if dataset not in plan.sets:
        plan.sets[dataset] = _job(plan, dataset)
    return plan.sets[dataset]


def resolved(profile: Profile, dataset: str, named: Mapping[str, Path]) -> dict[str, Any]:
    """The recipe of what stands for a data set, with the user's own folders in place of their names.

    Raises `DataMissing` where a folder was not named or is not there.
    """
    spec = recipes.dataset(profile, dataset)
    for key, value in spec.items():
        if isinstance(value, str) and value.startswith("$"):
            if value[1:] not in named:
                raise DataMissing(f"{dataset} needs {profile.data[value[1:]]}: {_named(value[1:])}")
            folder = named[value[1:]]
            found = folders.contents(folder, spec) if key == "place" else folders.fingerprint(folder)
            spec = {**spec, key: str(folder.resolve()), "fingerprint": found}
    return spec


def _named(name: str) -> str:
    return f"name its folder with --data {name}=DIR, or in repro.toml"


def _job(plan: Plan, dataset: str) -> Job:
    spec = resolved(plan.profile, dataset, plan.options.data)
    images = plan.profile.sizes.get(dataset)
    if images is None:
        images = 0 if "of" in spec else _size(spec)
    entries = ("repro.lab.jobs.data", f"repro.lab.datasets.{spec['name']}")
    inputs = {}
    if "of" in spec:
        whole = data(plan, str(spec["of"]))
        inputs, images = {"of": whole.id}, whole.images
    # the same images whatever learns from them, so neither threads nor device are the plan's
    return plan.add(Job("data", spec, None, inputs, code.version(entries), 1, "cpu", f"data {dataset}", images))


def _size(spec: Mapping[str, Any]) -> int:
    """Images in a set, as far as its recipe and the user's folder tell; corrupted sets hold each image 75 times."""
    if "place" in spec:
        return 0  # the profile says how many there are
    count, split = int(spec.get("count", 0)), str(spec.get("split", ""))
    own = folders.images(Path(spec["root"]) / split, each=count) if "root" in spec else count
    return own * (75 if "corrupted" in (split, spec["name"].rpartition("_")[2]) else 1)
