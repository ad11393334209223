"""Cells and claims judged anew, on the certificate's own numbers and on those that the predictions give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from repro.errors import ReproError
from repro.judge.board import Board
from repro.judge.certificate import judgement, layout, telling
from repro.judge.certificate.judgement import Ground, Values
from repro.judge.certificate.layout import Certificate
from repro.judge.certificate.ledger import Ledger
from repro.judge.statistics import summarise


def compare(held: Certificate, document: Mapping[str, Any], on: Ground, ledger: Ledger, *, measured: Values) -> None:
    """Judge every table again; `measured`: the evaluations whose predictions say something else than the certificate.

    That a verdict does not follow from the certificate's own numbers, and that it would be another on the numbers
    that are here, are two things.
    """
    values = {job: known.values for job, known in held.jobs.items()}
    for board, written in zip(held.boards, document["boards"], strict=True):
        _numbers(held, board, on, ledger)
        known = judgement.known(board)
        try:
            judged = judgement.judge(known, on, values)
            again = judgement.judge(known, on, {**values, **measured}) if measured else judged
        except (ReproError, ArithmeticError, ValueError) as fault:
            ledger.differ("cells", board.table, "numbers that can be judged", str(fault))
            continue
        _written(judged, written, ledger)
        _changed(judged, again, ledger)


def _numbers(held: Certificate, board: layout.Judged, on: Ground, ledger: Ledger) -> None:
    """Each number of a cell is that of its evaluation, and every cell that can be run has all seeds."""
    own = held.asked.own.row if held.asked.own else None
    for name, cells in layout.numbers(board).items():
        metrics = {column.id: column.metric for column in on.tables[name].columns}
        for cell in cells:
            where = f"{name}, {cell.row}:{cell.column}"
            for seed in cell.seeds:
                value = held.jobs[seed.job].values.get(metrics[cell.column]) if seed.job in held.jobs else None
                ledger.compare("cells", f"{where}, seed {seed.seed}", value, seed.value)
            seeds = [seed.seed for seed in cell.seeds]
            if held.asked.source == "train" and cell.row != own and cell.blocked is None:
                ledger.compare("cells", f"{where}, seeds", held.asked.seeds, seeds)


def _written(judged: Board, written: Mapping[str, Any], ledger: Ledger) -> None:
    """What stands in the certificate beside what follows from its numbers."""
    table, stated = judged.table.id, {(cell["row"], cell["column"]): cell for cell in written["cells"]}
    for told in telling.cells(judged):
        row, column = told["row"], told["column"]
        expected = {key: stated[row, column][key] for key in told}
        ledger.judge("cells", f"{table}, {row}:{column}", expected, told)
    summary = telling.summary(judged)
    ledger.compare("cells", table, {key: written[key] for key in summary}, summary)
    claims = {claim["id"]: claim for claim in written["claims"]}
    readings = {claim["id"]: claim for claim in telling.readings(judged)}
    ledger.compare("claims", f"{table}, claims", list(claims), list(readings))
    for name in (name for name in readings if name in claims):
        for whose in ("paper", "ours"):
            ledger.judge("claims", f"{table}, {name}, {whose}", claims[name][whose], readings[name][whose])
    ledger.counts["cells"] += len(judged.cells)
    ledger.counts["claims"] += len(judged.claims)


def _changed(judged: Board, again: Board, ledger: Ledger) -> None:
    """What is another by the predictions that are here."""
    for key, cell in again.cells.items():
        before = judged.cells[key]
        where = f"{judged.table.id}, {':'.join(key)}, by the predictions"
        if before.seeds and cell.seeds:
            means = [float(summarise(list(each.seeds.values())).mean) for each in (before, cell)]
            ledger.compare("cells", f"{where}, mean", *means)
        if before.verdict is not cell.verdict:
            ledger.differ("cells", where, str(before.verdict), str(cell.verdict))
    for one, other in zip(judged.claims, again.claims, strict=True):
        for what in ("holds", "verdict"):
            expected, found = getattr(one.ours, what), getattr(other.ours, what)
            if expected != found:
                where = f"{judged.table.id}, {one.claim.id}, by the predictions, {what}"
                ledger.differ("claims", where, *(str(each) for each in (expected, found)))
