"""From what a person typed to a plan: data sets and weights found where they are, the rest of the line checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.errors import DataMissing, UsageError

if TYPE_CHECKING:
    from repro.plan.outline import Options, Plan, Weights
    from repro.spec.load import Specs
    from repro.spec.model import Checkpoint, Profile
    from repro.store import Store


@dataclass(frozen=True)
class Typed:
    """The options of a verb that plans, as they were typed."""

    profile: str
    results: Path
    rows: str
    columns: str
    seeds: str
    limit: int | None
    device: str | None
    data: Sequence[str]
    source: str
    weights: Path | None
    named: str | None


def planned(table: str, asked: Typed) -> tuple[Specs, Plan, Store]:
    """The plan of a table, and the store its results are looked for in."""
    from repro.plan import code, expand
    from repro.spec import load
    from repro.store import Store

    specs, means, store = load.specs(), load.profile(asked.profile), Store(asked.results)
    store.check()
    code.recall(store.sources)
    options = _options(specs, means, asked)
    return specs, expand.expand(specs.tables, specs.table(table), means, options), store


def _options(specs: Specs, means: Profile, asked: Typed) -> Options:
    from repro.plan import expand, outline, typed
    from repro.spec import locations

    here = locations.load(means.data)
    named = typed.folders(asked.data, list(means.data), profile=means.id)
    published = specs.checkpoints if asked.source == "download" else None
    checkpoints = {one.name: one for one in published.checkpoints} if published else {}
    return outline.Options(
        seeds=typed.seeds(asked.seeds) or means.seeds,
        rows=typed.names("--rows", asked.rows),
        columns=typed.names("--columns", asked.columns),
        limit=asked.limit,
        device=expand.device(asked.device or means.device),
        data={**{name: folder for name, folder in here.data.items() if name in means.data}, **named},
        source="download" if asked.source == "download" else "train",
        checkpoints=checkpoints,
        unpublished=published.missing if published else {},
        weights=held(checkpoints.values(), here.weights),
        own=_own(asked),
    )


def held(checkpoints: Iterable[Checkpoint], folder: Path) -> dict[str, Weights]:
    """The weight files that are on this machine, by name."""
    from repro.plan.outline import Weights

    found = {}
    for one in checkpoints:
        from repro.fetch import weights

        file = weights.held(one, folder)
        if file is not None:
            found[one.name] = Weights(file.path, file.sha256)
    return found


def _own(asked: Typed) -> tuple[str, Weights] | None:
    """The user's own network: the id of its row, and its file."""
    from repro.files import file_digest
    from repro.plan.outline import Weights
    from repro.spec.model import Id

    if asked.weights is None and asked.named is None:
        return None
    if asked.weights is None or asked.named is None:
        lacking = "--as NAME, the id of its row" if asked.named is None else "--weights FILE, its network"
        raise UsageError(f"a network of your own needs both: {lacking} is missing")
    if not _is_id(asked.named, Id):
        raise UsageError(f'--as: expected small letters, digits, "." and "-", found "{asked.named}"')
    if not asked.weights.is_file():
        found = "a folder" if asked.weights.is_dir() else "nothing"
        raise DataMissing(f"--weights {asked.weights}: expected a file of weights, found {found}")
    return asked.named, Weights(asked.weights.absolute(), file_digest(asked.weights))


def _is_id(name: str, kind: Any) -> bool:
    from pydantic import TypeAdapter, ValidationError

    try:
        TypeAdapter(kind).validate_python(name)
    except ValidationError:
        return False
    return True


def settle(plan: Plan, store: Store) -> None:
    """Tell the sets that are listed already where their owner's folders are now."""
    from repro.lab import data

    for job in plan.jobs.values():
        if job.kind == "data" and "place" in job.spec and store.has(job.id):
            data.move(store.folder(job.id), Path(job.spec["place"]))


def absent(specs: Specs, plan: Plan) -> Mapping[str, Checkpoint]:
    """The published weights that the plan's rows would use and that are not on this machine, by name."""
    from repro.plan.sets import absent as lacking
    from repro.spec import recipes

    if plan.options.source != "download" or plan.profile.judges != "cells":
        return {}
    wanted = {}
    for row in plan.rows:
        labelled = recipes.resolve(specs.tables, plan.table, row)["data"]["labelled"].value
        if lacking(str(labelled), plan.profile, plan.options):
            continue
        names = row.checkpoints or (specs.row(row.same_as)[1].checkpoints if row.same_as else [])
        wanted.update({name: plan.options.checkpoints[name] for name in names if name in plan.options.checkpoints})
    return {name: one for name, one in wanted.items() if name not in plan.options.weights}
