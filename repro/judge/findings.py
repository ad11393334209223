"""One contrast of a claim: its estimate, its interval, and whether it holds by sign and beyond chance."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Literal, Protocol

from repro.judge import statistics
from repro.judge.cells import Direction
from repro.judge.contrasts import Contrast, Distinct, Leaf, Multiple, Ratio, Sum, collect
from repro.judge.policy import Policy
from repro.judge.statistics import Deviation, Interval, Pool, Sample, Spread
from repro.spec.numbers import as_printed
from repro.spec.operands import CellRef, Term, TextRef


@dataclass(frozen=True)
class Missing:
    """A number that is not there, and why."""

    reason: str


class Numbers(Protocol):
    """Where a reading's numbers come from."""

    def value(self, table: str, row: str, column: str) -> Sample | Missing:
        """The mean over runs of one cell; `std` is `None` where no deviation is known."""
        ...

    def text(self, name: str) -> Decimal | Sample | Missing:
        """A number of the running text: as printed, or as we measured it."""
        ...

    def direction(self, table: str, column: str) -> Direction:
        """Which way is better in a column."""
        ...

    def spreads(self, table: str, column: str) -> Sequence[Spread]:
        """The deviations, with their runs, of the column's cells."""
        ...


class ClaimVerdict(StrEnum):
    """What the numbers of one reading say of a claim."""

    SUPPORTED = "supported"
    NOT_SUPPORTED = "not supported"
    UNDECIDED = "undecided"
    NOT_RUN = "not run"
    NOT_APPLICABLE = "not applicable"  # asked of the paper's printed numbers only


@dataclass(frozen=True)
class Finding:
    """A contrast with its evidence; `holds` is by sign or by exact arithmetic, `verdict` by interval.

    `estimate` is what is set beside `target`; `interval` and `p` (two-sided) are of the estimate against the target.
    """

    statement: str
    cells: tuple[str, ...]
    estimate: Decimal | None
    target: Decimal
    interval: Interval | None
    p: float | None
    holds: bool | None
    verdict: ClaimVerdict
    reason: str


@dataclass(frozen=True)
class Asked:
    """The reading a finding is made in, of a claim of `table`.

    `paper` is `None` in the paper's own reading, whose arithmetic is exact; in ours it gives the printed numbers, and
    `absolute` says whether ours may be set beside them (they come from the paper's data at the paper's scale).
    """

    numbers: Numbers
    policy: Policy
    table: str
    paper: Numbers | None = None
    absolute: bool = True
    pools: dict[tuple[str, str], Pool | None] = field(default_factory=dict)  # table, column -> of the columns asked for


def examine(leaf: Leaf, asked: Asked) -> Finding:
    """Make the finding of one leaf of a claim's test."""
    match leaf:
        case Contrast():
            return _difference(leaf, leaf.printed, asked) if leaf.printed else _contrast(leaf, asked)
        case Ratio():
            return _ratio(leaf, asked)
        case Multiple():
            return _printed(f"{_short(leaf.cell, asked)} is a multiple of {leaf.unit}", [leaf.cell], asked, leaf.unit)
        case Distinct():
            pair = [leaf.first, leaf.second]
            return _printed(f"{' and '.join(_short(cell, asked) for cell in pair)} differ", pair, asked, None)


def _contrast(contrast: Contrast, asked: Asked) -> Finding:
    """The contrast is above its target: by sign, and with a two-sided interval that leaves the target out."""
    statement = f"{_written(contrast.terms, asked)} > {contrast.target}"
    terms = [term for _, term in contrast.terms]
    samples, gaps = _look_up(terms, asked)
    if gaps:
        return _not_run(statement, terms, gaps)
    estimate = _value(contrast.terms, samples)
    beyond = estimate - contrast.target
    holds = beyond > 0
    finding = Finding(
        statement, _names(terms), estimate, contrast.target, None, None, holds, ClaimVerdict.UNDECIDED, ""
    )
    error = _error(contrast.terms, samples, asked)
    if error is None:
        word = "holds" if holds else "fails"
        reason = f"{statement} {word} ({float(estimate):.4g}), on single runs of no known deviation"
        return replace(finding, reason=reason)
    interval = statistics.interval(float(estimate), error.sd, df=error.df, level=asked.policy.level)
    p = statistics.difference_p(float(beyond), error.sd, df=error.df)
    verdict = ClaimVerdict.UNDECIDED
    if p < asked.policy.level:
        verdict = ClaimVerdict.SUPPORTED if holds else ClaimVerdict.NOT_SUPPORTED
    return replace(finding, interval=interval, p=p, verdict=verdict, reason=_evidence(statement, estimate, interval, p))


def _difference(contrast: Contrast, printed: TextRef, asked: Asked) -> Finding:
    """A difference is the number printed in the text.

    In the paper: by exact arithmetic, rounded as printed. In ours: the printed number lies in the interval of our
    difference, in which the paper's own deviation counts too; an interval that holds 0 as well leaves it undecided.
    """
    target = (asked.paper or asked.numbers).text(printed.id)
    assert isinstance(target, Decimal), f"{printed} is printed"
    statement = f"{_written(contrast.terms, asked)} = {target}"
    terms = [term for _, term in contrast.terms]
    if asked.paper is not None and not asked.absolute:
        reason = f"{statement}: a printed gain is set beside ours only on the paper's data at the paper's scale"
        return _not_applicable(statement, terms, reason)
    samples, gaps = _look_up(terms, asked)
    if gaps:
        return _not_run(statement, terms, gaps)
    estimate = _value(contrast.terms, samples)
    finding = Finding(statement, _names(terms), estimate, target, None, None, None, ClaimVerdict.UNDECIDED, "")
    if asked.paper is None:
        holds = as_printed(estimate, target) == target
        verdict = ClaimVerdict.SUPPORTED if holds else ClaimVerdict.NOT_SUPPORTED
        return replace(finding, holds=holds, verdict=verdict, reason=f"{statement}: the table gives {estimate}")
    error = _with_paper(contrast.terms, _error(contrast.terms, samples, asked), asked)
    if error is None:
        return replace(finding, reason=f"{statement}: ours is {float(estimate):.4g}, of no known deviation")
    interval = statistics.interval(float(estimate), error.sd, df=error.df, level=asked.policy.level)
    p = statistics.difference_p(float(estimate - target), error.sd, df=error.df)
    holds = p >= asked.policy.level
    verdict = ClaimVerdict.SUPPORTED if holds else ClaimVerdict.NOT_SUPPORTED
    if holds and interval.low <= 0 <= interval.high:
        verdict = ClaimVerdict.UNDECIDED
    reason = _evidence(statement, estimate, interval, p)
    return replace(finding, interval=interval, p=p, holds=holds, verdict=verdict, reason=reason)


def _ratio(ratio: Ratio, asked: Asked) -> Finding:
    """The contrast |of| - above |to| > 0, with the signs that `of` and `to` are found to have."""
    samples, gaps = _look_up([term for _, term in (*ratio.of, *ratio.to)], asked)
    if gaps:
        statement = f"|{_written(ratio.of, asked)}| > {ratio.above} |{_written(ratio.to, asked)}|"
        return _not_run(statement, list(samples), gaps)
    of, to = (1 if _value(terms, samples) >= 0 else -1 for terms in (ratio.of, ratio.to))
    terms = [(of * coefficient, term) for coefficient, term in ratio.of]
    terms += [(-to * ratio.above * coefficient, term) for coefficient, term in ratio.to]
    return _contrast(Contrast(collect(terms)), asked)


def _printed(statement: str, cells: Sequence[CellRef], asked: Asked, unit: Decimal | None) -> Finding:
    """A test of printed digits: a multiple of `unit`, or where there is none, two numbers that are not the same."""
    if asked.paper is not None:
        return _not_applicable(statement, cells, f"{statement}: asked of printed numbers only")
    samples, gaps = _look_up(cells, asked)
    if gaps:
        return _not_run(statement, cells, gaps)
    values = [samples[cell].exact for cell in cells]
    estimate = values[0] % unit if unit is not None else values[0] - values[1]
    holds = estimate == 0 if unit is not None else estimate != 0
    verdict = ClaimVerdict.SUPPORTED if holds else ClaimVerdict.NOT_SUPPORTED
    reason = f"{statement}: printed {' and '.join(map(str, values))}"
    return Finding(statement, _names(cells), estimate, Decimal(0), None, None, holds, verdict, reason)


def _look_up(terms: Iterable[Term], asked: Asked) -> tuple[dict[Term, Sample], list[str]]:
    """The numbers that are there, and the reasons of those that are not."""
    samples: dict[Term, Sample] = {}
    gaps: list[str] = []
    for term in terms:
        found = asked.numbers.text(term.id) if isinstance(term, TextRef) else asked.numbers.value(*_place(term))
        if isinstance(found, Decimal):
            ours = asked.paper is not None
            found = Missing(f"{term} is printed by the paper, not measured by us") if ours else Sample(found, None, 1)
        if isinstance(found, Missing):
            gaps.append(found.reason)
        else:
            samples[term] = found
    return samples, gaps


def _place(cell: CellRef) -> tuple[str, str, str]:
    return cell.table, cell.row, cell.column


def _value(terms: Sum, samples: Mapping[Term, Sample]) -> Decimal:
    return sum((coefficient * samples[term].exact for coefficient, term in terms), Decimal(0))


def _error(terms: Sum, samples: Mapping[Term, Sample], asked: Asked) -> Deviation | None:
    """Standard error of a sum, or `None` where one of its numbers has no deviation, not even its column's.

    A pooled deviation is one estimate for all cells of its column. Cells are taken as independent, those of one row
    in two columns too: means and deviations do not tell how they go together.
    """
    groups: dict[object, tuple[float, float]] = {}  # who shares an estimate -> variance, degrees of freedom
    for coefficient, term in terms:
        found = _deviation(term, samples[term], asked) if isinstance(term, CellRef) else None
        if found is None:
            return None
        shared, deviation = found
        variance = float(coefficient) ** 2 * deviation.sd**2 / max(samples[term].n, 1)
        groups[shared] = groups.get(shared, (0.0, 0.0))[0] + variance, deviation.df
    return statistics.combine([Deviation(math.sqrt(variance), df) for variance, df in groups.values()])


def _deviation(cell: CellRef, sample: Sample, asked: Asked) -> tuple[object, Deviation] | None:
    """The deviation of one run of a cell, and by what it is known from others that rest on the same estimate."""
    own = None if sample.std is None or sample.n < 2 else _unbiased(Spread(sample.std, sample.n), asked)
    if own is not None and own.std > 0 and asked.policy.noise == "own":
        return cell, Deviation(own.std, own.n - 1)
    pool = _pool(cell.table, cell.column, asked)
    if pool is None:
        return None
    shared = (cell.table, cell.column) if pool.method == "pooled" else cell
    return shared, pool.of(own)


def _pool(table: str, column: str, asked: Asked) -> Pool | None:
    """The deviation of a column, worked out once for all contrasts of a reading."""
    if (table, column) not in asked.pools:
        spreads = [_unbiased(spread, asked) for spread in asked.numbers.spreads(table, column)]
        asked.pools[table, column] = statistics.pool(spreads, gate=asked.policy.gate)
    return asked.pools[table, column]


def _unbiased(spread: Spread, asked: Asked) -> Spread:
    """With ddof 1; the paper's, where it does not say, as the wider of the two it may be."""
    ddof: Literal[0, 1] = 1 if asked.paper is not None or asked.policy.ddof == 1 else 0
    return statistics.unbiased(spread, ddof)


def _with_paper(terms: Sum, ours: Deviation | None, asked: Asked) -> Deviation | None:
    """Our standard error together with the paper's of the same difference, where it has one."""
    if ours is None or asked.paper is None:
        return ours
    theirs = replace(asked, numbers=asked.paper, paper=None, pools={})
    samples, gaps = _look_up([term for _, term in terms], theirs)
    error = None if gaps else _error(terms, samples, theirs)
    return ours if error is None else statistics.combine([ours, error])


def _not_run(statement: str, terms: Iterable[Term], gaps: Sequence[str]) -> Finding:
    reason = f"missing: {'; '.join(gaps)}"
    return Finding(statement, _names(terms), None, Decimal(0), None, None, None, ClaimVerdict.NOT_RUN, reason)


def _not_applicable(statement: str, terms: Iterable[Term], reason: str) -> Finding:
    return Finding(statement, _names(terms), None, Decimal(0), None, None, None, ClaimVerdict.NOT_APPLICABLE, reason)


def _names(terms: Iterable[Term]) -> tuple[str, ...]:
    return tuple(str(term) for term in terms)


def _written(terms: Sum, asked: Asked) -> str:
    """`a - b`, `2 a - b`: a sum as people write it, cells of the claim's own table without its name."""
    parts = []
    for coefficient, term in terms:
        size = "" if abs(coefficient) == 1 else f"{abs(coefficient):f} "
        parts.append(f"{'-' if coefficient < 0 else '+'} {size}{_short(term, asked)}")
    return " ".join(parts).removeprefix("+ ") or "0"


def _short(term: Term, asked: Asked) -> str:
    return str(term).removeprefix(f"{asked.table}/")


def _evidence(statement: str, estimate: Decimal, interval: Interval, p: float) -> str:
    return f"{statement}: {float(estimate):.3g}, interval [{interval.low:.3g}, {interval.high:.3g}], p = {p:.2g}"
