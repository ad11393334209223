"""Printed numbers: a cell of the paper, character for character, as exact decimals."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_MINUS = str.maketrans({"\u2212": "-", "\u2013": "-"})  # the typographic minus and the en dash some sets print for it


@dataclass(frozen=True)
class Reported:
    """A reported number as printed: mean, standard deviation where one is printed, both exact."""

    mean: Decimal
    std: Decimal | None

    @property
    def decimals(self) -> int:
        """Digits printed after the point of the mean: what it was rounded to."""
        return _decimals(self.mean)


def parse_reported(text: str) -> Reported:
    """Read a printed cell: `77.88 ± 0.28`, or `87.7` where the paper prints no deviation.

    Raises `ValueError`, one sentence, for anything else, a negative deviation included.

    >>> parse_reported("77.88 ± 0.28")
    Reported(mean=Decimal('77.88'), std=Decimal('0.28'))
    >>> parse_reported("\u22120.0068").mean, parse_reported("16.20").decimals
    (Decimal('-0.0068'), 2)
    """
    head, sign, tail = text.partition("±")
    mean, std = head.strip().translate(_MINUS), tail.strip()
    well_formed = _NUMBER.fullmatch(mean) and (std[:1].isdigit() and _NUMBER.fullmatch(std) if sign else True)
    if not well_formed:
        raise ValueError(f'expected a printed number such as "77.88 ± 0.28" or "87.7", found "{text}"')
    return Reported(Decimal(mean), Decimal(std) if sign else None)


def as_printed(value: Decimal, printed: Decimal) -> Decimal:
    """`value` rounded, half away from zero, to the digits of `printed`.

    >>> as_printed(Decimal("1.465"), Decimal("5.97"))
    Decimal('1.47')
    """
    return value.quantize(Decimal(1).scaleb(-_decimals(printed)), rounding="ROUND_HALF_UP")


def _decimals(value: Decimal) -> int:
    """Digits after the point."""
    return max(0, -int(value.as_tuple().exponent))
