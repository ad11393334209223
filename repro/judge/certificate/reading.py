"""A file to a certificate; whatever else it is, is said in one sentence."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from pydantic import ValidationError

from repro.errors import UsageError
from repro.files import canonical
from repro.judge.certificate import essentials, layout
from repro.judge.certificate.layout import Certificate

_MOST = 1 << 26  # bytes; all tables with five seeds take a thirtieth
_DEEP = 24  # levels; a certificate has half of them
_LARGE = 1 << 53  # of whole numbers
_EXPECTED = {
    "model_type": "an object",
    "dict_type": "an object",
    "model_attributes_type": "a test of a claim",
    "union_tag_invalid": "a kind of test",
    "union_tag_not_found": "a kind of test",
    "string_pattern_mismatch": "a name of another form",
    "too_short": "more parts",
    "too_long": "fewer parts",
}
"""What pydantic says of its own types, in words of a certificate."""


class NotACertificate(UsageError):
    """A file that `repro certify` did not write."""


def read(path: Path) -> tuple[Certificate, dict[str, Any]]:
    """A certificate, and the JSON that it was read from; raises `NotACertificate`."""
    try:
        if not path.is_file():
            raise NotACertificate(f"{path}: expected a certificate, found {'a folder' if path.is_dir() else 'nothing'}")
        if path.stat().st_size > _MOST:
            raise NotACertificate(
                f"{path}: expected a certificate, found {path.stat().st_size} bytes, more than any has"
            )
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotACertificate(f"{path}: expected a certificate, found a file that cannot be read ({error})") from error
    return parse(text, str(path))


def parse(text: str, name: str) -> tuple[Certificate, dict[str, Any]]:
    """A certificate from its text; `name` is that of its file."""
    try:
        document = json.loads(text, parse_constant=_no_number)
        _shape(document)
    except (ValueError, RecursionError) as error:  # surrogates, endless digits and infinities are among them
        why = "nested too deep" if isinstance(error, RecursionError) else str(error)
        raise NotACertificate(
            f"{name}: expected the JSON of a certificate, found what is none ({_short(why)})"
        ) from error
    if document.get("schema") != layout.SCHEMA or document.get("kind") != layout.KIND:
        told = f'"schema": {layout.SCHEMA} and "kind": "{layout.KIND}"'
        raise NotACertificate(f"{name}: expected a certificate, {told}, found another document")
    try:
        held = Certificate.model_validate(document)
    except ValidationError as error:
        more = error.error_count() - 1
        many = f", and {more} more fault{'s'[: more - 1]}" if more else ""
        told = f"{_explained(error.errors(include_url=False)[0])}{many}"
        raise NotACertificate(f"{name}: not a certificate that repro certify wrote: {told}") from error
    for fault in faults(held):
        raise NotACertificate(f"{name}: not a certificate that repro certify wrote: {_short(fault)}")
    return held, document


def _shape(document: Any) -> None:
    """Raise `ValueError` for what cannot be digested, or walked in a few steps."""
    if not isinstance(document, dict):
        raise ValueError("a JSON object was expected")
    level: list[Any] = [document]
    for _ in range(_DEEP):
        parts = [part for each in level for part in (each.values() if isinstance(each, dict) else each)]
        if any(isinstance(part, int) and abs(part) > _LARGE for part in parts):
            raise ValueError("a whole number larger than any in a certificate")
        level = [part for part in parts if isinstance(part, dict | list)]
    if level:
        raise ValueError("nested deeper than any certificate")
    canonical(document).encode()


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _explained(fault: Any) -> str:
    """A fault that pydantic found, as the faults of specs are told."""
    *above, key = [part for part in fault["loc"] if part != "[key]"] or ["the whole"]
    where, here = (".".join(map(str, parts)) or "the whole" for parts in (above, [*above, key]))
    if fault["type"] == "missing":
        return f'{_short(where)}: "{key}" is missing'
    if fault["type"] == "extra_forbidden":
        return f'{_short(where)}: unknown key "{_short(str(key))}"'
    expected = _EXPECTED.get(fault["type"]) or fault["msg"].removeprefix("Input should be ").partition(", found")[0]
    expected = expected.removeprefix("Value error, expected ")
    return f"{_short(here)}: expected {_short(expected)}, found {_short(repr(fault['input']))}"


def faults(held: Certificate) -> Iterator[str]:
    """What does not hang together, one sentence each: names that are given twice or lead nowhere."""
    for name, spec in held.tables.items():
        for kind, parts in (
            ("columns", spec.columns),
            ("rows", spec.rows),
            ("claims", spec.claims),
            ("texts", spec.texts),
        ):
            yield from _twice(f"tables.{name}.{kind}", (part.id for part in parts))
    yield from essentials.faults({name: essentials.as_table(name, spec) for name, spec in held.tables.items()})
    yield from _twice("boards", (board.table for board in held.boards))
    yield from _twice("asked.seeds", map(str, held.asked.seeds))
    for board in held.boards:
        yield from _board(held, board)
    absent = {gap.job for gap in held.missing}
    for name, job in held.jobs.items():
        if job.environment >= len(held.environments):
            yield f"jobs.{name}.environment: there is no environment {job.environment}"
        for role, other in job.inputs.items():
            if other not in held.jobs and other not in absent:
                yield f"jobs.{name}.inputs.{role}: there is no job {other}"


def _board(held: Certificate, board: layout.Judged) -> Iterator[str]:
    where = f"boards.{board.table}"
    if board.table not in held.tables:
        yield f"{where}: there is no table of that name"
        return
    yield from _twice(f"{where}.rows", board.rows)
    yield from _twice(f"{where}.columns", board.columns)
    spec = held.tables[board.table]
    for what, some, asked, parts in (
        ("rows", board.rows, held.asked.rows, spec.rows),
        ("columns", board.columns, held.asked.columns, spec.columns),
    ):
        if set(some) != set(asked or [part.id for part in parts]):
            yield f"{where}.{what}: expected those that were asked for, found {len(some)} others"
    cells = [(cell.row, cell.column) for cell in board.cells]
    if sorted(cells) != sorted((row, column) for row in board.rows for column in board.columns):
        yield f"{where}.cells: expected one for each of {len(board.rows)} rows and {len(board.columns)} columns"
    yield from _cells(held, board.table, board.cells, where)
    beside = essentials.elsewhere(essentials.as_table(board.table, held.tables[board.table]))
    if sorted(board.beside) != sorted(beside):
        yield f"{where}.beside: expected cells of {', '.join(beside) or 'no table'}, found those of others"
        return
    for name, others in board.beside.items():
        rows = [row.id for row in held.tables[name].rows]
        every = sorted((row, column) for row in rows for column in beside[name])
        if sorted((cell.row, cell.column) for cell in others) != every:
            yield f"{where}.beside.{name}: expected each cell of {', '.join(beside[name])} once"
        yield from _cells(held, name, others, f"{where}.beside.{name}")
    yield from _twice(f"{where}.claims", (claim.id for claim in board.claims))


def _cells(held: Certificate, table: str, cells: Iterable[layout.Numbers], where: str) -> Iterator[str]:
    spec = held.tables[table]
    rows, columns = {row.id for row in spec.rows}, {column.id for column in spec.columns}
    for cell in cells:
        at = f"{where}, {cell.row}:{cell.column}"
        if cell.row not in rows or cell.column not in columns:
            yield f"{at}: {table} has no such cell"
        yield from _twice(f"{at}, seeds", (str(seed.seed) for seed in cell.seeds))
        for seed in cell.seeds:
            if seed.value is not None and seed.job not in held.jobs:
                yield f"{at}: there is no job {seed.job}"


def _twice(where: str, names: Iterable[str]) -> Iterator[str]:
    yield from (f'{where}: "{name}" is given {count} times' for name, count in Counter(names).items() if count > 1)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 120 else f"{line[:117]}..."
