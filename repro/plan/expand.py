"""Table + profile -> jobs, dependencies first, each once; and for each cell its jobs or why there are none."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from repro.errors import SpecError, UsageError
from repro.plan import networks
from repro.plan.jobs import Job
from repro.plan.networks import Network
from repro.plan.outline import CellKey, Options, Plan
from repro.plan.scale import scale
from repro.plan.sets import absent
from repro.spec import lists, recipes
from repro.spec.checkpoint import Checkpoint
from repro.spec.model import Column, Row, Table
from repro.spec.places import listed, nearest
from repro.spec.profile import Profile

__all__ = ["CellKey", "Options", "Plan", "device", "expand", "has_card", "processes"]


def expand(tables: Mapping[str, Table], table: Table, profile: Profile, options: Options) -> Plan:
    """Lay out everything that the chosen rows, columns and seeds of a table need under a profile."""
    if options.own is not None:
        table = _with_own(table, options.own[0])
    rows = _chosen("row", table.id, options.rows, {row.id: row for row in table.rows})
    columns = _chosen("column", table.id, options.columns, {column.id: column for column in table.columns})
    plan = Plan(table, profile, options, rows, columns)
    for row in rows:
        files = _files(plan, tables, row)
        for column in columns:
            reason = _obstacle(plan, row, column, files)
            if reason:
                plan.blocked[row.id, column.id] = reason
    for place, seed in enumerate(options.seeds):
        for row in rows:
            runnable = [column for column in columns if (row.id, column.id) not in plan.blocked]
            if runnable:
                _expand_row(plan, tables, row, runnable, place, seed)
    return plan


def _with_own(table: Table, name: str) -> Table:
    """The table with a row for a network of the user's."""
    if any(row.id == name for row in table.rows):
        raise UsageError(f"--as {name}: {table.id} has a row of that id already; choose another name")
    if "data" not in table.recipe:
        raise UsageError(
            f"--as {name}: {table.id} has no recipe of its own, its rows are those of others, so a network of yours "
            "would have none; name a table that has one, such as table1"
        )
    row = Row(id=name, label=name, runs=0, origin="own", role="comparison", notes=["A network of the user's own."])
    return table.model_copy(update={"rows": [*table.rows, row]})


def _chosen(what: str, table: str, names: Sequence[str], known: Mapping[str, Any]) -> list[Any]:
    for name in names:
        if name not in known:
            raise UsageError(f'{table} has no {what} "{name}"; there are {listed(known)}{nearest(name, known)}')
    return [part for name, part in known.items() if not names or name in names]


def _is_own(plan: Plan, row: Row) -> bool:
    return plan.options.own is not None and row.id == plan.options.own[0]


def _files(plan: Plan, tables: Mapping[str, Table], row: Row) -> list[Checkpoint]:
    """The weight files of a row that its table names or that say they serve it, in the order of its runs."""
    if plan.options.source != "download" or _is_own(plan, row):
        return []
    return lists.of_row(tables, f"{plan.table.id}/{row.id}", plan.options.checkpoints)


def _obstacle(plan: Plan, row: Row, column: Column, files: Sequence[Checkpoint]) -> str | None:
    """Why a cell cannot be run, or None."""
    profile, options = plan.profile, plan.options
    if column.not_runnable:
        return column.not_runnable
    if not _is_own(plan, row):
        if options.source == "download":
            reason = _unheld(plan, row, files)
            if reason:
                return reason
        elif row.not_runnable:
            return row.not_runnable
    if column.metric in profile.missing:
        return profile.missing[column.metric]
    if column.metric == "mce" and "mce" not in profile.references:
        return f'the profile "{profile.id}" names no reference network for mCE'
    if column.evaluator == "similarity" and column.metric.startswith("texture"):
        reason = absent(str(plan.table.recipe["similarity"]["images"].value), profile, options)
        if reason:
            return reason
    return absent(column.dataset, profile, options)


def _unheld(plan: Plan, row: Row, files: Sequence[Checkpoint]) -> str | None:
    """Why a row cannot be measured on published weights."""
    if plan.profile.judges != "cells":
        return f'published weights are of full size, and the profile "{plan.profile.id}" is not; use --profile paper'
    options = plan.options
    if not files:
        known = (options.unpublished.get(key) for key in (f"{plan.table.id}/{row.id}", row.same_as) if key)
        return f"no public weights: {next((why for why in known if why), 'No file is known.')}"
    asked = [one for one in files if lists.run(one) - 1 in options.seeds]
    if not asked:
        runs, seeds = (listed(str(lists.run(one) - less) for one in files) for less in (0, 1))
        return f"its weights are of run {runs}, which is asked for by --seeds {seeds}"
    if not any(one.name in options.weights for one in asked):
        return f"its weights are not here: repro checkpoints fetch {' '.join(one.name for one in asked)}"
    return None


def _expand_row(
    plan: Plan, tables: Mapping[str, Table], row: Row, columns: list[Column], place: int, seed: int
) -> None:
    recipe = _recipe(plan, tables, plan.table, row)
    is_taken = _is_own(plan, row) or plan.options.source == "download"
    sets = [recipe["data"]["labelled"]]
    if not is_taken:
        sets += [recipe["data"]["pretrain"], recipe["negatives"].get("images")]
    for needed in sets:
        reason = needed and absent(str(needed), plan.profile, plan.options)
        if reason:
            plan.blocked.update({(row.id, column.id): reason for column in columns})
            return
    taken = _taken(plan, tables, row, recipe, place, seed) if is_taken else None
    if is_taken and taken is None:
        return
    able = []
    for column in columns:
        reason = _unreferred(plan, tables, column)
        if reason:
            plan.blocked[row.id, column.id] = reason
        else:
            able.append(column)
    if plan.options.counting:
        for column in able:
            plan.cells.setdefault((row.id, column.id), {})[seed] = ""
        return
    network = taken
    for column in able:
        if column.evaluator == "samples":  # of what a network would be shown; none is needed
            job = networks.samples(plan, recipe, column, row=row.id, seed=seed)
        else:
            network = network or networks.trained(plan, recipe, row.id, seed)
            job = _measurement(plan, tables, network, column)
        plan.cells.setdefault((row.id, column.id), {})[seed] = job.id


def _taken(
    plan: Plan, tables: Mapping[str, Table], row: Row, recipe: recipes.Plain, place: int, seed: int
) -> Network | None:
    """The network of a row's run number `seed` + 1, None where it has none; a user's own stands at the first seed."""
    if plan.options.own is not None and _is_own(plan, row):
        whole = {**recipe, "method": {}}
        return networks.taken(plan, whole, plan.options.own[1], named=row.id, layout=None, run=0) if not place else None
    for file in _files(plan, tables, row):
        if lists.run(file) == seed + 1 and file.name in plan.options.weights:
            weights = plan.options.weights[file.name]
            return networks.taken(plan, recipe, weights, named=file.name, layout=file.layout, run=seed)
    return None


def _measurement(plan: Plan, tables: Mapping[str, Table], network: Network, column: Column) -> Job:
    if column.evaluator == "similarity":
        return networks.similarity(plan, network, column)
    reference = None
    if _is_referred(plan, column):
        row, recipe = _reference(plan, tables)
        other = networks.trained(plan, recipe, row, plan.profile.seeds[0])
        plain = column.model_copy(update={"metric": "mean_accuracy"})
        reference = networks.evaluation(plan, other, plain, reference=None)
    return networks.evaluation(plan, network, column, reference=reference)


def _is_referred(plan: Plan, column: Column) -> bool:
    """Whether a network of ours, one for all seeds, stands in for AlexNet, on the same images."""
    return column.metric == "mce" and plan.profile.references["mce"] != "alexnet"


def _unreferred(plan: Plan, tables: Mapping[str, Table], column: Column) -> str | None:
    """Why there can be no such network where one is needed."""
    if not _is_referred(plan, column):
        return None
    row, recipe = _reference(plan, tables)
    reason = absent(str(recipe["data"]["labelled"]), plan.profile, plan.options)
    return f'the network that mCE is normalised by, "{row}", cannot be trained: {reason}' if reason else None


def _reference(plan: Plan, tables: Mapping[str, Table]) -> tuple[str, recipes.Plain]:
    """The row that stands in for AlexNet, and its recipe."""
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
    return row, _recipe(plan, tables, tables[table], found[0])


def _recipe(plan: Plan, tables: Mapping[str, Table], table: Table, row: Row) -> recipes.Plain:
    """A row's recipe on the plan's means, worked out once for all seeds."""
    name = f"{table.id}/{row.id}"
    if name not in plan.recipes:
        plan.recipes[name] = scale(recipes.plain(recipes.resolve(tables, table, row)), plan.profile)
    return plan.recipes[name]


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


def processes(profile: Profile, device: str) -> int:
    """How many processes train one network: as the profile says; one a graphics card needs cards to be in use."""
    if profile.processes != "cards":
        return profile.processes
    return max(1, len(_cards())) if device == "cuda" else 1


def _cards() -> list[str]:
    """The graphics cards that this process may use, by the driver's device files and CUDA_VISIBLE_DEVICES."""
    found = [path.name for path in Path("/dev").glob("nvidia[0-9]*")]
    seen = os.environ.get("CUDA_VISIBLE_DEVICES")
    return found if seen is None else [name for name in seen.split(",") if name.strip()]
