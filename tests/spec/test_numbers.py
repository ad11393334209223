"""Printed cells as exact decimals."""

from __future__ import annotations

from decimal import Decimal

import pytest

from repro.spec.numbers import Reported, as_printed, parse_reported


@pytest.mark.parametrize(
    ("text", "mean", "std", "decimals"),
    [
        ("77.88 ± 0.28", "77.88", "0.28", 2),
        ("77.88±0.28", "77.88", "0.28", 2),
        ("16.20 ± 0.55", "16.20", "0.55", 2),
        ("87.7", "87.7", None, 1),
        ("100", "100", None, 0),
        ("-0.0068", "-0.0068", None, 4),
        ("\u22120.0068", "-0.0068", None, 4),
        ("+3.97", "3.97", None, 2),
    ],
)
def test_a_printed_cell(text: str, mean: str, std: str | None, decimals: int) -> None:
    reported = parse_reported(text)
    assert reported == Reported(Decimal(mean), None if std is None else Decimal(std))
    assert str(reported.mean) == mean
    assert reported.decimals == decimals


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "77,88",
        "77.88 ±",
        "± 0.28",
        "77.88 ± -0.28",
        "77.88 ± +0.28",
        "77.88 +- 0.28",
        "1e3",
        "nan",
        "7.8.8",
        "5 %",
    ],
)
def test_what_is_no_printed_cell(text: str) -> None:
    with pytest.raises(ValueError, match="expected a printed number") as caught:
        parse_reported(text)
    assert str(caught.value) == f'expected a printed number such as "77.88 ± 0.28" or "87.7", found "{text}"'


def test_rounding_as_printed_is_half_away_from_zero() -> None:
    assert as_printed(Decimal("2.045"), Decimal("2.05")) == Decimal("2.05")
    assert as_printed(Decimal("-2.045"), Decimal("2.05")) == Decimal("-2.05")
    assert as_printed(Decimal("3.97"), Decimal("5")) == Decimal("4")
