"""Claims on numbers made up so that every estimate, error and p can be worked out on paper."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from scipy import stats

from repro.judge.cells import Direction
from repro.judge.claims import ClaimVerdict, Missing, Reading, read_ours, read_paper, standing
from repro.judge.policy import STANDARD, Policy
from repro.judge.statistics import Sample, Spread
from repro.spec.model import Claim

SUPPORTED, REFUTED, UNDECIDED = ClaimVerdict.SUPPORTED, ClaimVerdict.NOT_SUPPORTED, ClaimVerdict.UNDECIDED
KNOWN = replace(STANDARD, ddof=1)

Cells = Mapping[str, Sample | Missing]


class Book:
    """Cells by `row:column` of one table, numbers of the text by id, one list of deviations for every column."""

    def __init__(
        self, cells: Cells, texts: Mapping[str, Decimal | Sample | Missing] = {}, spreads: Sequence[Spread] = ()
    ) -> None:
        self.cells, self.texts, self.deviations = cells, texts, spreads

    def value(self, table: str, row: str, column: str) -> Sample | Missing:
        return self.cells[f"{row}:{column}"]

    def text(self, name: str) -> Decimal | Sample | Missing:
        return self.texts[name]

    def direction(self, table: str, column: str) -> Direction:
        return "down" if column == "error" else "up"

    def spreads(self, table: str, column: str) -> Sequence[Spread]:
        return self.deviations


def claim(**test: Any) -> Claim:
    return Claim.model_validate({"id": "C", "section": "3", "quote": "q", "statement": "s", "test": test})


ORDER = claim(kind="order", of=["a:x", "b:x"])
GAIN = claim(kind="difference", row="a", over="b", column="x", printed="gain")


def runs(mean: float | str, std: float | None = 0.3, n: int = 3) -> Sample:
    return Sample(Decimal(mean) if isinstance(mean, str) else mean, std, n)


def on_paper(what: Claim, book: Book, policy: Policy = KNOWN) -> Reading:
    return read_paper(what, book, table="t", policy=policy)


def on_ours(what: Claim, book: Book, paper: Book, *, absolute: bool = True) -> Reading:
    return read_ours(what, book, paper=paper, table="t", policy=KNOWN, absolute=absolute)


NO_PAPER = Book({})


# ------------------------------------------------------------------------------------------------------ by hand


def test_a_contrast_has_the_columns_error() -> None:
    # pooled deviation of (.3, .4) is sqrt(.125) over 4 degrees; standard error x sqrt(1/3 + 1/3)
    found = on_paper(
        ORDER, Book({"a:x": runs("79.35"), "b:x": runs("77.88")}, spreads=[Spread(0.3, 3), Spread(0.4, 3)])
    )
    finding = found.findings[0]
    error = math.sqrt(0.125) * math.sqrt(2 / 3)
    assert finding.estimate == Decimal("1.47")
    assert finding.interval == pytest.approx(
        (1.47 - stats.t.ppf(0.975, 4) * error, 1.47 + stats.t.ppf(0.975, 4) * error)
    )
    assert finding.p == pytest.approx(2 * stats.t.sf(1.47 / error, 4))
    assert (found.holds, found.verdict) == (True, SUPPORTED)
    assert found.cells == ("t/a:x", "t/b:x")


@pytest.mark.parametrize(
    ("mean", "holds", "verdict"),
    [
        (78.0, True, SUPPORTED),
        (77.1, True, UNDECIDED),
        (77.0, False, UNDECIDED),
        (76.9, False, UNDECIDED),
        (76.0, False, REFUTED),
    ],
)
def test_the_sign_says_holds_and_the_interval_says_how_surely(mean: float, holds: bool, verdict: ClaimVerdict) -> None:
    book = Book({"a:x": runs(mean), "b:x": runs(77.0)}, spreads=[Spread(0.3, 3)] * 4)
    found = on_ours(ORDER, book, NO_PAPER)
    assert (found.holds, found.verdict) == (holds, verdict)


def test_with_its_own_deviations_a_contrast_is_welchs() -> None:
    # patch minus MoCo-v2 on Stylized-ImageNet as printed: +1.17 (-.04, 2.38), p = .054
    book = Book({"a:x": runs("17.37", 0.19), "b:x": runs("16.20", 0.55)})
    found = on_paper(ORDER, book, replace(KNOWN, noise="own"))
    assert found.findings[0].interval == pytest.approx((-0.04, 2.38), abs=0.006)
    assert found.findings[0].p == pytest.approx(0.054, abs=0.0006)
    assert (found.holds, found.verdict) == (True, UNDECIDED)


def test_the_papers_deviations_are_taken_wide_where_it_does_not_say_how_it_divided() -> None:
    book = Book({"a:x": runs("78.0"), "b:x": runs("77.0")}, spreads=[Spread(0.3, 3)] * 4)
    wide, known = (on_paper(ORDER, book, policy).findings[0].interval for policy in (STANDARD, KNOWN))
    assert wide is not None
    assert known is not None
    assert (wide.high - 1) / (known.high - 1) == pytest.approx(math.sqrt(3 / 2))
    ours = read_ours(ORDER, book, paper=NO_PAPER, table="t", policy=STANDARD, absolute=True)
    assert ours.findings[0].interval == known


def test_columns_with_two_deviations_are_combined_as_welch_and_satterthwaite_do() -> None:
    class TwoColumns(Book):
        def spreads(self, table: str, column: str) -> Sequence[Spread]:
            return [Spread(0.3, 3)] * 3 if column == "x" else [Spread(0.6, 5)] * 2

    cells = {"a:x": runs("3"), "b:x": runs("1"), "a:y": runs("5", n=5), "b:y": runs("4", n=5)}
    what = claim(kind="gain", row="a", over="b", columns=["x"], other="a", other_over="b", other_columns=["y"])
    finding = on_paper(what, TwoColumns(cells)).findings[0]
    x, y = 0.09 * 2 / 3, 0.36 * 2 / 5  # variances of the two differences, 6 and 8 degrees
    df = (x + y) ** 2 / (x**2 / 6 + y**2 / 8)
    assert finding.estimate == 1
    assert finding.p == pytest.approx(2 * stats.t.sf(1 / math.sqrt(x + y), df))


def test_single_runs_borrow_the_columns_deviation() -> None:
    book = Book({"a:x": runs(80.0, None, 1), "b:x": runs(77.0)}, spreads=[Spread(0.3, 3)] * 4)
    finding = on_ours(ORDER, book, NO_PAPER).findings[0]
    assert finding.p == pytest.approx(2 * stats.t.sf(3 / (0.3 * math.sqrt(1 + 1 / 3)), 8))


def test_single_runs_with_no_deviation_anywhere_hold_by_sign_and_are_undecided() -> None:
    found = on_paper(ORDER, Book({"a:x": runs("5.98", None, 1), "b:x": runs("1", None, 1)}))
    assert (found.holds, found.verdict) == (True, UNDECIDED)
    assert found.reason == "a:x - b:x > 0 holds (4.98), on single runs of no known deviation"


def test_moderated_deviations_are_each_cells_own() -> None:
    wild = [Spread(std, 3) for std in (0.01, 0.01, 5.0, 9.0)]
    book = Book({"a:x": runs(2.0, 0.01), "b:x": runs(1.0, 0.01), "c:x": runs(0.0, 9.0)}, spreads=wild)
    quiet = on_ours(ORDER, book, NO_PAPER).findings[0]
    loud = on_ours(claim(kind="order", of=["a:x", "c:x"]), book, NO_PAPER).findings[0]
    assert quiet.p is not None
    assert loud.p is not None
    assert quiet.p < loud.p


# ------------------------------------------------------------------------------------------------------ joined


TRUE, FALSE, OPEN = "a:x", "c:x", "d:x"  # 80, 76 and 78.1 against b's 78
ROWS = {
    "a:x": runs(80.0),
    "b:x": runs(78.0),
    "c:x": runs(76.0),
    "d:x": runs(78.1),
    "gone:x": Missing("t/gone:x not run"),
}


@pytest.mark.parametrize(
    ("how", "operands", "holds", "verdict"),
    [
        ("all", [TRUE, TRUE], True, SUPPORTED),
        ("all", [TRUE, OPEN], True, UNDECIDED),
        ("all", [TRUE, FALSE, OPEN, "gone:x"], False, REFUTED),
        ("all", [TRUE, "gone:x"], None, ClaimVerdict.NOT_RUN),
        ("any", [TRUE, FALSE, "gone:x"], True, SUPPORTED),
        ("any", [FALSE, FALSE], False, REFUTED),
        ("any", [FALSE, OPEN], True, UNDECIDED),
        ("any", [FALSE, "gone:x"], None, ClaimVerdict.NOT_RUN),
    ],
)
def test_parts_are_joined_in_three_valued_logic(
    how: str, operands: list[str], holds: bool | None, verdict: ClaimVerdict
) -> None:
    what = claim(kind=how, of=[{"kind": "order", "of": [operand, "b:x"]} for operand in operands])
    found = on_ours(what, Book(ROWS, spreads=[Spread(0.3, 3)] * 4), NO_PAPER)
    assert (found.holds, found.verdict) == (holds, verdict)


def test_what_is_missing_is_named() -> None:
    found = on_ours(claim(kind="order", of=["gone:x", "b:x"]), Book(ROWS), NO_PAPER)
    assert found.reason == "missing: t/gone:x not run"


def test_a_reason_tells_three_findings_and_counts_the_rest() -> None:
    what = claim(kind="best", row="a", among=["b", "c", "d", "e", "f"], columns=["x"])
    cells = {f"{row}:x": runs("1", None, 1) for row in "bcdef"} | {"a:x": runs("2", None, 1)}
    found = on_paper(what, Book(cells))
    assert found.reason.count(";") == 3
    assert found.reason.endswith("; and 2 more")


# ------------------------------------------------------------------------------------- within, ratio, printed digits


@pytest.mark.parametrize(("value", "holds"), [("0.00018", True), ("-0.01", False), ("0.02", False)])
def test_within_is_strict(value: str, holds: bool) -> None:
    what = claim(kind="within", of="text:mean", low=-0.01, high=0.01)
    assert on_paper(what, Book({}, {"mean": Decimal(value)})).holds is holds


@pytest.mark.parametrize(
    ("of", "to", "holds"),
    [
        ("-0.0737", "-0.0068", True),
        ("0.0737", "-0.0068", True),
        ("-0.068", "0.0068", False),
        ("-0.05", "-0.0068", False),
    ],
)
def test_ratio_is_of_sizes(of: str, to: str, holds: bool) -> None:
    what = claim(kind="ratio", of="text:of", to="text:to", above=10.0)
    assert on_paper(what, Book({}, {"of": Decimal(of), "to": Decimal(to)})).holds is holds


def test_a_ratio_with_something_missing_is_not_run() -> None:
    what = claim(kind="ratio", of="text:of", to="text:to", above=10.0)
    book = Book({}, {"of": runs(1.0), "to": Missing("no run yet")})
    found = on_ours(what, book, NO_PAPER)
    assert (found.holds, found.verdict, found.reason) == (None, ClaimVerdict.NOT_RUN, "missing: no run yet")


@pytest.mark.parametrize(("printed", "holds"), [("80.86", True), ("80.87", False), ("16.20", True)])
def test_multiples_are_exact(printed: str, holds: bool) -> None:
    what = claim(kind="multiple", rows=["a"], columns=["x"], of="0.02")
    found = on_paper(what, Book({"a:x": runs(printed, None, 1)}))
    assert (found.holds, found.verdict) == (holds, SUPPORTED if holds else REFUTED)
    assert found.reason == f"a:x is a multiple of 0.02: printed {printed}"


@pytest.mark.parametrize(("second", "holds"), [("30.38", False), ("30.39", True)])
def test_distinct_is_exact(second: str, holds: bool) -> None:
    what = claim(kind="distinct", rows=["a"], columns=["x", "y"])
    found = on_paper(what, Book({"a:x": runs("30.38"), "a:y": runs(second)}))
    assert (found.holds, found.reason) == (holds, f"a:x and a:y differ: printed 30.38 and {second}")


@pytest.mark.parametrize(
    "what",
    [
        claim(kind="multiple", rows=["a"], columns=["x"], of="0.02"),
        claim(kind="distinct", rows=["a"], columns=["x", "y"]),
    ],
)
def test_printed_digits_are_not_asked_of_ours(what: Claim) -> None:
    found = on_ours(what, Book({"a:x": runs(1.0), "a:y": runs(1.0)}), NO_PAPER)
    assert (found.holds, found.verdict) == (None, ClaimVerdict.NOT_APPLICABLE)
    assert found.reason.endswith(": asked of printed numbers only")


def test_a_printed_number_that_is_missing_is_not_run() -> None:
    found = on_paper(claim(kind="multiple", rows=["gone"], columns=["x"], of="0.02"), Book(ROWS))
    assert (found.holds, found.verdict, found.reason) == (None, ClaimVerdict.NOT_RUN, "missing: t/gone:x not run")


def test_where_no_part_applies_the_whole_does_not() -> None:
    part = {"kind": "multiple", "rows": ["a"], "columns": ["x"], "of": "0.02"}
    found = on_ours(claim(kind="all", of=[part, part]), Book(ROWS), NO_PAPER)
    assert (found.holds, found.verdict) == (None, ClaimVerdict.NOT_APPLICABLE)


def test_what_does_not_apply_is_left_out_of_a_join() -> None:
    parts = [
        {"kind": "multiple", "rows": ["a"], "columns": ["x"], "of": "0.02"},
        {"kind": "order", "of": ["a:x", "b:x"]},
    ]
    found = on_ours(claim(kind="all", of=parts), Book(ROWS, spreads=[Spread(0.3, 3)] * 4), NO_PAPER)
    assert (found.holds, found.verdict) == (True, SUPPORTED)


def test_a_printed_number_never_stands_in_for_one_of_ours() -> None:
    found = on_ours(
        claim(kind="order", of=["text:a", "text:b"]), Book({}, {"a": Decimal(2), "b": Decimal(1)}), NO_PAPER
    )
    assert (found.holds, found.verdict) == (None, ClaimVerdict.NOT_RUN)
    assert found.reason == (
        "missing: text:a is printed by the paper, not measured by us; "
        "text:b is printed by the paper, not measured by us"
    )


# ----------------------------------------------------------------------------------------------------- difference


@pytest.mark.parametrize(
    ("printed", "holds", "verdict"), [("3.97", True, SUPPORTED), ("5.97", False, REFUTED), ("4.0", True, SUPPORTED)]
)
def test_in_the_paper_a_difference_is_arithmetic(printed: str, holds: bool, verdict: ClaimVerdict) -> None:
    book = Book({"a:x": runs("36.89"), "b:x": runs("32.92")}, {"gain": Decimal(printed)}, [Spread(0.3, 3)] * 4)
    found = on_paper(GAIN, book)
    assert (found.holds, found.verdict) == (holds, verdict)
    assert found.reason == f"a:x - b:x = {printed}: the table gives 3.97"


PAPER = Book({"a:x": runs("79.35", 0.3), "b:x": runs("77.88", 0.3)}, {"gain": Decimal("1.47")}, [Spread(0.3, 3)] * 4)


@pytest.mark.parametrize(
    ("ours", "holds", "verdict"),
    [(1.6, True, SUPPORTED), (0.8, True, SUPPORTED), (0.6, False, REFUTED), (3.0, False, REFUTED)],
)
def test_in_ours_a_difference_is_inside_the_interval_of_both(ours: float, holds: bool, verdict: ClaimVerdict) -> None:
    # each side: 0.3 x sqrt(2/3) over 8 degrees; both: 0.3464 over 16, t = 2.120: +-0.734
    book = Book({"a:x": runs(78.0 + ours), "b:x": runs(78.0)}, spreads=[Spread(0.3, 3)] * 4)
    found = on_ours(GAIN, book, PAPER)
    assert (found.holds, found.verdict) == (holds, verdict)
    interval = found.findings[0].interval
    assert interval is not None
    assert interval.high - ours == pytest.approx(0.734, abs=0.001)
    assert found.findings[0].target == Decimal("1.47")


def test_an_interval_that_holds_the_printed_gain_and_none_at_all_decides_nothing() -> None:
    found = on_ours(GAIN, Book({"a:x": runs(78.6), "b:x": runs(78.0)}, spreads=[Spread(1.0, 3)] * 4), PAPER)
    assert (found.holds, found.verdict) == (True, UNDECIDED)


def test_a_printed_gain_is_no_target_for_small_data() -> None:
    book = Book({"a:x": runs(80.0), "b:x": runs(78.0)}, spreads=[Spread(0.3, 3)] * 4)
    found = on_ours(GAIN, book, PAPER, absolute=False)
    assert (found.holds, found.verdict) == (None, ClaimVerdict.NOT_APPLICABLE)
    assert found.reason == (
        "a:x - b:x = 1.47: a printed gain is set beside ours only on the paper's data at the paper's scale"
    )


def test_a_difference_of_single_runs_is_undecided() -> None:
    found = on_ours(GAIN, Book({"a:x": runs(80.0, None, 1), "b:x": runs(78.0, None, 1)}), PAPER)
    assert (found.holds, found.verdict) == (None, UNDECIDED)
    assert found.reason == "a:x - b:x = 1.47: ours is 2, of no known deviation"


def test_a_difference_with_something_missing_is_not_run() -> None:
    found = on_ours(GAIN, Book({"a:x": runs(80.0), "b:x": Missing("t/b:x failed")}), PAPER)
    assert (found.verdict, found.reason) == (ClaimVerdict.NOT_RUN, "missing: t/b:x failed")


# ------------------------------------------------------------------------------------------------------- standing


@pytest.mark.parametrize(
    ("paper", "ours", "phrase"),
    [
        ((True, SUPPORTED), SUPPORTED, "supported"),
        ((True, UNDECIDED), UNDECIDED, "undecided; open in the paper"),
        ((True, UNDECIDED), SUPPORTED, "supported; open in the paper"),
        ((False, REFUTED), SUPPORTED, "supported; fails in the paper"),
        ((False, UNDECIDED), REFUTED, "not supported; fails in the paper"),
        ((None, ClaimVerdict.NOT_RUN), SUPPORTED, "supported"),
        ((False, REFUTED), ClaimVerdict.NOT_APPLICABLE, "not applicable"),
    ],
)
def test_our_verdict_is_told_with_the_papers(
    paper: tuple[bool | None, ClaimVerdict], ours: ClaimVerdict, phrase: str
) -> None:
    assert standing(Reading(*paper, "", ()), Reading(None, ours, "", ())) == phrase
