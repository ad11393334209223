"""Whether the evaluations of a certificate are those that its rows and columns ask for, by whatever code."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from repro.files import digest
from repro.judge.certificate import layout
from repro.judge.certificate.grounds import Now
from repro.judge.certificate.layout import Certificate
from repro.judge.certificate.ledger import Ledger
from repro.plan.expand import expand
from repro.plan.outline import Options, Plan
from repro.store import Record


def planned(plan: Plan) -> Callable[[str], str | None]:
    """Of a planned job what it does, code apart: the same for two jobs that differ in the version of the code alone."""
    contents = {name: job.content for name, job in plan.jobs.items()}
    return _Known(contents).essence


def done(records: Mapping[str, Record]) -> Callable[[str], str | None]:
    """The same of jobs that have records; None where one of those that it rests on has none."""
    return _Known({name: record.job for name, record in records.items()}).essence


class _Known:
    """Contents of jobs by id, and what was told of them already."""

    def __init__(self, contents: Mapping[str, Mapping[str, Any]]) -> None:
        self.contents = contents
        self.told: dict[str, str | None] = {}

    def essence(self, job: str) -> str | None:
        """A hash of what a job does; ids are hashes of their inputs, so no job rests on itself."""
        if job not in self.contents:
            return None
        if job not in self.told:
            content = self.contents[job]
            inputs = {role: self.essence(other) for role, other in content["inputs"].items()}
            spec = {key: value for key, value in content["spec"].items() if key != "place"}
            rest = {key: value for key, value in content.items() if key not in ("code", "spec", "inputs")}
            self.told[job] = None if None in inputs.values() else digest({**rest, "spec": spec, "inputs": inputs})
        return self.told[job]


@dataclass(frozen=True)
class _Today:
    """The plan of a table as it would be made today, and what jobs do: planned ones and those that were done."""

    plan: Plan
    wanted: Callable[[str], str | None]
    done: Callable[[str], str | None]


def compare(
    held: Certificate, found: Mapping[str, Record], now: Now, ledger: Ledger, *, unchanged: Collection[str]
) -> None:
    """Each number beside the job that its row, column and seed ask for today.

    Only where profile and table are `unchanged`; other evaluations are told as not compared. An evaluation by another
    version of the code is counted and is no disagreement.
    """
    own = held.asked.own.row if held.asked.own else None
    for board in held.boards:
        for name, cells in layout.numbers(board).items():
            rest = "all of them" if held.asked.source != "train" else own
            files = [cell for cell in cells if rest in ("all of them", cell.row)]
            for cell in files:
                _file(held, name, cell, found, ledger)
            if any(cell.seeds for cell in files):
                ledger.unchecked[f"recipes of the rows of {name}: networks from files of others"] += 1
            trained = [] if rest == "all of them" else [cell for cell in cells if cell.row != own]
            if trained and "profile" in unchanged and name not in unchanged:
                ledger.unchecked[f"recipes of the rows of {name}: the table is another today"] += 1
            elif trained and "profile" in unchanged:
                _trained(held, name, trained, found, now, ledger)


def _file(held: Certificate, name: str, cell: layout.Numbers, found: Mapping[str, Record], ledger: Ledger) -> None:
    """Networks that are said to be from files of others are from such files, and a user's own from that very file."""
    own = held.asked.own
    for seed in (seed for seed in cell.seeds if seed.value is not None):
        network = held.jobs[seed.job].inputs.get("pretrain", "")
        where = f"{name}, {cell.row}:{cell.column}, seed {seed.seed}"
        if network in held.jobs and held.jobs[network].kind != "weights":
            label = held.jobs[network].label
            ledger.differ("recipes", where, "a network from a file", f"{label}, which was trained")
        elif network in found and own is not None and cell.row == own.row:
            ledger.compare("recipes", f"{where}, its file", own.sha256, found[network].job["spec"].get("sha256"))


def _trained(
    held: Certificate,
    name: str,
    cells: Sequence[layout.Numbers],
    found: Mapping[str, Record],
    now: Now,
    ledger: Ledger,
) -> None:
    assert now.profile is not None
    options = Options(
        seeds=held.asked.seeds,
        rows=list(dict.fromkeys(cell.row for cell in cells)),
        columns=list(dict.fromkeys(cell.column for cell in cells)),
        limit=held.asked.limit,
        device=held.asked.device,
        data=now.data,
    )
    plan = expand(now.tables, now.tables[name], now.profile, options)
    today = _Today(plan, planned(plan), done(found))
    for cell in cells:
        reason = plan.blocked.get((cell.row, cell.column))
        if reason is None:
            _cell(held, name, cell, today, ledger)
        elif cell.seeds:
            ledger.unchecked[f"recipes of the rows of {name}: {reason}"] += 1


def _cell(held: Certificate, name: str, cell: layout.Numbers, today: _Today, ledger: Ledger) -> None:
    where = f"{name}, {cell.row}:{cell.column}"
    if cell.blocked is not None:
        ledger.differ("recipes", where, "a cell that cannot be run", "one that can")
    strange = []
    for seed in (seed for seed in cell.seeds if seed.value is not None):
        job, met = today.plan.cells[cell.row, cell.column].get(seed.seed), today.done(seed.job)
        ledger.counts["recipes"] += 1
        if job == seed.job:
            ledger.counts["same code"] += 1
        elif met is None:
            ledger.unchecked[f"recipes of the rows of {name}: a record that a number rests on is not whole"] += 1
        elif job is not None and today.wanted(job) == met:
            ledger.counts["other code"] += 1
        else:
            strange.append(f"{held.jobs[seed.job].label} [{seed.job[:12]}]")
    if strange:
        more = f", and {len(strange) - 1} more" if len(strange) > 1 else ""
        ledger.differ("recipes", where, "evaluations of this row and column, seed by seed", f"{strange[0]}{more}")
