"""Statistics of few runs: deviations pooled over a column, intervals, tests of difference and of equivalence."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple

import numpy as np
import scipy  # scipy.special is loaded by its first use: it costs as much as everything else here

from repro.errors import ReproError

_FLOOR = 1e-5  # of the median variance: a variance of 0 has no logarithm (as limma does)


class StatisticsError(ReproError, ValueError):
    """Too few numbers for what was asked of them."""


class Spread(NamedTuple):
    """A standard deviation over runs as someone printed or measured it, and the number of runs behind it."""

    std: float
    n: int


class Deviation(NamedTuple):
    """A standard deviation of one run with its degrees of freedom (ddof 1)."""

    sd: float
    df: float


class Interval(NamedTuple):
    """From `low` to `high`, both included."""

    low: float
    high: float


@dataclass(frozen=True)
class Sample:
    """Mean of `n` runs; `std` is their standard deviation, `None` for one run or where none is printed."""

    mean: Decimal | float
    std: float | None
    n: int

    @property
    def exact(self) -> Decimal:
        """The mean as the decimal number it is written as."""
        return self.mean if isinstance(self.mean, Decimal) else Decimal(repr(float(self.mean)))


@dataclass(frozen=True)
class Pool:
    """The run-to-run deviation of a column: one for all rows (`pooled`), or a prior each row's own is drawn towards."""

    sd: float
    df: float
    method: Literal["pooled", "moderated"]
    bartlett_p: float | None  # None where the column has a single deviation

    def of(self, own: Spread | None) -> Deviation:
        """The deviation to use for a cell whose own (ddof 1) is `own`.

        Source: moderated: Smyth 2004, "Linear models and empirical Bayes methods", section 3, the posterior variance.
        """
        if self.method == "pooled" or own is None or own.n < 2:
            return Deviation(self.sd, self.df)
        df = self.df + own.n - 1
        return Deviation(math.sqrt((self.df * self.sd**2 + (own.n - 1) * own.std**2) / df), df)


def summarise(values: Sequence[float]) -> Sample:
    """Mean and standard deviation (ddof 1) of runs; no deviation of a single run.

    >>> summarise([77.0, 78.0, 79.0]), summarise([77.3])
    (Sample(mean=78.0, std=1.0, n=3), Sample(mean=77.3, std=None, n=1))
    """
    if not values or not all(math.isfinite(value) for value in values):
        raise StatisticsError(f"expected finite numbers of at least one run, found {list(values)}")
    mean = math.fsum(values) / len(values)
    if len(values) == 1:
        return Sample(mean, None, 1)
    return Sample(mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)), len(values))


def unbiased(spread: Spread, ddof: Literal[0, 1]) -> Spread:
    """A deviation that was divided by `n - ddof`, as one divided by n - 1.

    >>> round(unbiased(Spread(0.28, 3), 0).std, 3)
    0.343
    """
    return spread if ddof == 1 or spread.n < 2 else Spread(spread.std * math.sqrt(spread.n / (spread.n - 1)), spread.n)


def pool(spreads: Iterable[Spread], *, gate: float) -> Pool | None:
    """The deviation of a column from those of its cells (ddof 1), or `None` where there is none above zero.

    Pooled where Bartlett's test does not reject equal variances at `gate`; else the prior of the moderated variances.

    >>> round(pool([Spread(3.0, 3), Spread(4.0, 3)], gate=0.01).sd ** 2, 9)  # (9 + 16) / 2
    12.5
    """
    usable = [spread for spread in spreads if spread.n >= 2]
    if not any(spread.std > 0 for spread in usable):
        return None
    df = sum(spread.n - 1 for spread in usable)
    sd = math.sqrt(sum((spread.n - 1) * spread.std**2 for spread in usable) / df)
    if len(usable) == 1:
        return Pool(sd, df, "pooled", None)
    p = bartlett(usable)
    if p >= gate:
        return Pool(sd, df, "pooled", p)
    prior = moderation(usable)
    return Pool(sd, df, "pooled", p) if math.isinf(prior.df) else Pool(prior.sd, prior.df, "moderated", p)


class Spreads:
    """The deviations of a column's cells as printed, and what they pool to, worked out once for all cells."""

    def __init__(self, spreads: Iterable[Spread]) -> None:
        self.spreads = tuple(spreads)
        self._pools: dict[tuple[Literal[0, 1], float], Pool | None] = {}

    def pool(self, ddof: Literal[0, 1], *, gate: float) -> Pool | None:
        """Of the deviations, which were divided by `n - ddof`."""
        if (ddof, gate) not in self._pools:
            self._pools[ddof, gate] = pool([unbiased(spread, ddof) for spread in self.spreads], gate=gate)
        return self._pools[ddof, gate]


def bartlett(spreads: Sequence[Spread]) -> float:
    """p of the hypothesis that all cells have one variance; 0 where one of them is 0 and another is not.

    Source: Bartlett 1937, "Properties of sufficiency and statistical tests".
    """
    if any(spread.std == 0 for spread in spreads):
        return 0.0
    freedoms = np.array([spread.n - 1.0 for spread in spreads])
    variances = np.array([spread.std**2 for spread in spreads])
    total, groups = freedoms.sum(), len(spreads)
    pooled = (freedoms * variances).sum() / total
    statistic = total * np.log(pooled) - (freedoms * np.log(variances)).sum()
    correction = 1 + ((1 / freedoms).sum() - 1 / total) / (3 * (groups - 1))
    return float(scipy.special.chdtrc(groups - 1, statistic / correction))


def moderation(spreads: Sequence[Spread]) -> Deviation:
    """The prior deviation and its degrees of freedom (infinite: no more scatter than chance) behind several cells.

    Source: Smyth 2004, section 6.2 (moments of log variances); limma's fitFDist for variances of 0.
    """
    freedoms = np.array([spread.n - 1.0 for spread in spreads])
    variances = np.array([spread.std**2 for spread in spreads])
    variances = np.maximum(variances, _FLOOR * np.median(variances[variances > 0]))
    logs = np.log(variances) - scipy.special.psi(freedoms / 2) + np.log(freedoms / 2)
    scatter = logs.var(ddof=1) - scipy.special.polygamma(1, freedoms / 2).mean()
    if scatter <= 0:
        return Deviation(math.exp(logs.mean() / 2), math.inf)
    half = inverse_trigamma(float(scatter))
    return Deviation(math.exp((logs.mean() + scipy.special.psi(half) - math.log(half)) / 2), 2 * half)


def inverse_trigamma(value: float) -> float:
    """The positive x whose trigamma is `value` > 0.

    Source: Smyth 2004, appendix: Newton's steps on 1 / trigamma, from below.

    >>> round(inverse_trigamma(math.pi**2 / 6), 9)  # trigamma(1)
    1.0
    """
    x = 0.5 + 1 / value
    for _ in range(50):
        trigamma = float(scipy.special.polygamma(1, x))
        step = trigamma * (1 - trigamma / value) / float(scipy.special.polygamma(2, x))
        x += step
        if -step / x < 1e-12:
            break
    return x


def interval(centre: float, error: float, *, df: float, level: float) -> Interval:
    """The two-sided interval of confidence 1 - `level` around a number with standard error `error` (Student's t).

    With `error` = s √(1/m + 1/n) it is the prediction interval for the mean of m new runs after n runs.

    >>> [round(end, 2) for end in interval(77.88, 0.28 * math.sqrt(1 / 3 + 1 / 3), df=2, level=0.05)]
    [76.9, 78.86]
    """
    half = float(scipy.special.stdtrit(df, 1 - level / 2)) * error
    return Interval(centre - half, centre + half)


def difference_p(difference: float, error: float, *, df: float) -> float:
    """Two-sided p of a difference of 0 (Student's t)."""
    return float(2 * scipy.special.stdtr(df, -abs(difference) / error))


def equivalence_p(difference: float, error: float, *, df: float, margin: float) -> float:
    """p of the hypothesis that the true difference is `margin` or more, either way: small p shows equivalence.

    Source: Schuirmann 1987, the two one-sided tests (TOST).
    """
    above = scipy.special.stdtr(df, (difference - margin) / error)
    below = scipy.special.stdtr(df, -(difference + margin) / error)
    return float(max(above, below))


def spread_p(new: Spread, deviation: Deviation) -> float:
    """One-sided p of our runs scattering no more than the reported ones (F test of two variances)."""
    return float(scipy.special.fdtrc(new.n - 1, deviation.df, (new.std / deviation.sd) ** 2))


def combine(parts: Sequence[Deviation]) -> Deviation:
    """Standard error of a sum of independent parts, each a standard error with its degrees of freedom.

    Source: Welch 1947 and Satterthwaite 1946, effective degrees of freedom.

    >>> combine([Deviation(3.0, 2), Deviation(4.0, 2)])  # 25² / (9²/2 + 16²/2)
    Deviation(sd=5.0, df=3.7091988130563798)
    """
    variance = sum(part.sd**2 for part in parts)
    spent = sum(part.sd**4 / part.df for part in parts)
    return Deviation(math.sqrt(variance), variance**2 / spent if spent else math.inf)


def welch(first: Sample, second: Sample) -> Deviation:
    """Standard error and degrees of freedom of `first` minus `second`, each with its own deviation (ddof 1)."""
    parts = []
    for sample in (first, second):
        if sample.std is None or sample.n < 2:
            raise StatisticsError(f"expected two or more runs with a deviation on each side, found {sample}")
        parts.append(Deviation(sample.std / math.sqrt(sample.n), sample.n - 1))
    return combine(parts)


def holm(ps: Sequence[float]) -> list[float]:
    """p values adjusted for being many, in the order given; valid whatever their dependence.

    Source: Holm 1979, "A simple sequentially rejective multiple test procedure".

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    adjusted, most = [0.0] * len(ps), 0.0
    for rank, index in enumerate(sorted(range(len(ps)), key=lambda position: ps[position])):
        most = max(most, min(1.0, (len(ps) - rank) * ps[index]))
        adjusted[index] = most
    return adjusted


def proportion_sd(percent: float, images: int) -> float:
    """Binomial standard deviation, in points, of a percentage of `images` images, by Wilson's centre: never 0.

    Source: Wilson 1927; Agresti and Coull 1998, two successes and two failures added.

    >>> round(proportion_sd(50.0, 5000), 2), proportion_sd(100.0, 100) > 0
    (0.71, True)
    """
    share = (percent / 100 * images + 2) / (images + 4)
    return 100 * math.sqrt(share * (1 - share) / (images + 4))
