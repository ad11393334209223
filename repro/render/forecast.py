"""`repro plan` on a terminal: what would run, why, what it costs, what is missing."""

from __future__ import annotations

import re
from collections.abc import Mapping

from repro.plan.cost import Tariff, by_row
from repro.plan.expand import processes
from repro.plan.needs import Needs
from repro.plan.outline import Plan
from repro.render.printable import clock, printable, size
from repro.render.terminal import console, hands, hanging, jobs, line, ruled

MANY = 1_000  # jobs of a plan
SEED = re.compile(r", seed \d+$")  # at the end of a job's label


def plan(spec: Plan, found: Needs, costs: Tariff) -> None:
    """`repro plan`: jobs by kind, the reason for each, the estimate, what each row costs, what is missing."""
    line(
        f"{spec.table.title} on the profile {spec.profile.id} ({spec.profile.title}), "
        f"seeds {', '.join(map(str, spec.options.seeds))}",
        "bold",
    )
    grid = ruled("job", "", "why", left=3)
    for job, action, reason in _jobs(spec, found, costs):
        grid.add_row(printable(job), action, printable(reason))
    console().print(grid)
    _missing(spec.blocked)
    _row_costs(spec, found, costs)
    counts = f"{jobs(len(found.todo))} to run, {len(found.reused)} reused, {len(found.spared)} not needed"
    line(f"{counts}; {_time(spec, costs.total_seconds(found.todo.values()))}")
    if _unit(spec) == "GPU" and spec.options.device != "cuda":
        hanging("      no graphics card is seen here; on a processor all of it takes some hundred times as long")
    for kind, rate in costs.rates.items():
        unit = "passes/s" if kind == "pretrain" else "images/s"
        hanging(f"      {kind}: {rate.images_per_second:.4g} {unit} ({rate.why})", style="dim")
    for kind, space in costs.spaces.items():
        each = f" and {size(space.bytes_per_image)} an image" if space.bytes_per_image else ""
        hanging(f"      {kind}: {size(space.bytes)}{each} on the disk ({space.why})", style="dim")


def _jobs(spec: Plan, found: Needs, costs: Tariff) -> list[tuple[str, str, str]]:
    """Each job with what becomes of it and why; of very many, seeds of which the same is said share a line."""
    lines: dict[tuple[str, ...], list[str]] = {}
    for name, job in spec.jobs.items():
        action = "run" if name in found.todo else "reuse" if name in found.reused else "spare"
        expected = costs.seconds(job) if name in found.todo else None
        told = (f"{action}{f', {clock(expected)}' if expected else ''}", found.reasons[name])
        alike = SEED.sub("", job.label) if len(spec.jobs) > MANY else name
        lines.setdefault((alike, *told), []).append(job.label)
    return [
        (labels[0], action, reason)
        if len(labels) == 1
        else (f"{alike}, {len(labels)} seeds", action + " each" * ("," in action), reason)
        for (alike, action, reason), labels in lines.items()
    ]


def _unit(spec: Plan) -> str:
    """Of what the hours are, here or where the profile is meant to run."""
    return "CPU" if "cpu" in (spec.profile.device, spec.options.device) and spec.profile.device != "auto" else "GPU"


def _time(spec: Plan, total: float) -> str:
    """The hours of cards or cores in all, and on the clock with those that are here."""
    shared = processes(spec.profile, spec.options.device)
    cards = f", {shared} cards to a pretraining" if shared > 1 else ""
    hours = clock(total / spec.profile.workers / shared)
    return f"about {clock(total)} of {_unit(spec)} time, {hours} with {hands(spec.profile.workers)}{cards}"


def _row_costs(spec: Plan, found: Needs, costs: Tariff) -> None:
    """What each row with something to do costs, its data sets left out."""
    rows = by_row(spec, found, costs)
    if not rows:
        return
    grid = ruled("row, data sets left out", f"{_unit(spec)}-hours", "disk")
    for row in rows:
        grid.add_row(printable(row.row), f"{row.seconds / 3600:.3g}", size(row.bytes) if costs.spaces else "not stated")
    total = sum(row.seconds for row in rows) / 3600
    grid.add_row("all", f"{total:.3g}", size(sum(row.bytes for row in rows)) if costs.spaces else "not stated")
    console().print(grid)


def _missing(blocked: Mapping[tuple[str, str], str]) -> None:
    """What cannot be run, by reason; where a reason holds for whole rows, the rows alone are named."""
    reasons: dict[str, dict[str, list[str]]] = {}
    for (row, column), reason in blocked.items():
        reasons.setdefault(reason, {}).setdefault(row, []).append(column)
    for reason, rows in reasons.items():
        columns = {tuple(names) for names in rows.values()}
        shared = f" ({', '.join(next(iter(columns)))})" if len(columns) == 1 else ""
        hanging(f"not runnable: {', '.join(rows)}{shared}: {reason}", style="dim")
