"""The verbs that look ahead and run nothing: what there is, what the paper reports, what would run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from repro.verbs import completion
from repro.verbs.options import PLANNED, shared
from repro.verbs.planning import Typed, planned


@click.command("list")
@shared("profile", "results", "json")
def list_(profile: str, results: Path, as_json: bool) -> None:
    """Every table and figure, with how far each is."""
    from repro.plan import code, expand
    from repro.render import documents, terminal
    from repro.spec import load
    from repro.store import Store

    specs, means, store = load.specs(), load.profile(profile), Store(results)
    store.check()
    code.recall(store.sources)
    untouched = store.is_untouched()
    options = expand.Options(seeds=means.seeds, device=expand.device(means.device), counting=untouched)
    rows = []
    for table in specs.tables.values():
        plan = expand.expand(specs.tables, table, means, options)
        units = [job for seeds in plan.cells.values() for job in seeds.values()]
        rows.append(
            documents.progress(plan, done=0 if untouched else sum(store.has(job) for job in units), units=len(units))
        )
    if as_json:
        terminal.json(documents.listing(means, rows))
    else:
        terminal.listing(means, rows)


@click.command()
@click.argument("table", shell_complete=completion.tables)
@shared("json")
def show(table: str, as_json: bool) -> None:
    """What the paper reports, with its claims and with notes on what does not fit."""
    from repro.render import documents, terminal
    from repro.spec import load

    specs = load.specs()
    if as_json:
        terminal.json(documents.table(specs.table(table)))
    else:
        terminal.reported(specs.table(table))


@click.command("plan")
@click.argument("table", shell_complete=completion.tables)
@shared(*PLANNED, "executor", "json")
def plan_(table: str, executor: str, as_json: bool, **typed: Any) -> None:
    """What would run, why, what it costs and what is missing; runs nothing."""
    from repro.plan.cost import tariff
    from repro.plan.needs import needs
    from repro.render import documents, forecast, queue, terminal
    from repro.verbs.slurm import check_device, scripts

    _, plan, store = planned(table, Typed(**typed))
    if executor == "slurm":
        check_device(plan, typed["device"])
    found = needs(plan, store)
    costs = tariff(plan, found)
    sent = scripts(plan, found, store) if executor == "slurm" else []
    if as_json:
        terminal.json({**documents.plan(plan, found, costs), **({"sbatch": sent} if sent else {})})
    else:
        forecast.plan(plan, found, costs)
        queue.scripts(sent)
