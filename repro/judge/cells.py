"""One cell: what the paper reports beside our runs, and the verdict with its reason."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal

from repro.judge import statistics
from repro.judge.policy import Policy
from repro.judge.power import seeds_to_decide
from repro.judge.statistics import Deviation, Interval, Sample, Spread, Spreads
from repro.spec.numbers import Reported

Direction = Literal["up", "down", "none"]


class Verdict(StrEnum):
    """Everything a cell can be; the first five are judgements of numbers, each other one says why there is none."""

    REPRODUCED = "reproduced"
    INCONCLUSIVE = "consistent, inconclusive"
    WITHIN = "within tolerance"
    EXCEEDS = "exceeds"
    DIFFERS = "differs"
    MEASURED = "measured"  # ours, on data that must not be set beside the paper's absolute numbers
    PARTIAL = "partial"
    NOT_RUN = "not run"
    FAILED = "failed"
    NOT_REPORTED = "not reported"
    NOT_RUNNABLE = "not runnable"
    SUSPECT = "suspect in the paper"


class Flag(StrEnum):
    """What a reader of a verdict must know besides."""

    SPREAD = "spread"  # our runs scatter more than the column's
    DDOF = "ddof-sensitive"  # another verdict if the paper divided by n - 1
    BORROWED = "borrowed sd"  # the cell has no deviation of its own
    BINOMIAL = "binomial sd"  # nor has anything else: that of a proportion of images
    MODERATED = "moderated sd"  # Bartlett's test forbids pooling the column
    IDENTICAL = "identical runs"  # two or more of our seeds gave one number: are they different runs?
    SUSPECT = "suspect target"
    REIMPLEMENTED = "re-implemented"
    ALONE = "not over the table"  # beyond chance by itself, and not as one of so many cells, by Holm's test


@dataclass(frozen=True)
class CellJudgement:
    """Our runs against a reported cell, in the column's unit.

    `difference` is ours minus reported; `literal`: is it inside the printed deviation (`None` where none is printed);
    `interval`: where the mean of our `ours.n` runs is expected if nothing differs; `deviation`: the deviation of one
    run it rests on, from `basis`; `further_seeds`: how many more runs would decide an inconclusive cell.
    """

    ours: Sample
    difference: float
    literal: bool | None
    deviation: Deviation | None
    basis: str
    interval: Interval | None
    difference_p: float | None
    equivalence_p: float | None
    spread_p: float | None
    verdict: Verdict
    further_seeds: int | None
    flags: tuple[Flag, ...]
    reason: str


@dataclass(frozen=True)
class Guard:
    """Our runs beside the number expected of the profile; `differs`: beyond chance as one of all of the table."""

    expected: Reported
    runs: int
    judgement: CellJudgement
    table_p: float
    differs: bool


@dataclass(frozen=True)
class Cell:
    """A cell of a table as shown: reported and measured, a verdict and its reason; `seeds` is seed -> our number."""

    row: str
    column: str
    reported: Reported | None
    seeds: Mapping[int, float]
    verdict: Verdict
    reason: str
    judgement: CellJudgement | None = None
    flags: tuple[Flag, ...] = field(default=())
    unit: str = "percent"  # of its column
    table_p: float | None = None  # of a difference, by Holm's test over all judged cells of the table
    guard: Guard | None = None  # in a profile that has expected numbers

    @property
    def fails(self) -> bool:
        """Whether it differs beyond what is chance among all cells of the table."""
        return self.verdict is Verdict.DIFFERS and Flag.ALONE not in self.flags


def judged_cell(
    row: str,
    column: str,
    *,
    reported: Reported,
    seeds: Mapping[int, float],
    judgement: CellJudgement,
    suspect: str | None,
    reimplemented: str | None,
) -> Cell:
    """A cell with a judgement: a suspect target keeps the numbers but not the verdict."""
    marks = ((Flag.SUSPECT, suspect), (Flag.REIMPLEMENTED, reimplemented))
    flags = (*judgement.flags, *(flag for flag, why in marks if why is not None))
    if suspect is not None:
        return Cell(row, column, reported, seeds, Verdict.SUSPECT, suspect, judgement, flags)
    return Cell(row, column, reported, seeds, judgement.verdict, judgement.reason, judgement, flags)


def judge_cell(
    reported: Reported,
    ours: Sequence[float],
    *,
    runs: int,
    column_sds: Spreads,
    margin: float | None,
    direction: Direction,
    policy: Policy,
    images: int | None = None,
) -> CellJudgement:
    """Set our runs beside a reported cell.

    `runs`: runs behind the reported number (0: not stated, taken as one). `column_sds`: every printed deviation of the
    column with its runs, this cell's included, as printed. `margin`: the largest difference that still counts as the
    same, from the table. `images`: how many images a percentage counts, for cells where no deviation is known at all.

    Source: prediction interval: Patil, Peng and Leek 2016; equivalence: Schuirmann 1987; moderated deviations: Smyth
    2004. Differs: the deviation is the column's, which three runs of one cell are too few to give; the unit of the
    last printed digit counts as an error of uniform distribution.
    """
    case = _Case(reported, statistics.summarise(ours), runs, column_sds, margin, direction, policy, images)
    if policy.ddof != "unknown":
        return _judge(case, policy.ddof)
    wider, narrower = _judge(case, 0), _judge(case, 1)
    if wider.verdict == narrower.verdict:
        return wider
    reason = f"{wider.reason}; {narrower.verdict} if the paper's deviations were divided by n - 1"
    return replace(wider, flags=(*wider.flags, Flag.DDOF), reason=reason)


@dataclass(frozen=True)
class _Case:
    """What `judge_cell` was asked."""

    reported: Reported
    ours: Sample
    runs: int
    column_sds: Spreads
    margin: float | None
    direction: Direction
    policy: Policy
    images: int | None


@dataclass(frozen=True)
class _Basis:
    """The deviation of one run for the prediction interval (`deviation`) and, with our runs added, for equivalence."""

    deviation: Deviation | None
    both: Deviation | None
    name: str
    flags: tuple[Flag, ...] = ()


def _judge(case: _Case, ddof: Literal[0, 1]) -> CellJudgement:
    """The judgement where the paper's deviations were divided by n - `ddof`."""
    ours, level, basis = case.ours, case.policy.level, _basis(case, ddof)
    mean, difference = float(case.reported.mean), float(ours.mean) - float(case.reported.mean)
    literal = None if case.reported.std is None else abs(ours.exact - case.reported.mean) <= case.reported.std
    flags = basis.flags + ((Flag.IDENTICAL,) if ours.std == 0 else ())
    interval = difference_p = equivalence_p = spread_p = None
    if basis.deviation is not None and basis.both is not None:
        df, error = basis.deviation.df, _error(case, basis.deviation)
        interval = statistics.interval(mean, error, df=df, level=level)
        difference_p = statistics.difference_p(difference, error, df=df)
        if case.margin is not None:
            error = _error(case, basis.both)
            equivalence_p = statistics.equivalence_p(difference, error, df=basis.both.df, margin=case.margin)
        if ours.std is not None and basis.name != "our runs" and math.isfinite(df):
            spread_p = statistics.spread_p(Spread(ours.std, ours.n), basis.deviation)
            flags += (Flag.SPREAD,) if spread_p < case.policy.spread_level else ()
    verdict = _verdict(case, difference, difference_p, equivalence_p)
    further = _further(case, difference, basis.both) if verdict is Verdict.INCONCLUSIVE else None
    reason = _reason(case, difference, interval, difference_p, equivalence_p)
    if verdict is Verdict.INCONCLUSIVE and basis.both is not None:
        count = "no number of further seeds" if further is None else f"{further} more such seed{'s'[: further - 1]}"
        reason += f"; {count} would decide" + (f" (tried up to {case.policy.most_seeds})" if further is None else "")
    return CellJudgement(
        ours=ours,
        difference=difference,
        literal=literal,
        deviation=basis.deviation,
        basis=basis.name,
        interval=interval,
        difference_p=difference_p,
        equivalence_p=equivalence_p,
        spread_p=spread_p,
        verdict=verdict,
        further_seeds=further,
        flags=flags,
        reason=reason,
    )


def _basis(case: _Case, ddof: Literal[0, 1]) -> _Basis:
    """The best known deviation of one run: the column's or the cell's own, else ours, else that of a proportion."""
    ours, policy, printed = case.ours, case.policy, case.reported.std
    own = None if printed is None else statistics.unbiased(Spread(float(printed), case.runs), ddof)
    alone = [own] if policy.noise == "own" and own is not None else []
    gate = policy.gate
    pool = statistics.pool(alone, gate=gate) if alone else case.column_sds.pool(ddof, gate=gate)
    flags: tuple[Flag, ...] = () if own is not None and own.n >= 2 else (Flag.BORROWED,)
    if pool is not None:
        deviation = pool.of(own)
        flags += (Flag.MODERATED,) if pool.method == "moderated" else ()
        name = "the cell's own" if alone else f"{pool.method} over the column"
        return _Basis(deviation, _with_ours(deviation, ours), name, flags)
    if ours.std:
        deviation = Deviation(ours.std, ours.n - 1)
        return _Basis(deviation, deviation, "our runs", flags)
    if case.images is not None:
        deviation = Deviation(statistics.proportion_sd(float(case.reported.mean), case.images), math.inf)
        return _Basis(deviation, deviation, f"a proportion of {case.images} images", (*flags, Flag.BINOMIAL))
    return _Basis(None, None, "nothing", flags)


def _with_ours(deviation: Deviation, ours: Sample) -> Deviation:
    """The deviation pooled with that of our own runs."""
    if ours.std is None or math.isinf(deviation.df):
        return deviation
    df = deviation.df + ours.n - 1
    return Deviation(math.sqrt((deviation.df * deviation.sd**2 + (ours.n - 1) * ours.std**2) / df), df)


def _error(case: _Case, deviation: Deviation) -> float:
    """Standard error of ours minus reported: both means, and the rounding of the printed one."""
    rounding = 10.0**-case.reported.decimals / math.sqrt(12)
    return math.sqrt(deviation.sd**2 * (1 / max(case.runs, 1) + 1 / case.ours.n) + rounding**2)


def _verdict(case: _Case, difference: float, difference_p: float | None, equivalence_p: float | None) -> Verdict:
    """The lattice of the two tests: is a difference seen, is sameness shown."""
    level = case.policy.level
    same = equivalence_p is not None and equivalence_p < level
    if difference_p is None or difference_p >= level:
        return Verdict.REPRODUCED if same else Verdict.INCONCLUSIVE
    if same:
        return Verdict.WITHIN
    better = {"up": difference > 0, "down": difference < 0, "none": False}[case.direction]
    return Verdict.EXCEEDS if better else Verdict.DIFFERS


def _further(case: _Case, difference: float, deviation: Deviation | None) -> int | None:
    """How many more seeds would decide, if any number of them does."""
    if deviation is None:
        return None
    return seeds_to_decide(
        difference,
        deviation,
        reported=max(case.runs, 1),
        ours=case.ours.n,
        margin=case.margin,
        level=case.policy.level,
        most=case.policy.most_seeds,
    )


def _reason(
    case: _Case, difference: float, interval: Interval | None, difference_p: float | None, equivalence_p: float | None
) -> str:
    """The verdict in words, with the numbers it rests on."""
    digits = max(case.reported.decimals, 1)
    side = "above" if difference > 0 else "below"
    what = f"ours {float(case.ours.mean):.{digits}f} is {abs(difference):.{digits}f} {side} {case.reported.mean}"
    if interval is None or difference_p is None:
        return f"{what}; no deviation is known to judge it by: more seeds would give one"
    where = "outside" if difference_p < case.policy.level else "inside"
    span = f"[{interval.low:.{digits}f}, {interval.high:.{digits}f}]"
    what += f", {where} the {100 * (1 - case.policy.level):g} % prediction interval {span} (p = {difference_p:.2g})"
    if equivalence_p is None:
        return f"{what}; the table sets no margin within which the two would count as the same"
    shown = "shown" if equivalence_p < case.policy.level else "not shown"
    return f"{what}; a true difference under {case.margin:g} is {shown} (p = {equivalence_p:.2g})"
