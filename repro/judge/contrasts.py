"""A claim's test as sums of numbers that must be above zero, joined by all and any."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Literal

from repro.errors import ReproError
from repro.judge.cells import Direction
from repro.spec import model, operands
from repro.spec.operands import CellRef, Operand, Term, TextRef

Directions = Callable[[str, str], Direction]  # table id, column id -> which way is better
Sum = tuple[tuple[Decimal, Term], ...]  # coefficient x number, each number once


class ClaimError(ReproError, ValueError):
    """A claim that asks for something its columns cannot answer."""


@dataclass(frozen=True)
class Contrast:
    """`terms` minus `target` is above zero; with `printed`, `terms` equals that printed number instead."""

    terms: Sum
    target: Decimal = Decimal(0)
    printed: TextRef | None = None

    def __post_init__(self) -> None:
        if not self.terms:
            raise ClaimError("a test sets a number beside itself, so nothing is left to compare")


@dataclass(frozen=True)
class Ratio:
    """|`of`| is above `above` times |`to`|: a contrast once the signs of both are known."""

    of: Sum
    to: Sum
    above: Decimal


@dataclass(frozen=True)
class Multiple:
    """The printed number is a whole multiple of `unit`."""

    cell: CellRef
    unit: Decimal


@dataclass(frozen=True)
class Distinct:
    """The two printed numbers are not the same."""

    first: CellRef
    second: CellRef


@dataclass(frozen=True)
class Joined:
    """Every one of the parts holds, or at least one of them."""

    how: Literal["all", "any"]
    parts: tuple[Node, ...]


Leaf = Contrast | Ratio | Multiple | Distinct
Node = Leaf | Joined


def expand(test: model.Test, *, table: str, directions: Directions) -> Node:
    """The test of a claim of `table` as contrasts; raises `ClaimError` where a column has no better direction."""
    match test:
        case model.AllOf():
            return Joined("all", tuple(expand(part, table=table, directions=directions) for part in test.of))
        case model.AnyOf():
            return Joined("any", tuple(expand(part, table=table, directions=directions) for part in test.of))
        case model.Order():
            sums = [operands.operand(text, table) for text in test.of]
            return _all(_above(first, second) for first, second in pairwise(sums))
        case model.Ratio():
            of, to = (collect(operands.operand(text, table)) for text in (test.of, test.to))
            return Ratio(of, to, Decimal(repr(test.above)))
        case model.Within():
            return _all(_within(test, table))
        case model.Difference():
            terms = _above(_cell(test.row, test.column, table), _cell(test.over, test.column, table)).terms
            return Contrast(terms, printed=TextRef(test.printed))
        case model.Multiple():
            cells = operands.cells(test.rows, test.columns, table)
            return _all(Multiple(cell, Decimal(test.of)) for cell in cells)
        case model.Distinct():
            return _all(_distinct(test, table))
        case _:
            return _all(_orderings(test, table, directions))


def _orderings(
    test: model.Better | model.Gain | model.Monotone | model.Peak | model.Best, table: str, directions: Directions
) -> Iterator[Contrast]:
    """The tests that say, column by column, which row is above which."""
    match test:
        case model.Better() | model.Best():
            others = test.than if isinstance(test, model.Better) else [row for row in test.among if row != test.row]
            for column in test.columns:
                for other in others:
                    pair = _cell(test.row, column, table), _cell(other, column, table)
                    sign = _sign(pair[0], directions) * (-1 if test.kind == "worse" else 1)
                    yield _above(*pair[::sign])
        case model.Gain():
            others = test.other_columns or test.columns
            if len(others) != len(test.columns):
                counts = f"({len(test.columns)}), found {len(others)}"
                raise ClaimError(f'a test "gain" needs as many other_columns as columns {counts}')
            for column, other in zip(test.columns, others, strict=True):
                yield _gain(test, column, other, table, directions)
        case model.Monotone():
            step = 1 if test.trend == "falling" else -1
            for column in test.columns:
                cells = [_cell(row, column, table) for row in test.rows][::step]
                yield from (_above(first, second) for first, second in pairwise(cells))
        case model.Peak():
            for column in test.columns:
                others = [row for row in test.rows if row != test.at]
                yield from (_above(_cell(test.at, column, table), _cell(row, column, table)) for row in others)


def _gain(test: model.Gain, column: str, other_column: str, table: str, directions: Directions) -> Contrast:
    """(row - over) - (other - other_over), each turned so that up is better."""
    row, over = _cell(test.row, column, table), _cell(test.over, column, table)
    other, other_over = _cell(test.other, other_column, table), _cell(test.other_over, other_column, table)
    ours, theirs = _sign(row, directions), _sign(other, directions)
    parts = _scaled(row, ours) + _scaled(over, -ours) + _scaled(other, -theirs) + _scaled(other_over, theirs)
    return Contrast(collect(parts))


def _within(test: model.Within, table: str) -> Iterator[Contrast]:
    """Above `low`; below `high`, which is minus the operand above minus `high`."""
    of = operands.operand(test.of, table)
    if test.low is None and test.high is None:
        raise ClaimError(f'a test "within" of "{test.of}" needs low, high or both, found neither')
    if test.low is not None:
        yield Contrast(collect(of), target=Decimal(repr(test.low)))
    if test.high is not None:
        yield Contrast(collect(_scaled(of, -1)), target=-Decimal(repr(test.high)))


def _distinct(test: model.Distinct, table: str) -> Iterator[Distinct]:
    """Every pair of columns of every row."""
    for row in test.rows:
        cells = list(operands.cells([row], test.columns, table))
        for index, first in enumerate(cells):
            yield from (Distinct(first, second) for second in cells[index + 1 :])


def _all(parts: Iterable[Leaf]) -> Node:
    """One part as itself, several joined by all."""
    found = tuple(parts)
    return found[0] if len(found) == 1 else Joined("all", found)


def _cell(row: str, column: str, table: str) -> Operand:
    return ((1, CellRef(*operands.row(row, table), column)),)


def _sign(cell: Operand, directions: Directions) -> int:
    """1 where up is better in the cell's column, -1 where down is."""
    reference = cell[0][1]
    assert isinstance(reference, CellRef)
    direction = directions(reference.table, reference.column)
    if direction == "none":
        where = f'column "{reference.column}" of {reference.table}'
        raise ClaimError(f'{where} has direction "none", so no row is better in it; use "order" or "monotone"')
    return 1 if direction == "up" else -1


def _scaled(operand: Operand, sign: int) -> Operand:
    return tuple((sign * coefficient, term) for coefficient, term in operand)


def _above(first: Operand, second: Operand) -> Contrast:
    """`first` is above `second`."""
    return Contrast(collect(first + _scaled(second, -1)))


def collect(parts: Sequence[tuple[int | Decimal, Term]]) -> Sum:
    """Each number once, with its coefficients added; what cancels is left out."""
    coefficients: dict[Term, Decimal] = {}
    for coefficient, term in parts:
        coefficients[term] = coefficients.get(term, Decimal(0)) + coefficient
    return tuple((coefficient, term) for term, coefficient in coefficients.items() if coefficient != 0)
