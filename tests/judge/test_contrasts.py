"""Every kind of test as the sums it stands for, written out by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter

from repro.judge.cells import Direction
from repro.judge.contrasts import ClaimError, Contrast, Distinct, Joined, Multiple, Node, Ratio, expand
from repro.spec import model
from repro.spec.operands import CellRef, TextRef

ADAPTER: TypeAdapter[model.Test] = TypeAdapter(model.Test)


def direction(table: str, column: str) -> Direction:
    found: Direction = {"error": "down", "bias": "none"}.get(column, "up")  # type: ignore[assignment]
    return found


def expanded(**test: Any) -> Node:
    return expand(ADAPTER.validate_python(test), table="t", directions=direction)


def above(high: str, low: str) -> Contrast:
    """`row:column` is above `row:column`, both of table t."""
    cells = [CellRef("t", *text.split(":")) for text in (high, low)]
    return Contrast(((Decimal(1), cells[0]), (Decimal(-1), cells[1])))


def test_order_goes_pair_by_pair() -> None:
    assert expanded(kind="order", of=["a:x", "b:x", "c:x"]) == Joined("all", (above("a:x", "b:x"), above("b:x", "c:x")))


def test_order_of_two_is_one_contrast() -> None:
    assert expanded(kind="order", of=["a:x", "b:x"]) == above("a:x", "b:x")


def test_order_of_differences_adds_up() -> None:
    found = expanded(kind="order", of=["a:x - b:x", "u/c:x - text:gain"])
    assert found == Contrast(
        (
            (Decimal(1), CellRef("t", "a", "x")),
            (Decimal(-1), CellRef("t", "b", "x")),
            (Decimal(-1), CellRef("u", "c", "x")),
            (Decimal(1), TextRef("gain")),
        )
    )


def test_what_stands_on_both_sides_cancels() -> None:
    found = expanded(kind="order", of=["a:x - b:x", "c:x - b:x"])
    assert found == above("a:x", "c:x")


def test_better_follows_each_columns_direction() -> None:
    found = expanded(kind="better", row="a", than=["b", "c"], columns=["x", "error"])
    assert found == Joined(
        "all", (above("a:x", "b:x"), above("a:x", "c:x"), above("b:error", "a:error"), above("c:error", "a:error"))
    )


def test_worse_is_better_turned_round() -> None:
    found = expanded(kind="worse", row="a", than=["b"], columns=["x", "error"])
    assert found == Joined("all", (above("b:x", "a:x"), above("a:error", "b:error")))


def test_best_leaves_out_the_row_itself() -> None:
    found = expanded(kind="best", row="b", among=["a", "b", "c"], columns=["error"])
    assert found == Joined("all", (above("a:error", "b:error"), above("c:error", "b:error")))


def test_peak_is_the_largest_whatever_the_direction() -> None:
    found = expanded(kind="peak", rows=["a", "b", "c"], columns=["error"], at="b")
    assert found == Joined("all", (above("b:error", "a:error"), above("b:error", "c:error")))


@pytest.mark.parametrize(("trend", "pairs"), [("rising", ["ba", "cb"]), ("falling", ["ab", "bc"])])
def test_monotone_goes_along_the_rows(trend: str, pairs: list[str]) -> None:
    found = expanded(kind="monotone", rows=["a", "b", "c"], columns=["bias"], trend=trend)
    assert isinstance(found, Joined)
    assert set(found.parts) == {above(f"{high}:bias", f"{low}:bias") for high, low in pairs}


def test_gain_is_a_difference_of_differences_each_turned_so_that_up_is_better() -> None:
    found = expanded(kind="gain", row="a", over="b", columns=["x"], other="c", other_over="b", other_columns=["error"])
    # (a:x - b:x) - (b:error - c:error)
    assert found == Contrast(
        (
            (Decimal(1), CellRef("t", "a", "x")),
            (Decimal(-1), CellRef("t", "b", "x")),
            (Decimal(1), CellRef("t", "c", "error")),
            (Decimal(-1), CellRef("t", "b", "error")),
        )
    )


def test_gain_over_the_same_row_is_the_plain_difference() -> None:
    assert expanded(kind="gain", row="a", over="b", columns=["x"], other="c", other_over="b") == above("a:x", "c:x")


def test_difference_is_set_beside_a_printed_number() -> None:
    found = expanded(kind="difference", row="a", over="u/b", column="x", printed="gain")
    terms = ((Decimal(1), CellRef("t", "a", "x")), (Decimal(-1), CellRef("u", "b", "x")))
    assert found == Contrast(terms, printed=TextRef("gain"))


def test_within_is_above_low_and_minus_itself_above_minus_high() -> None:
    text = TextRef("mean")
    assert expanded(kind="within", of="text:mean", low=-0.01, high=0.01) == Joined(
        "all",
        (
            Contrast(((Decimal(1), text),), target=Decimal("-0.01")),
            Contrast(((Decimal(-1), text),), target=Decimal("-0.01")),
        ),
    )


def test_ratio_multiple_and_distinct_keep_their_operands() -> None:
    a, b = CellRef("t", "a", "x"), CellRef("t", "a", "y")
    assert expanded(kind="ratio", of="a:x", to="a:y", above=10.0) == Ratio(
        ((Decimal(1), a),), ((Decimal(1), b),), Decimal("10.0")
    )
    assert expanded(kind="multiple", rows=["a"], columns=["x"], of="0.02") == Multiple(a, Decimal("0.02"))
    assert expanded(kind="distinct", rows=["a"], columns=["x", "y", "z"]) == Joined(
        "all", (Distinct(a, b), Distinct(a, CellRef("t", "a", "z")), Distinct(b, CellRef("t", "a", "z")))
    )


def test_all_and_any_nest() -> None:
    order = {"kind": "order", "of": ["a:x", "b:x"]}
    found = expanded(kind="all", of=[order, {"kind": "any", "of": [order, order]}])
    assert found == Joined("all", (above("a:x", "b:x"), Joined("any", (above("a:x", "b:x"), above("a:x", "b:x")))))


def test_no_row_is_better_where_no_direction_is() -> None:
    with pytest.raises(ClaimError) as caught:
        expanded(kind="better", row="a", than=["b"], columns=["bias"])
    expected = 'column "bias" of t has direction "none", so no row is better in it; use "order" or "monotone"'
    assert str(caught.value) == expected


def test_within_needs_an_end() -> None:
    with pytest.raises(ClaimError) as caught:
        expanded(kind="within", of="a:x")
    assert str(caught.value) == 'a test "within" of "a:x" needs low, high or both, found neither'


def test_gain_needs_as_many_other_columns() -> None:
    with pytest.raises(ClaimError) as caught:
        expanded(kind="gain", row="a", over="b", columns=["x", "y"], other="c", other_over="b", other_columns=["x"])
    assert str(caught.value) == 'a test "gain" needs as many other_columns as columns (2), found 1'


def test_a_number_is_not_compared_with_itself() -> None:
    with pytest.raises(ClaimError) as caught:
        expanded(kind="order", of=["a:x", "a:x"])
    assert str(caught.value) == "a test sets a number beside itself, so nothing is left to compare"
