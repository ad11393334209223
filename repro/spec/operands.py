"""What a claim's test speaks of: cells, printed numbers and differences of two of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from repro.spec import model


@dataclass(frozen=True)
class CellRef:
    """A cell: table id, row id, column id."""

    table: str
    row: str
    column: str

    def __str__(self) -> str:
        return f"{self.table}/{self.row}:{self.column}"


@dataclass(frozen=True)
class TextRef:
    """A number printed in the text, by its id."""

    id: str

    def __str__(self) -> str:
        return f"text:{self.id}"


Term = CellRef | TextRef
Operand = tuple[tuple[int, Term], ...]  # coefficient and term: `A - B` is ((1, A), (-1, B))


def row(reference: str, table: str) -> tuple[str, str]:
    """Table and row of `moco-k8192` or `table1/moco-k8192`.

    >>> row("table1/moco-k8192", "figure5"), row("moco-k8192", "table1")
    (('table1', 'moco-k8192'), ('table1', 'moco-k8192'))
    """
    head, slash, tail = reference.partition("/")
    return (head, tail) if slash else (table, reference)


def term(text: str, table: str) -> Term:
    """One operand without a difference: `row:column`, `table/row:column` or `text:ID`.

    Raises `ValueError` for anything else.
    """
    head, colon, tail = text.strip().partition(":")
    if not colon or not head or not tail:
        raise ValueError(f'expected "row:column", "table/row:column" or "text:ID", found "{text}"')
    return TextRef(tail) if head == "text" else CellRef(*row(head, table), tail)


def operand(text: str, table: str) -> Operand:
    """An operand: a term, or a difference of two terms.

    >>> [(sign, str(part)) for sign, part in operand("a:x - text:b", "t")]
    [(1, 't/a:x'), (-1, 'text:b')]
    """
    left, minus, right = text.partition(" - ")
    return ((1, term(left, table)), (-1, term(right, table))) if minus else ((1, term(left, table)),)


def terms(test: model.Test, table: str) -> Iterator[Term]:
    """Every cell and printed number a test rests on; raises `ValueError` where an operand is malformed."""
    match test:
        case model.AllOf() | model.AnyOf():
            for part in test.of:
                yield from terms(part, table)
        case model.Order():
            for text in test.of:
                yield from (part for _, part in operand(text, table))
        case model.Within():
            yield from (part for _, part in operand(test.of, table))
        case model.Ratio():
            for text in (test.of, test.to):
                yield from (part for _, part in operand(text, table))
        case model.Difference():
            yield from cells([test.row, test.over], [test.column], table)
            yield TextRef(test.printed)
        case model.Gain():
            yield from cells([test.row, test.over], test.columns, table)
            yield from cells([test.other, test.other_over], test.other_columns or test.columns, table)
        case model.Better():
            yield from cells([test.row, *test.than], test.columns, table)
        case model.Best():
            yield from cells([test.row, *test.among], test.columns, table)
        case _:
            yield from cells(test.rows, test.columns, table)


def cells(rows: list[str], columns: list[str], table: str) -> Iterator[CellRef]:
    """The cells of some rows in some columns, row by row."""
    for reference in rows:
        for column in columns:
            yield CellRef(*row(reference, table), column)
