"""Cells: the worked cases, where a deviation comes from when the paper prints none, verdicts in the long run."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from repro.judge.cells import Cell, CellJudgement, Direction, Flag, Verdict, judge_cell, judged_cell
from repro.judge.policy import STANDARD, Policy
from repro.judge.statistics import Sample, Spread, Spreads
from repro.spec.numbers import parse_reported

# Table 1, ImageNet-100, MoCo-v2 at k = 16384: three runs; the deviations of the nine rows with released checkpoints.
REPORTED = parse_reported("77.88 ± 0.28")
COLUMN = [Spread(std, 3) for std in (0.28, 0.17, 0.12, 0.52, 0.38, 0.32, 0.14, 0.11, 0.09)]
MARGIN = 0.735

CASES = {
    "A": [77.61, 77.95, 78.10],
    "B": [77.05, 77.30, 77.42],
    "C": [75.9, 76.2, 76.4],
    "D": [76.2, 77.9, 79.0],
    "E": [78.9, 79.1, 79.2],
    "F": [77.30],
}
KNOWN = replace(STANDARD, ddof=1)


def judge(
    ours: list[float],
    policy: Policy = KNOWN,
    *,
    cell: str = "77.88 ± 0.28",
    runs: int = 3,
    column: list[Spread] = COLUMN,
    margin: float | None = MARGIN,
    direction: Direction = "up",
    images: int | None = None,
) -> CellJudgement:
    return judge_cell(
        parse_reported(cell),
        ours,
        runs=runs,
        column_sds=Spreads(column),
        margin=margin,
        direction=direction,
        policy=policy,
        images=images,
    )


# ------------------------------------------------------------------------------------------------- the worked cases


@pytest.mark.parametrize(
    ("case", "difference", "literal", "inside", "difference_p", "equivalence_p", "spread_p", "verdict"),
    [
        ("A", 0.01, True, True, 0.98, 0.002, 0.45, Verdict.REPRODUCED),
        ("B", -0.62, False, False, 0.012, 0.31, 0.63, Verdict.DIFFERS),
        ("C", -1.71, False, False, 0.0, 1.0, 0.45, Verdict.DIFFERS),
        ("D", -0.18, True, True, 0.43, 0.10, 0.0, Verdict.INCONCLUSIVE),
        ("E", 1.19, False, False, 0.0, 0.98, 0.74, Verdict.EXCEEDS),
        ("F", -0.58, False, True, 0.08, 0.32, None, Verdict.INCONCLUSIVE),
    ],
)
def test_worked_case_with_the_columns_deviation(
    case: str,
    difference: float,
    literal: bool,
    inside: bool,
    difference_p: float,
    equivalence_p: float,
    spread_p: float | None,
    verdict: Verdict,
) -> None:
    found = judge(CASES[case])
    assert found.difference == pytest.approx(difference, abs=0.006)
    assert found.literal is literal
    assert found.interval is not None
    assert (found.interval.low <= float(found.ours.mean) <= found.interval.high) is inside
    assert found.difference_p == pytest.approx(difference_p, abs=0.005)
    assert found.equivalence_p == pytest.approx(equivalence_p, abs=0.006)
    assert found.spread_p == (None if spread_p is None else pytest.approx(spread_p, abs=0.006))
    assert found.verdict is verdict
    assert (Flag.SPREAD in found.flags) is (case == "D")
    assert (found.ours.std is None) is (case == "F")


@pytest.mark.parametrize("case", "ABCDEF")
def test_worked_intervals(case: str) -> None:
    pooled, own = judge(CASES[case]).interval, judge(CASES[case], replace(KNOWN, noise="own")).interval
    assert pooled is not None
    assert own is not None
    half = (0.67, 1.39) if case == "F" else (0.47, 0.98)
    assert (pooled.high - 77.88, own.high - 77.88) == pytest.approx(half, abs=0.006)


@pytest.mark.parametrize(
    ("case", "verdict"),
    [
        ("A", Verdict.REPRODUCED),
        ("B", Verdict.INCONCLUSIVE),
        ("C", Verdict.DIFFERS),
        ("D", Verdict.INCONCLUSIVE),
        ("E", Verdict.EXCEEDS),
        ("F", Verdict.INCONCLUSIVE),
    ],
)
def test_worked_case_with_the_cells_own_deviation(case: str, verdict: Verdict) -> None:
    found = judge(CASES[case], replace(KNOWN, noise="own"))
    assert found.verdict is verdict
    assert found.basis == "the cell's own"


@pytest.mark.parametrize("case", "ABCDEF")
def test_with_the_columns_deviation_no_worked_verdict_hangs_on_ddof(case: str) -> None:
    unknown = judge(CASES[case], STANDARD)
    assert unknown.verdict is judge(CASES[case]).verdict
    assert Flag.DDOF not in unknown.flags
    assert unknown.interval is not None
    if case != "F":
        assert unknown.interval == pytest.approx((77.30, 78.46), abs=0.006)


def test_with_its_own_deviation_case_e_hangs_on_ddof() -> None:
    found = judge(CASES["E"], replace(STANDARD, noise="own"))
    assert found.difference_p == pytest.approx(0.051, abs=0.0006)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert Flag.DDOF in found.flags
    assert found.reason.endswith("; exceeds if the paper's deviations were divided by n - 1")


# ----------------------------------------------------------------------------------------------------------- verdicts


def test_a_real_difference_smaller_than_the_margin_is_within_tolerance() -> None:
    found = judge([77.30, 77.40, 77.35, 77.38, 77.33, 77.36], margin=1.0)
    assert found.verdict is Verdict.WITHIN
    assert found.further_seeds is None


@pytest.mark.parametrize(
    ("direction", "ours", "verdict"),
    [
        ("up", 80.0, Verdict.EXCEEDS),
        ("up", 76.0, Verdict.DIFFERS),
        ("down", 76.0, Verdict.EXCEEDS),
        ("down", 80.0, Verdict.DIFFERS),
        ("none", 80.0, Verdict.DIFFERS),
        ("none", 76.0, Verdict.DIFFERS),
    ],
)
def test_better_follows_the_columns_direction(direction: Direction, ours: float, verdict: Verdict) -> None:
    assert judge([ours, ours + 0.2, ours - 0.2], direction=direction).verdict is verdict


def test_literal_includes_its_end() -> None:
    assert judge([78.16]).literal is True
    assert judge([78.161]).literal is False
    assert judge([77.60]).literal is True


def test_without_a_margin_nothing_is_called_the_same() -> None:
    found = judge(CASES["A"], margin=None)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.equivalence_p is None
    assert "the table sets no margin" in found.reason


def test_an_inconclusive_cell_tells_how_many_more_seeds_would_decide() -> None:
    # D: 1.41 of our own beside 0.275: s = 0.518 over 20 degrees, TOST at d = -0.18 needs t(20, .95) = 1.725
    found = judge(CASES["D"])
    sd = math.sqrt((18 * 0.27545**2 + 2 * float(found.ours.std or 0) ** 2) / 20)
    assert found.further_seeds is not None
    enough, short = ((0.735 - 0.18) / (sd * math.sqrt(1 / 3 + 1 / (3 + n))) for n in (16, 15))
    assert found.further_seeds == 16
    assert short < 1.7247 < enough
    assert found.reason.endswith("; 16 more such seeds would decide")


def test_where_no_number_of_seeds_decides_that_is_said() -> None:
    found = judge(CASES["F"], replace(KNOWN, noise="own"))
    assert found.further_seeds is None
    assert found.reason.endswith("; no number of further seeds would decide (tried up to 100)")


def test_a_reason_is_one_sentence_with_the_numbers() -> None:
    assert judge(CASES["B"]).reason == (
        "ours 77.26 is 0.62 below 77.88, outside the 95 % prediction interval [77.41, 78.35] (p = 0.012); "
        "a true difference under 0.735 is not shown (p = 0.31)"
    )


def test_identical_runs_are_flagged() -> None:
    assert Flag.IDENTICAL in judge([77.9, 77.9, 77.9]).flags
    assert Flag.IDENTICAL not in judge([77.9]).flags


# ------------------------------------------------------------------------------- where the deviation has to come from


def test_a_cell_without_a_deviation_borrows_its_columns_and_counts_as_one_run() -> None:
    found = judge([80.86, 80.5, 81.1], cell="80.86", runs=1)
    assert Flag.BORROWED in found.flags
    assert found.literal is None
    assert found.interval is not None
    # t(18, .975) = 2.101 x 0.2755 x sqrt(1 + 1/3)
    assert found.interval.high - 80.86 == pytest.approx(0.668, abs=0.002)


def test_runs_that_are_not_stated_count_as_one() -> None:
    assert judge([80.9], cell="80.86", runs=0).interval == judge([80.9], cell="80.86", runs=1).interval


def test_a_column_without_deviations_borrows_that_of_our_runs() -> None:
    found = judge([67.0, 67.2, 67.4], cell="67.60", runs=1, column=[])
    assert found.basis == "our runs"
    assert Flag.BORROWED in found.flags
    assert found.spread_p is None
    assert found.interval is not None
    # t(2, .975) = 4.303 x 0.2 x sqrt(1 + 1/3)
    assert found.interval.high - 67.60 == pytest.approx(0.994, abs=0.002)


def test_with_nothing_else_a_percentage_of_images_has_its_own_deviation() -> None:
    found = judge([67.0], cell="67.60", runs=1, column=[], images=50_000)
    assert Flag.BINOMIAL in found.flags
    assert found.interval is not None
    # 1.96 x 100 x sqrt(.676 x .324 / 50000) x sqrt(2)
    assert found.interval.high - 67.60 == pytest.approx(0.580, abs=0.002)


def test_with_nothing_at_all_the_cell_stays_open() -> None:
    found = judge([70.0], cell="67.60", runs=1, column=[])
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.interval is None
    assert found.further_seeds is None
    assert (
        found.reason
        == "ours 70.00 is 2.40 above 67.60; no deviation is known to judge it by: more seeds would give one"
    )


def test_a_column_of_unequal_deviations_is_moderated() -> None:
    wild = [Spread(std, 3) for std in (0.28, 0.001, 0.5, 4.0, 9.0)]
    found = judge(CASES["A"], column=wild)
    assert Flag.MODERATED in found.flags
    assert found.basis == "moderated over the column"


def test_rounding_of_the_printed_mean_counts() -> None:
    # printed to whole points: +-0.5 uniform is 0.289, far above the runs' 0.01
    found = judge([78.0], cell="78 ± 0", runs=3, column=[Spread(0.01, 3)] * 9)
    assert found.interval is not None
    assert found.interval.high - 78 == pytest.approx(2.101 * 0.289, abs=0.002)


def test_a_suspect_target_keeps_its_numbers_and_loses_its_verdict() -> None:
    judgement = judge(CASES["A"])
    seeds = dict(enumerate(CASES["A"]))
    cell = judged_cell(
        "a", "b", reported=REPORTED, seeds=seeds, judgement=judgement, suspect="copied", reimplemented="no code"
    )
    assert cell == Cell(
        "a", "b", REPORTED, seeds, Verdict.SUSPECT, "copied", judgement, (Flag.SUSPECT, Flag.REIMPLEMENTED)
    )
    plain = judged_cell("a", "b", reported=REPORTED, seeds=seeds, judgement=judgement, suspect=None, reimplemented=None)
    assert (plain.verdict, plain.reason, plain.flags) == (judgement.verdict, judgement.reason, ())


# ------------------------------------------------------------------------------------------------ in the long run


def frequencies(shift: float, policy: Policy, simulations: int = 3000) -> Counter[str]:
    """Percent of each verdict where nine rows of three runs and ours have a deviation of 0.275, and ours a shift."""
    generator = np.random.default_rng(5)
    counts: Counter[str] = Counter()
    for _ in range(simulations):
        table = generator.normal(0.0, 0.275, size=(9, 3))
        column = [Spread(float(row.std(ddof=1)), 3) for row in table]
        cell = f"{77.88 + table[0].mean():.6f} ± {column[0].std:.6f}"
        ours = (77.88 + shift + generator.normal(0.0, 0.275, size=3)).tolist()
        counts[judge(ours, policy, cell=cell, column=column).verdict] += 100 / simulations
    return counts


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shift", "verdict", "percent"),
    [
        (0.0, Verdict.REPRODUCED, 87),
        (0.0, Verdict.INCONCLUSIVE, 9),
        (-0.30, Verdict.REPRODUCED, 55),
        (-0.30, Verdict.INCONCLUSIVE, 21),
        (-0.30, Verdict.DIFFERS, 22),
        (-0.735, Verdict.REPRODUCED, 4),
        (-0.735, Verdict.DIFFERS, 86),
        (-1.0, Verdict.DIFFERS, 99),
    ],
)
def test_how_often_the_columns_deviation_gives_each_verdict(shift: float, verdict: Verdict, percent: float) -> None:
    assert frequencies(shift, KNOWN)[verdict] == pytest.approx(percent, abs=3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shift", "verdict", "percent"),
    [
        (0.0, Verdict.REPRODUCED, 69),
        (0.0, Verdict.INCONCLUSIVE, 26),
        (-0.735, Verdict.DIFFERS, 42),
        (-1.5, Verdict.DIFFERS, 89),
    ],
)
def test_how_often_the_cells_own_deviation_gives_each_verdict(shift: float, verdict: Verdict, percent: float) -> None:
    assert frequencies(shift, replace(KNOWN, noise="own"))[verdict] == pytest.approx(percent, abs=3)


@pytest.mark.slow
@pytest.mark.parametrize(("runs", "percent"), [(1, 52), (3, 65.5), (5, 70)])
def test_how_often_a_perfect_reproduction_stays_inside_the_printed_deviation(runs: int, percent: float) -> None:
    generator = np.random.default_rng(6)
    inside = 0
    for _ in range(3000):
        theirs = generator.normal(50.0, 0.3, size=3)
        ours = generator.normal(50.0, 0.3, size=runs).tolist()
        cell = f"{theirs.mean():.6f} ± {theirs.std(ddof=1):.6f}"
        inside += judge(ours, cell=cell).literal is True
    assert inside / 30 == pytest.approx(percent, abs=3)


def test_our_sample_is_kept() -> None:
    assert judge([77.0, 78.0, 79.0]).ours == Sample(78.0, 1.0, 3)
