"""Statistics of few runs against numbers worked out elsewhere: the paper's columns, textbooks, scipy.stats."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pytest
from scipy import stats

from repro.judge import statistics
from repro.judge.statistics import Deviation, Pool, Sample, Spread, StatisticsError

# The printed deviations of the nine rows that the authors release three checkpoints of, column by column, with the
# pooled deviation and Bartlett's p that tolerance calculations outside this project gave for them.
COLUMNS = {
    "imagenet": ([0.28, 0.17, 0.12, 0.52, 0.38, 0.32, 0.14, 0.11, 0.09], 0.275, 0.29),
    "stylized-imagenet": ([0.55, 0.17, 0.19, 0.26, 0.12, 0.32, 0.39, 0.41, 0.14], 0.315, 0.55),
}


def of_three(stds: list[float]) -> list[Spread]:
    return [Spread(std, 3) for std in stds]


@pytest.mark.parametrize("column", COLUMNS)
def test_pooled_deviation_of_the_papers_columns(column: str) -> None:
    stds, pooled, p = COLUMNS[column]
    pool = statistics.pool(of_three(stds), gate=0.01)
    assert pool is not None
    assert pool.method == "pooled"
    assert pool.df == 18
    assert pool.sd == pytest.approx(pooled, abs=0.0006)
    assert pool.bartlett_p == pytest.approx(p, abs=0.006)
    assert pool.of(Spread(0.52, 3)) == Deviation(pool.sd, 18)


@pytest.mark.parametrize("column", COLUMNS)
def test_the_papers_columns_scatter_no_more_than_chance(column: str) -> None:
    assert statistics.moderation(of_three(COLUMNS[column][0])).df == math.inf


def test_bartlett_is_that_of_scipy() -> None:
    generator = np.random.default_rng(3)
    groups = [generator.normal(0, scale, size=count) for scale, count in ((1, 3), (2, 5), (1.5, 4))]
    spreads = [Spread(float(group.std(ddof=1)), len(group)) for group in groups]
    assert statistics.bartlett(spreads) == pytest.approx(stats.bartlett(*groups).pvalue, rel=1e-9)


def test_unequal_columns_are_moderated_towards_a_prior() -> None:
    spreads = of_three([0.001, 0.3, 0.5, 0.2, 4.0, 9.0])
    pool = statistics.pool(spreads, gate=0.01)
    assert pool is not None
    assert pool.method == "moderated"
    assert pool.bartlett_p is not None
    assert pool.bartlett_p < 0.01
    low, high = pool.of(spreads[0]), pool.of(spreads[-1])
    assert 0.001 < low.sd < high.sd < 9.0
    assert low.df == high.df == pytest.approx(pool.df + 2)
    assert pool.of(None) == Deviation(pool.sd, pool.df)


def test_a_moderated_variance_is_the_weighted_mean_of_prior_and_own() -> None:
    pool = Pool(sd=2.0, df=4.0, method="moderated", bartlett_p=0.001)
    assert pool.of(Spread(5.0, 3)) == Deviation(math.sqrt((4 * 4 + 2 * 25) / 6), 6.0)


def test_the_prior_is_found_again_in_simulated_variances() -> None:
    # scaled inverse chi-square prior with d0 = 8, s0 = 1.5, ten thousand rows of three runs each
    generator = np.random.default_rng(4)
    variances = 8 * 1.5**2 / generator.chisquare(8, size=10_000) * generator.chisquare(2, size=10_000) / 2
    prior = statistics.moderation([Spread(math.sqrt(variance), 3) for variance in variances])
    assert prior.df == pytest.approx(8, rel=0.15)
    assert prior.sd == pytest.approx(1.5, rel=0.03)


def test_one_zero_deviation_among_others_does_not_break_the_column() -> None:
    pool = statistics.pool(of_three([0.0, 0.2, 0.3, 0.25]), gate=0.01)
    assert pool is not None
    assert pool.bartlett_p == 0.0
    assert math.isfinite(pool.sd)


def test_no_deviation_above_zero_is_no_pool() -> None:
    assert statistics.pool([], gate=0.01) is None
    assert statistics.pool([Spread(0.3, 1)], gate=0.01) is None
    assert statistics.pool(of_three([0.0, 0.0]), gate=0.01) is None


@pytest.mark.parametrize(
    ("runs", "own", "pooled"), [(1, 1.39, 0.67), (3, 0.98, 0.47), (5, 0.88, None), (10, 0.79, None)]
)
def test_prediction_interval_of_the_worked_cell(runs: int, own: float, pooled: float | None) -> None:
    error = math.sqrt(1 / 3 + 1 / runs)
    assert statistics.interval(0.0, 0.28 * error, df=2, level=0.05).high == pytest.approx(own, abs=0.006)
    if pooled is not None:
        assert statistics.interval(0.0, 0.275 * error, df=18, level=0.05).high == pytest.approx(pooled, abs=0.006)


def test_prediction_interval_when_the_paper_divided_by_n() -> None:
    spread = statistics.unbiased(Spread(0.28, 3), 0)
    found = statistics.interval(77.88, spread.std * math.sqrt(2 / 3), df=2, level=0.05)
    assert (round(found.low, 2), round(found.high, 2)) == (76.68, 79.08)
    assert statistics.unbiased(Spread(0.28, 3), 1) == Spread(0.28, 3)


def test_no_degrees_of_freedom_to_spare_is_the_normal_distribution() -> None:
    assert statistics.interval(0.0, 1.0, df=math.inf, level=0.05).high == pytest.approx(1.959964, abs=1e-6)


@pytest.mark.parametrize(
    ("first", "second", "low", "high", "p"),
    [
        # patch (alpha = 2) minus MoCo-v2: ImageNet-100 and Stylized, from the printed means and deviations
        (Sample(79.35, 0.12, 3), Sample(77.88, 0.28, 3), 0.87, 2.07, 0.005),
        (Sample(17.37, 0.19, 3), Sample(16.20, 0.55, 3), -0.04, 2.38, 0.054),
    ],
)
def test_welch_on_the_papers_own_numbers(first: Sample, second: Sample, low: float, high: float, p: float) -> None:
    error = statistics.welch(first, second)
    difference = float(first.mean) - float(second.mean)
    found = statistics.interval(difference, error.sd, df=error.df, level=0.05)
    assert found == pytest.approx((low, high), abs=0.006)
    assert statistics.difference_p(difference, error.sd, df=error.df) == pytest.approx(p, abs=0.0006)


def test_welch_is_that_of_scipy() -> None:
    found = statistics.welch(Sample(10.0, 1.0, 4), Sample(8.0, 3.0, 6))
    expected = stats.ttest_ind_from_stats(10.0, 1.0, 4, 8.0, 3.0, 6, equal_var=False)
    assert statistics.difference_p(2.0, found.sd, df=found.df) == pytest.approx(expected.pvalue, rel=1e-9)


def test_welch_wants_two_runs() -> None:
    with pytest.raises(StatisticsError) as caught:
        statistics.welch(Sample(1.0, None, 1), Sample(2.0, 0.5, 3))
    expected = "expected two or more runs with a deviation on each side, found Sample(mean=1.0, std=None, n=1)"
    assert str(caught.value) == expected


def test_equivalence_is_a_ninety_percent_interval_inside_the_margin() -> None:
    difference, error, df, margin = 0.3, 0.2, 7.0, 0.7
    reach = stats.t.ppf(0.95, df) * error
    p = statistics.equivalence_p(difference, error, df=df, margin=margin)
    assert (p < 0.05) == (abs(difference) + reach < margin)
    exact = margin - reach  # the interval just touches the margin
    assert statistics.equivalence_p(exact, error, df=df, margin=margin) == pytest.approx(0.05, abs=1e-9)
    assert statistics.equivalence_p(-difference, error, df=df, margin=margin) == pytest.approx(p)


def test_spread_is_the_f_test_of_scipy() -> None:
    p = statistics.spread_p(Spread(0.5, 4), Deviation(0.3, 18))
    assert p == pytest.approx(stats.f.sf((0.5 / 0.3) ** 2, 3, 18), rel=1e-9)


def test_holm_keeps_the_order_given_and_never_falls() -> None:
    # by hand: 4 x .005, 3 x .01, then max(.03, 2 x .02), then max(.04, 1 x .6)
    assert statistics.holm([0.6, 0.005, 0.02, 0.01]) == pytest.approx([0.6, 0.02, 0.04, 0.03])
    assert statistics.holm([0.9, 0.8]) == [1.0, 1.0]
    assert statistics.holm([]) == []


def test_a_proportion_is_never_certain() -> None:
    assert statistics.proportion_sd(77.88, 5000) == pytest.approx(0.587, abs=0.001)
    assert statistics.proportion_sd(0.0, 50) > 0
    assert statistics.proportion_sd(22.1, 734) == pytest.approx(1.53, abs=0.01)


def test_a_sample_keeps_the_digits_it_is_written_with() -> None:
    assert Sample(77.88, 0.28, 3).exact == Decimal("77.88")
    assert Sample(Decimal("16.20"), None, 1).exact == Decimal("16.20")


@pytest.mark.parametrize("values", [[], [77.0, math.nan]])
def test_runs_that_are_not_there_have_no_mean(values: list[float]) -> None:
    with pytest.raises(StatisticsError) as caught:
        statistics.summarise(values)
    assert str(caught.value) == f"expected finite numbers of at least one run, found {values}"
