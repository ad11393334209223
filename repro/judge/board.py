"""A table with everything that is known of it: each cell's numbers and verdict, each claim's; what a renderer shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeGuard

from repro.judge import claims, rules
from repro.judge import policy as policies
from repro.judge.cells import Cell, Flag, Verdict, judge_cell, judged_cell
from repro.judge.expected import guarded
from repro.judge.measured import Measured
from repro.judge.policy import Policy
from repro.judge.printed import Printed, deviations
from repro.judge.rules import Rules
from repro.judge.statistics import Spreads, holm
from repro.plan.expand import CellKey, Options, Plan, expand
from repro.spec.model import Claim, Column, Row, Table
from repro.spec.numbers import parse_reported
from repro.spec.profile import Profile
from repro.store import Store

FINE, DIFFERS, INCOMPLETE, DATA_MISSING = 0, 1, 3, 4  # exit codes of a check
CODES = {"missing": DATA_MISSING, "differs": DIFFERS, "unexpected": DIFFERS, "incomplete": INCOMPLETE}
"""What a check can fail on, the gravest first."""
_ENDLESS = 1e100


@dataclass(frozen=True)
class ClaimReading:
    """A claim on the paper's own numbers and on ours."""

    claim: Claim
    paper: claims.Reading
    ours: claims.Reading

    @property
    def counts_against(self) -> bool:
        """Whether our numbers contradict a claim of the paper which its own numbers bear out."""
        return (
            self.claim.of_paper
            and self.paper.holds is not False
            and self.ours.verdict is claims.ClaimVerdict.NOT_SUPPORTED
        )

    @property
    def standing(self) -> str:
        """Our verdict, with what the paper's own numbers say where that changes how to take it."""
        return claims.standing(self.paper, self.ours)


@dataclass(frozen=True)
class Board:
    """A judged table, of the rows and columns that were asked for."""

    table: Table
    profile: Profile
    options: Options
    rows: tuple[Row, ...]
    columns: tuple[Column, ...]
    cells: Mapping[CellKey, Cell]
    claims: tuple[ClaimReading, ...]
    rules: Rules

    @property
    def leg(self) -> str:
        """Whose networks these are, where they were not trained here; the two legs are judged apart."""
        return "published weights" if self.options.source == "download" else ""

    @property
    def has_numbers(self) -> bool:
        """Whether any cell has a number of ours."""
        return any(cell.seeds for cell in self.cells.values())

    @property
    def failed(self) -> int:
        """Number of cells whose last try failed."""
        return sum(cell.verdict is Verdict.FAILED for cell in self.cells.values())

    def counts(self) -> Counter[str]:
        """How many cells have each verdict."""
        return Counter(str(cell.verdict) for cell in self.cells.values())

    def findings(self) -> dict[str, str]:
        """What a check may fail on -> the sentence for it: `missing`, `differs`, `unexpected`, `incomplete`.

        A cell counts as differing where it does as one of all those of the table (Holm), so that a perfect
        reproduction of many cells passes. What cannot be run here for want of code is told and not held against it;
        want of data is, where nothing at all could be run for it.
        """
        verdicts = [cell.verdict for cell in self.cells.values()]
        if verdicts and all(verdict is Verdict.NOT_RUNNABLE for verdict in verdicts):
            return {"missing": f"nothing can be run: {next(iter(self.cells.values())).reason}"}
        differing = sum(cell.fails for cell in self.cells.values())
        refuted = [reading.claim.id for reading in self.claims if reading.counts_against]
        moved = sum(cell.guard is not None and cell.guard.differs for cell in self.cells.values())
        open_ = sum(verdict in (Verdict.NOT_RUN, Verdict.PARTIAL, Verdict.FAILED) for verdict in verdicts)
        found = {}
        if differing or refuted:
            words = [f"{differing} cell{'s differ' if differing > 1 else ' differs'}"] if differing else []
            many = "s are" if len(refuted) > 1 else " is"
            words += [f"{len(refuted)} claim{many} not supported ({', '.join(refuted)})"] if refuted else []
            found["differs"] = " and ".join(words)
        if moved:
            found["unexpected"] = f"{moved} cell{'s are' if moved > 1 else ' is'} not as expected of {self.profile.id}"
        if open_:
            found["incomplete"] = f"{open_} of {len(verdicts)} cells are not run, partial or failed"
        return found

    def outcome(self) -> tuple[int, str]:
        """Exit code of a check that fails on everything, and the sentence for it."""
        found = self.findings()
        if not found:
            alone = sum(Flag.ALONE in cell.flags for cell in self.cells.values())
            few = f"; {alone} would by itself, which is no more than chance among so many" if alone else ""
            return FINE, f"no cell differs and no claim is contradicted{few}"
        code = CODES[next(iter(found))]
        return code, "; ".join(words for kind, words in found.items() if CODES[kind] == code)


Known = Mapping[str, Mapping[str, Any]]  # job -> the values of its record


def assemble(
    tables: Mapping[str, Table], plan: Plan, store: Store, *, policy: Policy | None = None, known: Known | None = None
) -> Board:
    """Read what the store has for a plan and judge it, by the profile's rules where no others are given.

    `known` are values of finished jobs that were read a moment ago, whose records need not be read again.
    """
    policy = policy or policies.of(plan.profile)
    cells = _cells(plan, store, policy, known or {})
    cells = guarded(_over_the_table(cells, policy), plan, policy)

    def of(table: str) -> Mapping[CellKey, Cell]:
        return cells if table == plan.table.id else _elsewhere(tables, table, plan, store)

    found = readings(plan.table, Measured(tables, of, limit=plan.options.limit), profile=plan.profile, policy=policy)
    judged_by = rules.read(plan, store, policy=policy)
    return Board(plan.table, plan.profile, plan.options, tuple(plan.rows), tuple(plan.columns), cells, found, judged_by)


def readings(table: Table, ours: Measured, *, profile: Profile, policy: Policy) -> tuple[ClaimReading, ...]:
    """Each claim of a table on the paper's own numbers and on ours."""
    paper, absolute = Printed(ours.tables), profile.judges == "cells"
    return tuple(
        ClaimReading(
            claim,
            claims.read_paper(claim, paper, table=table.id, policy=policy),
            claims.read_ours(claim, ours, paper=paper, table=table.id, policy=policy, absolute=absolute),
        )
        for claim in table.claims
    )


def _elsewhere(tables: Mapping[str, Table], table: str, plan: Plan, store: Store) -> dict[CellKey, Cell]:
    """The cells of another table under the means of a plan, judged by their own rules, for claims that rest on them."""
    other = expand(tables, tables[table], plan.profile, replace(plan.options, rows=(), columns=(), own=None))
    return _cells(other, store, policies.of(other.profile), {})


def _over_the_table(cells: Mapping[CellKey, Cell], policy: Policy) -> dict[CellKey, Cell]:
    """Each difference as one of all those of the table; valid whatever the cells share.

    Source: Holm 1979.
    """
    alone = {
        key: cell.judgement.difference_p
        for key, cell in cells.items()
        if cell.judgement and cell.judgement.difference_p is not None and cell.verdict is not Verdict.SUSPECT
    }
    joint = dict(zip(alone, holm(list(alone.values())), strict=True))
    found = dict(cells)
    for key, p in joint.items():
        flags = (*cells[key].flags, Flag.ALONE) if alone[key] < policy.level <= p else cells[key].flags
        found[key] = replace(cells[key], table_p=p, flags=flags)
    return found


def _cells(plan: Plan, store: Store, policy: Policy, known: Known) -> dict[CellKey, Cell]:
    """Every cell of a plan, each by itself."""
    spreads = {column.id: Spreads(deviations(plan.table, column)) for column in plan.columns}
    return {
        (row.id, column.id): replace(
            _cell(plan, store, row, column, policy, spreads[column.id], known), unit=column.unit
        )
        for row in plan.rows
        for column in plan.columns
    }


def _cell(plan: Plan, store: Store, row: Row, column: Column, policy: Policy, spreads: Spreads, known: Known) -> Cell:
    key = (row.id, column.id)
    text = row.reported.get(column.id)
    reported = parse_reported(text) if text else None

    def standing(verdict: Verdict, why: str, seeds: Mapping[int, float]) -> Cell:
        return Cell(row.id, column.id, reported, seeds, verdict, why)

    if key in plan.blocked:
        return standing(Verdict.NOT_RUNNABLE, plan.blocked[key], {})
    seeds, reason = _measured(plan, store, key, column.metric, known)
    wanted, limit = len(plan.cells[key]), plan.options.limit
    if not seeds and reason is not None:
        return standing(Verdict.FAILED, reason, {})
    if not seeds:
        return standing(Verdict.NOT_RUN, "no result of this recipe yet", {})
    if limit is not None:
        return standing(Verdict.PARTIAL, f"at most {limit} images of each set", seeds)
    if len(seeds) < wanted:
        return standing(Verdict.PARTIAL, f"{len(seeds)} of {wanted} seeds; {reason or 'the rest not run'}", seeds)
    if plan.profile.judges == "claims":
        return standing(Verdict.MEASURED, f'on the data of the profile "{plan.profile.id}"', seeds)
    if reported is None:
        return standing(Verdict.NOT_REPORTED, "the paper gives no number for this cell", seeds)
    judgement = judge_cell(
        reported,
        list(seeds.values()),
        runs=row.runs,
        column_sds=spreads,
        margin=column.margin.value if column.margin else None,
        direction=column.direction,
        policy=policy,
        images=column.n_images,
    )
    return judged_cell(
        row.id,
        column.id,
        reported=reported,
        seeds=seeds,
        judgement=judgement,
        suspect=row.suspect.get(column.id),
        reimplemented=row.reimplemented,
    )


def _measured(plan: Plan, store: Store, key: CellKey, metric: str, known: Known) -> tuple[dict[int, float], str | None]:
    """Seed -> number, and why a seed that was tried has none."""
    seeds: dict[int, float] = {}
    reason = None
    for seed, job in plan.cells[key].items():
        values = known.get(job)
        if values is None and (record := store.read(job, plan.jobs[job].content)):
            values = record.values
        value = values.get(metric) if values is not None else None
        if _is_measurement(value):
            seeds[seed] = float(value)
        elif values is not None:
            reason = f"seed {seed}: expected a number for {metric} in its record, found {str(value)[:20]}"
        else:
            reason = _failure(plan, store, job) or store.damaged.get(job) or reason
    return seeds, reason


def _is_measurement(value: Any) -> TypeGuard[float]:
    """A number that can be reckoned with: no metric comes near the bound, and a square of more has no number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < _ENDLESS


def _failure(plan: Plan, store: Store, job: str) -> str | None:
    """Why a job or one that it rests on failed at the last try."""
    failure = store.failure(job)
    if failure:
        return f"{failure.reason} (log: {failure.log})"
    return next((found for other in plan.jobs[job].inputs.values() if (found := _failure(plan, store, other))), None)
