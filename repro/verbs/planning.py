"""From what a person typed to a plan: data sets and weights found where they are, the rest of the line checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.errors import DataMissing, UsageError

if TYPE_CHECKING:
    from repro.plan.outline import Options, Plan, Weights
    from repro.spec.checkpoint import Checkpoint
    from repro.spec.load import Specs
    from repro.spec.profile import Profile
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
    classifier: Path | None
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
    from repro.spec import load, locations

    here = locations.load(means.data)
    named = typed.folders(asked.data, list(means.data), profile=means.id)
    published = load.checkpoints(specs.tables, here.weights) if asked.source == "download" else None
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
        weights=held(checkpoints, here.weights),
        own=_own(asked),
    )


def held(checkpoints: Mapping[str, Checkpoint], folder: Path) -> dict[str, Weights]:
    """The weight files that are on this machine, by name; an encoder counts where its classifier is here too."""
    from repro.plan.outline import Weights

    if not checkpoints:
        return {}
    from repro.fetch import weights

    files = {name: file for name, one in checkpoints.items() if (file := weights.held(one, folder)) is not None}
    found = {name: Weights(file.path, file.sha256) for name, file in files.items()}
    for name, one in checkpoints.items():
        if name in found and one.classifier is not None:
            if one.classifier in files:
                found[name] = replace(found[name], classifier=found[one.classifier])
            else:
                del found[name]
    return found


def _own(asked: Typed) -> tuple[str, Weights] | None:
    """The user's own network: the id of its row, and its file."""
    from repro.spec.model import Id

    if asked.classifier is not None and asked.weights is None:
        raise UsageError("--classifier goes with a network of your own: --weights FILE, its encoder, is missing")
    if asked.weights is None and asked.named is None:
        return None
    if asked.weights is None or asked.named is None:
        lacking = "--as NAME, the id of its row" if asked.named is None else "--weights FILE, its network"
        raise UsageError(f"a network of your own needs both: {lacking} is missing")
    if not _is_id(asked.named, Id):
        raise UsageError(f'--as: expected small letters, digits, "." and "-", found "{asked.named}"')
    classifier = _file("--classifier", asked.classifier) if asked.classifier is not None else None
    return asked.named, replace(_file("--weights", asked.weights), classifier=classifier)


def _file(option: str, path: Path) -> Weights:
    from repro.files import file_digest
    from repro.plan.outline import Weights

    if not path.is_file():
        found = "a folder" if path.is_dir() else "nothing"
        raise DataMissing(f"{option} {path}: expected a file of weights, found {found}")
    return Weights(path.absolute(), file_digest(path))


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
            try:
                data.move(store.folder(job.id), Path(job.spec["place"]))
            except (OSError, RecursionError) as fault:
                told = f"{store.folder(job.id) / data.PLACE}: cannot be read ({fault}); delete it"
                raise DataMissing(f"{told}, and the set is listed again") from fault


def absent(specs: Specs, plan: Plan) -> Mapping[str, Checkpoint]:
    """The weight files that the plan's cells would use and that are not on this machine, by name.

    Those of a cell that lacks something else as well, such as its images, are not among them.
    """
    from repro.plan import expand
    from repro.plan.outline import Weights
    from repro.spec import lists

    known = plan.options.checkpoints
    if plan.options.source != "download" or known.keys() <= plan.options.weights.keys():
        return {}
    all_here = {name: Weights(Path(), "") for name in known}
    options = replace(plan.options, weights=all_here, own=None, counting=True)
    wanted: dict[str, Checkpoint] = {}
    for row in dict.fromkeys(row for row, _ in expand.expand(specs.tables, plan.table, plan.profile, options).cells):
        files = lists.of_row(specs.tables, f"{plan.table.id}/{row}", known)
        wanted.update({one.name: one for one in files if lists.run(one) - 1 in plan.options.seeds})
    both = lists.with_classifiers(wanted.values(), known)
    return {one.name: one for one in both if one.name not in plan.options.weights}
