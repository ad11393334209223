"""A certificate of judged tables, from what the results folder holds; the same results give the same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from repro.errors import DataMissing, ReproError
from repro.files import digest
from repro.judge import policy as policies
from repro.judge.board import Board, assemble
from repro.judge.certificate import essentials, evidence, judgement, layout, premises, telling
from repro.judge.policy import Policy
from repro.plan import code
from repro.plan.expand import expand
from repro.plan.outline import Options, Plan
from repro.spec.model import Table
from repro.store import Store


class Incomplete(ReproError):
    """Results that were asked for are not there yet."""

    exit_code = 3


def compose(
    tables: Mapping[str, Table],
    plans: Sequence[Plan],
    store: Store,
    *,
    package: str | None,
    policy: Policy | None = None,
    is_partial: bool = False,
) -> dict[str, Any]:
    """What a certificate of these plans, all of one profile and of the same options, says.

    Raises `Incomplete` where a number is missing, unless `is_partial`: then it says which. Raises `DataMissing` where
    a table has no number at all.
    """
    tables = {**tables, **{plan.table.id: plan.table for plan in plans}}
    options, profile = plans[0].options, plans[0].profile
    policy = policy or policies.of(profile)
    boards = [assemble(tables, plan, store, policy=policy) for plan in plans]
    for board in boards:
        if not any(cell.seeds for cell in board.cells.values()):
            raise DataMissing(f"{board.table.id}: there is no number to certify; {board.outcome()[1]}")
    known = [_known(tables, plan, store) for plan in plans]
    rested = evidence.gather(_evaluations(known), store)
    gaps = [gap for one in known for gap in _gaps(one, options.limit)]
    gaps += [{"where": f"job {job}", "reason": "no record", "job": job} for job in rested.absent]
    if gaps and not is_partial:
        raise Incomplete(_lacking(gaps))
    jobs, environments = evidence.jobs(rested.records)
    judged = [plan.table.id for plan in plans]
    named = essentials.concerned(tables, judged)
    held: dict[str, Any] = {
        "schema": layout.SCHEMA,
        "kind": layout.KIND,
        "judged_by": {"package": package, "code": code.version(layout.JUDGES)},
        "asked": _asked(options),
        "profile": essentials.profile(profile, judged),
        "policy": asdict(policy),
        "tables": {name: essentials.table(tables, tables[name]) for name in named},
        "jobs": jobs,
        "environments": environments,
        "missing": gaps,
    }
    held["boards"] = _judged(held, known, boards)
    return {**held, "digest": digest(held)}


def text(held: Mapping[str, Any]) -> str:
    """A certificate as it is written, one key a line, in one order."""
    return json.dumps(held, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def _asked(options: Options) -> dict[str, Any]:
    own = None
    if options.own is not None:
        row, weights = options.own
        second = weights.classifier.sha256 if weights.classifier else None
        own = {"row": row, "sha256": weights.sha256, "classifier": second}
    return {
        "seeds": list(options.seeds),
        "rows": list(options.rows),
        "columns": list(options.columns),
        "limit": options.limit,
        "device": options.device,
        "source": options.source,
        "own": own,
    }


def _known(tables: Mapping[str, Table], plan: Plan, store: Store) -> judgement.Known:
    """The numbers of a table with the jobs they are from, and those that its claims ask of other tables."""
    beside = {
        name: _beside(tables, plan, store, name, columns) for name, columns in essentials.elsewhere(plan.table).items()
    }
    return judgement.Known(plan.table.id, list(_cells(plan, store)), beside)


def _cells(plan: Plan, store: Store) -> Iterator[layout.Numbers]:
    for row in plan.rows:
        for column in plan.columns:
            key = (row.id, column.id)
            jobs = plan.cells.get(key, {}).items()
            seeds = [_seed(plan, store, seed, job, column.metric) for seed, job in jobs]
            yield layout.Numbers(row=row.id, column=column.id, blocked=plan.blocked.get(key), seeds=seeds)


def _seed(plan: Plan, store: Store, seed: int, job: str, metric: str) -> layout.Seed:
    record = store.read(job)
    value = record.values.get(metric) if record else None
    is_number = isinstance(value, int | float)
    failed = not is_number and _has_failed(plan, store, job)
    return layout.Seed(seed=seed, job=job, value=value if is_number else None, failed=failed)


def _has_failed(plan: Plan, store: Store, job: str) -> bool:
    """Whether the last try of a job, or of one that it rests on, failed."""
    return store.failure(job) is not None or any(
        _has_failed(plan, store, other) for other in plan.jobs[job].inputs.values()
    )


def _beside(
    tables: Mapping[str, Table], plan: Plan, store: Store, name: str, columns: Sequence[str]
) -> list[layout.Numbers]:
    """Columns of another table, every row: a claim's interval rests on the deviations of the whole column."""
    options = replace(plan.options, rows=(), columns=columns, own=None)
    return list(_cells(expand(tables, tables[name], plan.profile, options), store))


def _evaluations(known: Sequence[judgement.Known]) -> list[str]:
    cells = [cell for one in known for cell in one.cells]
    cells += [cell for one in known for others in one.beside.values() for cell in others]
    return [seed.job for cell in cells for seed in cell.seeds if seed.value is not None]


def _gaps(known: judgement.Known, limit: int | None) -> Iterator[dict[str, Any]]:
    """What was asked of a table and is not there."""
    for cell in known.cells:
        for seed in cell.seeds:
            if seed.value is None:
                where = f"{known.table}, {cell.row}:{cell.column}, seed {seed.seed}"
                yield {"where": where, "reason": "the last try failed" if seed.failed else "no result", "job": seed.job}
    if limit is not None:
        yield {"where": known.table, "reason": f"at most {limit} images of each set", "job": None}


def _lacking(gaps: Sequence[Mapping[str, Any]]) -> str:
    first = f"{gaps[0]['where']} ({gaps[0]['reason']})"
    many = f", and {len(gaps) - 1} more" if len(gaps) > 1 else ""
    return (
        f"a certificate is of whole results, and these are missing: {first}{many}; repro run makes them, --partial "
        "certifies what there is and says what is missing"
    )


def _judged(held: Mapping[str, Any], known: Sequence[judgement.Known], boards: Sequence[Board]) -> list[dict[str, Any]]:
    """The verdicts, by the certificate alone; they are those that `repro check` gives."""
    on = judgement.ground(
        {name: premises.Spec.model_validate(spec) for name, spec in held["tables"].items()},
        premises.Means.model_validate(held["profile"]),
        held["policy"],
        premises.Asked.model_validate(held["asked"]),
    )
    values = {job: entry["values"] for job, entry in held["jobs"].items()}
    found = []
    for numbers, shown in zip(known, boards, strict=True):
        board = judgement.judge(numbers, on, values)
        assert board.counts() == shown.counts(), "a certificate judges as a check does"
        assert [read.ours.verdict for read in board.claims] == [read.ours.verdict for read in shown.claims]
        found.append(_written(numbers, board, shown))
    return found


def _written(known: judgement.Known, board: Board, shown: Board) -> dict[str, Any]:
    numbers = {(cell.row, cell.column): cell.model_dump() for cell in known.cells}
    return {
        "table": known.table,
        "rows": [row.id for row in board.rows],
        "columns": [column.id for column in board.columns],
        "cells": [{**numbers[told["row"], told["column"]], **told} for told in telling.cells(board)],
        "beside": {name: [cell.model_dump() for cell in others] for name, others in known.beside.items()},
        "claims": telling.readings(board),
        "rules": {"stamp": board.rules.stamp, "changed": list(shown.rules.changed)},
        **telling.summary(board),
    }
