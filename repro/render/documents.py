"""What `--json` prints: dictionaries of a versioned layout (docs/json.md). A key may be added, none changed."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from repro.plan.cost import Tariff, by_row
from repro.plan.needs import Needs
from repro.render.printable import escaped
from repro.spec.model import Claim, Row, Table
from repro.spec.numbers import parse_reported
from repro.spec.profile import Profile

if TYPE_CHECKING:  # the judge brings numpy and scipy, which a listing does without
    from repro.judge.board import Board, ClaimReading
    from repro.judge.cells import Cell, CellJudgement, Guard
    from repro.plan.expand import Plan

SCHEMA = 1


def text(document: Any) -> str:
    """A document as JSON text, one key a line."""
    return escaped(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)) + "\n"


def progress(plan: Plan, *, done: int, units: int) -> dict[str, Any]:
    """One line of a listing: `units` are evaluations of one cell with one seed."""
    table = plan.table
    return {
        "id": table.id,
        "title": table.title,
        "section": table.section,
        "rows": len(table.rows),
        "columns": len(table.columns),
        "claims": sum(claim.of_paper for claim in table.claims),
        "reported": sum(len(row.reported) for row in table.rows),
        "done": done,
        "units": units,
        "not_runnable": len(plan.blocked),
    }


def listing(profile: Profile, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """`repro list --json`."""
    return {"schema": SCHEMA, "profile": profile.id, "tables": list(rows)}


def table(spec: Table) -> dict[str, Any]:
    """`repro show TABLE --json`."""
    return {
        "schema": SCHEMA,
        "id": spec.id,
        "title": spec.title,
        "caption": spec.caption,
        "section": spec.section,
        "columns": [
            {"id": column.id, "label": column.label, "metric": column.metric, "direction": column.direction}
            for column in spec.columns
        ],
        "rows": [
            {"id": row.id, "label": row.label, "origin": row.origin, "cells": _reported(row)} for row in spec.rows
        ],
        "claims": [_claim(claim) for claim in spec.claims],
        "texts": [
            {"id": part.id, "text": part.printed, "section": part.section, "quote": part.quote} for part in spec.texts
        ],
        "notes": [
            {"id": note.id, "severity": note.severity, "text": note.text, "claims": note.claims} for note in spec.notes
        ],
    }


def _reported(row: Row) -> dict[str, Any]:
    cells = {}
    for column, printed in row.reported.items():
        number = parse_reported(printed)
        cells[column] = {
            "text": printed,
            "mean": float(number.mean),
            "std": None if number.std is None else float(number.std),
            "n": row.runs or None,
            "suspect": column in row.suspect,
            "suspect_reason": row.suspect.get(column),
        }
    return cells


def _claim(claim: Claim) -> dict[str, Any]:
    return {
        "id": claim.id,
        "section": claim.section,
        "quote": claim.quote,
        "statement": claim.statement,
        "of_paper": claim.of_paper,
        "note": claim.note,
        "test": claim.test.model_dump(exclude_none=True),
    }


def plan(spec: Plan, found: Needs, costs: Tariff) -> dict[str, Any]:
    """`repro plan TABLE --json`."""
    jobs = []
    for name, job in spec.jobs.items():
        action = "run" if name in found.todo else "reuse" if name in found.reused else "spare"
        jobs.append(
            {
                "id": name,
                "kind": job.kind,
                "label": job.label,
                "seed": job.seed,
                "inputs": dict(job.inputs),
                "action": action,
                "reason": found.reasons[name],
                "seconds": costs.seconds(job),
                "bytes": costs.bytes(job),
            }
        )
    return {
        "schema": SCHEMA,
        "id": spec.table.id,
        "profile": spec.profile.id,
        "seeds": list(spec.options.seeds),
        "jobs": jobs,
        "source": spec.options.source,
        "seconds": costs.total_seconds(found.todo.values()),
        "bytes": costs.total_bytes(found.todo.values()),
        "rows": [{"id": row.row, "seconds": row.seconds, "bytes": row.bytes} for row in by_row(spec, found, costs)],
        "not_runnable": [
            {"row": row, "column": column, "reason": reason} for (row, column), reason in spec.blocked.items()
        ],
    }


def check(board: Board, code: int, reason: str) -> dict[str, Any]:
    """`repro check TABLE --json`, and the JSON export; the CSV and Markdown exports are made from it."""
    suspect = {(row.id, column): why for row in board.rows for column, why in row.suspect.items()}
    return {
        "schema": SCHEMA,
        "id": board.table.id,
        "title": board.table.title,
        "caption": board.table.caption,
        "profile": board.profile.id,
        "seeds": list(board.options.seeds),
        "source": board.options.source,
        "exit": code,
        "reason": reason,
        "counts": dict(board.counts()),
        "rules": {"stamp": board.rules.stamp, "changed": list(board.rules.changed), **board.rules.content},
        "rows": [{"id": row.id, "label": row.label, "block": row.block} for row in board.rows],
        "columns": [
            {"id": column.id, "label": column.label, "unit": column.unit, "direction": column.direction}
            for column in board.columns
        ],
        "cells": [_cell(cell, suspect.get(key)) for key, cell in board.cells.items()],
        "claims": [_reading(reading) for reading in board.claims],
    }


def _cell(cell: Cell, suspect: str | None) -> dict[str, Any]:
    reported, judged = cell.reported, cell.judgement
    return {
        "row": cell.row,
        "column": cell.column,
        "unit": cell.unit,
        "reported": None
        if reported is None
        else {"mean": float(reported.mean), "std": None if reported.std is None else float(reported.std)},
        "suspect": suspect,
        "seeds": {str(seed): value for seed, value in cell.seeds.items()},
        "ours": _ours(cell),
        "verdict": str(cell.verdict),
        "reason": cell.reason,
        "flags": [str(flag) for flag in cell.flags],
        "difference": judged.difference if judged else None,
        "literal": judged.literal if judged else None,
        "interval": list(judged.interval) if judged and judged.interval else None,
        "difference_p": judged.difference_p if judged else None,
        "equivalence_p": judged.equivalence_p if judged else None,
        "spread_p": judged.spread_p if judged else None,
        "table_p": cell.table_p,
        "deviation": _deviation(judged) if judged else None,
        "further_seeds": judged.further_seeds if judged else None,
        "expected": _expected(cell.guard) if cell.guard else None,
    }


def _ours(cell: Cell) -> dict[str, Any] | None:
    """Our mean and deviation over the seeds."""
    from repro.judge.statistics import summarise

    if not cell.seeds:
        return None
    sample = summarise(list(cell.seeds.values()))
    return {"mean": float(sample.mean), "std": sample.std, "n": sample.n}


def _expected(guard: Guard) -> dict[str, Any]:
    """The number that the profile is expected to give here, and how ours stands to it."""
    return {
        "mean": float(guard.expected.mean),
        "std": None if guard.expected.std is None else float(guard.expected.std),
        "n": guard.runs,
        "difference": guard.judgement.difference,
        "interval": list(guard.judgement.interval) if guard.judgement.interval else None,
        "table_p": guard.table_p,
        "differs": guard.differs,
    }


def _deviation(judged: CellJudgement) -> dict[str, Any] | None:
    """The deviation of one run that a judgement rests on; its degrees of freedom are null where they have no end."""
    if judged.deviation is None:
        return None
    sd, df = judged.deviation
    return {"sd": sd, "df": df if math.isfinite(df) else None, "basis": judged.basis}


def _reading(reading: ClaimReading) -> dict[str, Any]:
    return {
        "id": reading.claim.id,
        "statement": reading.claim.statement,
        "section": reading.claim.section,
        "of_paper": reading.claim.of_paper,
        "paper": {"verdict": str(reading.paper.verdict), "holds": reading.paper.holds, "reason": reading.paper.reason},
        "ours": {"verdict": str(reading.ours.verdict), "holds": reading.ours.holds, "reason": reading.ours.reason},
    }
