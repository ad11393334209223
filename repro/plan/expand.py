"""Table + profile -> jobs, dependencies first, each once; and for each cell its jobs or why there are none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from repro.errors import DataMissing, SpecError, UsageError
from repro.plan import code, folders
from repro.plan.jobs import Job, Kind
from repro.plan.scale import scale
from repro.spec import families, recipes
from repro.spec.model import Column, Profile, Row, Table
from repro.spec.places import listed, nearest

CellKey = tuple[str, str]  # row id, column id


@dataclass(frozen=True)
class Options:
    """What a command line may say about a plan."""

    seeds: Sequence[int]
    rows: Sequence[str] = ()  # none named: all
    columns: Sequence[str] = ()
    limit: int | None = None  # images per evaluation set; what it gives is partial
    device: str = "cpu"
    data: Mapping[str, Path] = field(default_factory=dict)  # what --data names -> folder
    counting: bool = False  # the cells alone are wanted, not the jobs, whose ids take long


@dataclass
class Plan:
    """Jobs in an order that respects their inputs, and how the cells rest on them."""

    table: Table
    profile: Profile
    options: Options
    rows: list[Row]
    columns: list[Column]
    jobs: dict[str, Job] = field(default_factory=dict)
    cells: dict[CellKey, dict[int, str]] = field(default_factory=dict)  # cell -> seed -> id of its evaluation
    blocked: dict[CellKey, str] = field(default_factory=dict)  # cell -> why it cannot be run here
    sets: dict[str, Job] = field(default_factory=dict)  # the paper's data set -> the job that makes what stands for it

    def add(self, job: Job) -> str:
        """Take a job in, once; returns its id."""
        self.jobs.setdefault(job.id, job)
        return job.id


def expand(tables: Mapping[str, Table], table: Table, profile: Profile, options: Options) -> Plan:
    """Lay out everything that the chosen rows, columns and seeds of a table need under a profile."""
    rows = _chosen("row", table.id, options.rows, {row.id: row for row in table.rows})
    columns = _chosen("column", table.id, options.columns, {column.id: column for column in table.columns})
    plan = Plan(table, profile, options, rows, columns)
    for row in rows:
        for column in columns:
            reason = _obstacle(row, column, profile, options)
            if reason:
                plan.blocked[row.id, column.id] = reason
    for seed in options.seeds:
        for row in rows:
            runnable = [column for column in columns if (row.id, column.id) not in plan.blocked]
            if runnable:
                _expand_row(plan, tables, row, runnable, seed)
    return plan


def _chosen(what: str, table: str, names: Sequence[str], known: Mapping[str, Any]) -> list[Any]:
    for name in names:
        if name not in known:
            raise UsageError(f'{table} has no {what} "{name}"; there are {listed(known)}{nearest(name, known)}')
    return [part for name, part in known.items() if not names or name in names]


def _obstacle(row: Row, column: Column, profile: Profile, options: Options) -> str | None:
    """Why a cell cannot be run, or None."""
    if row.not_runnable or column.not_runnable:
        return row.not_runnable or column.not_runnable
    if column.metric == "mce" and "mce" not in profile.references:
        return profile.missing.get("mce", f'the profile "{profile.id}" names no reference network for mCE')
    return _absent(column.dataset, profile, options)


def _absent(dataset: str, profile: Profile, options: Options) -> str | None:
    if dataset not in profile.datasets:
        return profile.missing.get(dataset, f'nothing stands for {dataset} in the profile "{profile.id}"')
    spec = recipes.dataset(profile, dataset)
    if "of" in spec:
        return _absent(str(spec["of"]), profile, options)
    for value in spec.values():
        if isinstance(value, str) and value.startswith("$") and value[1:] not in options.data:
            return f"needs {profile.data[value[1:]]}: name its folder with --data {value[1:]}=DIR"
    return None


def _expand_row(plan: Plan, tables: Mapping[str, Table], row: Row, columns: list[Column], seed: int) -> None:
    recipe = scale(recipes.plain(recipes.resolve(tables, plan.table, row)), plan.profile)
    for needed in (recipe["data"]["pretrain"], recipe["data"]["labelled"], recipe["negatives"].get("images")):
        reason = needed and _absent(str(needed), plan.profile, plan.options)
        if reason:
            plan.blocked.update({(row.id, column.id): reason for column in columns})
            return
    if plan.options.counting:
        for column in columns:
            plan.cells.setdefault((row.id, column.id), {})[seed] = ""
        return
    network = _network(plan, recipe, row.id, seed)
    for column in columns:
        inputs: dict[str, str] = {}
        if column.metric == "mce" and plan.profile.references["mce"] != "alexnet":
            inputs["reference"] = _reference(plan, tables, column).id
        plan.cells.setdefault((row.id, column.id), {})[seed] = _evaluation(plan, network, column, inputs).id


@dataclass(frozen=True)
class _Network:
    """A network that is to be trained and probed."""

    recipe: recipes.Plain
    pretrain: Job
    probe: Job
    named: str


def _network(plan: Plan, recipe: recipes.Plain, row: str, seed: int) -> _Network:
    named, pixels = f"{row}, seed {seed}", recipe["data"]["pixels"]
    train = _data(plan, str(recipe["data"]["pretrain"]))
    labelled = _data(plan, str(recipe["data"]["labelled"]))
    inputs = {"data": train.id}
    if "images" in recipe["negatives"]:
        inputs["textures"] = _data(plan, str(recipe["negatives"]["images"])).id
    groups = ("net", "views", "method", "negatives", "optimizer", "training")
    spec = {"recipe": {group: recipe[group] for group in groups}, "pixels": pixels}
    images = train.images * int(recipe["training"]["epochs"])
    pretrain = _job(plan, "pretrain", spec, seed, inputs, f"pretrain {named}", images, recipe)
    spec = {"recipe": {group: recipe[group] for group in ("net", "views", "probe")}, "pixels": pixels}
    inputs = {"pretrain": pretrain.id, "data": labelled.id}
    probe = _job(plan, "probe", spec, seed, inputs, f"probe {named}", labelled.images, recipe)
    return _Network(recipe, pretrain, probe, named)


def _evaluation(plan: Plan, network: _Network, column: Column, inputs: Mapping[str, str]) -> Job:
    """`inputs` may name the evaluation of another network as `reference`."""
    data, recipe = _data(plan, column.dataset), network.recipe
    spec = {
        "evaluator": column.evaluator,
        "recipe": {group: recipe[group] for group in ("net", "views")},
        "limit": plan.options.limit,
    }
    if column.metric == "mce":
        spec["reference"] = plan.profile.references["mce"]
    whole = {"pretrain": network.pretrain.id, "probe": network.probe.id, "data": data.id, **inputs}
    label = f"evaluate {column.id} of {network.named}"
    return _job(plan, "evaluate", spec, None, whole, label, data.images, recipe)


def _reference(plan: Plan, tables: Mapping[str, Table], column: Column) -> Job:
    """The evaluation, on the same images, of the network that stands in for AlexNet; one network for all seeds."""
    name = plan.profile.references["mce"]
    table, _, row = name.partition("/")
    found = [one for one in tables[table].rows if one.id == row] if table in tables else []
    if not found:
        raise SpecError(
            [
                f'profile "{plan.profile.id}", references.mce: expected "alexnet" or a row such as '
                f'"table1/supervised", found "{name}"'
            ]
        )
    recipe = scale(recipes.plain(recipes.resolve(tables, tables[table], found[0])), plan.profile)
    network = _network(plan, recipe, row, plan.profile.seeds[0])
    plain = column.model_copy(update={"metric": "mean_accuracy"})
    return _evaluation(plan, network, plain, {})


def _data(plan: Plan, dataset: str) -> Job:
    if dataset not in plan.sets:
        plan.sets[dataset] = _data_job(plan, dataset)
    return plan.sets[dataset]


def _data_job(plan: Plan, dataset: str) -> Job:
    spec = resolved(plan.profile, dataset, plan.options.data)
    images = plan.profile.sizes.get(dataset, 0 if "of" in spec else _size(spec))
    entries = ("repro.lab.jobs.data", f"repro.lab.datasets.{spec['name']}")
    inputs = {}
    if "of" in spec:
        whole = _data(plan, str(spec["of"]))
        inputs, images = {"of": whole.id}, whole.images
    return _added(plan, "data", spec, None, inputs, f"data {dataset}", images, entries)


def _size(spec: Mapping[str, Any]) -> int:
    """Images in a set, as far as its recipe and the user's folder tell; corrupted sets hold each image 75 times."""
    own = folders.images(Path(spec["root"]) / spec["split"], each=spec["count"]) if "root" in spec else spec["count"]
    return int(own) * (75 if "corrupted" in (spec["split"], spec["name"].rpartition("_")[2]) else 1)


def _job(
    plan: Plan,
    kind: Kind,
    spec: dict[str, Any],
    seed: int | None,
    inputs: dict[str, str],
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
    return _added(plan, kind, spec, seed, inputs, label, images, tuple(entries))


def _added(
    plan: Plan,
    kind: Kind,
    spec: dict[str, Any],
    seed: int | None,
    inputs: dict[str, str],
    label: str,
    images: int,
    entries: tuple[str, ...],
) -> Job:
    threads, where = plan.profile.threads, plan.options.device
    if kind == "pretrain":
        threads = int(spec["recipe"]["training"]["threads"]) or threads
    if kind == "data":  # the same images whatever learns from them
        threads, where = 1, "cpu"
    job = Job(kind, spec, seed, inputs, code.version(entries), threads, where, label, images)
    return plan.jobs[plan.add(job)]


def device(wanted: str) -> str:
    """`cpu` or `cuda`; `auto` takes a graphics card where the machine shows one.

    Told from the driver's device file, so that planning needs no torch.
    """
    if wanted == "auto":
        return "cuda" if Path("/dev/nvidiactl").exists() else "cpu"
    return wanted


def has_card() -> bool:
    """Whether the machine shows a graphics card of any make that torch may reach: NVIDIA's, under Windows, AMD's."""
    return any(Path(file).exists() for file in ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd"))


def resolved(profile: Profile, dataset: str, data: Mapping[str, Path]) -> dict[str, Any]:
    """The recipe of what stands for a data set, with the user's own folders in place of their names.

    Raises `DataMissing` where a folder was not named or is not there.
    """
    spec = recipes.dataset(profile, dataset)
    for key, value in spec.items():
        if isinstance(value, str) and value.startswith("$"):
            if value[1:] not in data:
                raise DataMissing(
                    f"{dataset} needs {profile.data[value[1:]]}: name its folder with --data {value[1:]}=DIR"
                )
            folder = data[value[1:]]
            spec = {**spec, key: str(folder.resolve()), "fingerprint": folders.fingerprint(folder)}
    return spec
