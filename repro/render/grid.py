"""Tables of text on a terminal: columns abreast as far as they fit, the others below; no number is ever broken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from repro.render.outlet import console
from repro.render.printable import printable
from repro.render.wrapping import filled, parts

ROW = 14
"""Characters that the name of a row has at least."""
READABLE = 26
"""Characters in which the names of rows are still read at ease."""
_LONG = 10  # letters of a head that is not cut at its hyphens
Line = tuple[tuple[Text, ...], ...]  # of each column its fields


@dataclass(frozen=True)
class Column:
    """What stands above a column, and above each of its fields."""

    head: str
    fields: tuple[str, ...] = ("",)


@dataclass(frozen=True)
class Row:
    """A row of one or more lines: their names at the left, and of each line the fields of every column."""

    names: tuple[Text, ...]
    lines: tuple[Line, ...]
    block: str | None = None


def draw(rows: Sequence[Row], columns: Sequence[Column]) -> None:
    """Print a table; columns that do not fit beside one another stand below."""
    for number, group in enumerate(groups(rows, columns)):
        if number:
            console().print()
        for line in _lines(rows, columns, group):
            line.rstrip()
            console().print(line, soft_wrap=True)


def fits(rows: Sequence[Row], columns: Sequence[Column]) -> bool:
    """Whether all columns stand abreast and leave the names of the rows enough room to be read."""
    names = max((cell_len(name.plain) for row in rows for name in row.names), default=0)
    return min(names, READABLE) + _taken(rows, columns, range(len(columns))) <= console().width


def groups(rows: Sequence[Row], columns: Sequence[Column]) -> list[list[int]]:
    """The columns in groups that fit beside one another."""
    found: list[list[int]] = []
    for place in range(len(columns)):
        longer = [*(found[-1] if found else []), place]
        if found and ROW + _taken(rows, columns, longer) <= console().width:
            found[-1] = longer
        else:
            found.append([place])
    return found or [[]]


def _taken(rows: Sequence[Row], columns: Sequence[Column], group: Sequence[int]) -> int:
    return sum(_gap(widths) + _whole(widths) for widths in _widths(rows, columns, group))


def _gap(widths: Sequence[int]) -> int:
    """Blanks before a column: more where it has several fields, so that these are seen as one."""
    return 1 if len(widths) == 1 else 3


def _whole(widths: Sequence[int]) -> int:
    """Characters of a column, of its fields' widths."""
    return sum(widths) + len(widths) - 1


def _widths(rows: Sequence[Row], columns: Sequence[Column], group: Sequence[int]) -> list[list[int]]:
    """How wide each field of each column is, with room for the heads and for words that stand across columns."""
    found = [[cell_len(name) for name in columns[place].fields] for place in group]
    across = []
    for line in (tuple(line[place] for place in group) for row in rows for line in row.lines):
        for start, end in runs(line):
            if end - start > 1:
                across.append((start, end, cell_len(line[start][0].plain) + 2))
            else:
                here = zip(found[start], line[start], strict=True)
                found[start] = [max(wide, cell_len(field.plain)) for wide, field in here]
    for widths, place in zip(found, group, strict=True):
        longest = max(map(cell_len, map(str.strip, parts(printable(columns[place].head), long=_LONG))))
        widths[-1] += max(0, longest - _whole(widths))
    for start, end, needed in across:
        found[end - 1][-1] += max(
            0, needed - sum(_gap(widths) + _whole(widths) for widths in found[start:end]) + _gap(found[start])
        )
    return found


def runs(line: Sequence[tuple[Text, ...]]) -> list[tuple[int, int]]:
    """Where each run of columns with the same words begins and ends; a number is a run of its own.

    >>> runs([(Text("1.0"),), (Text("not run"),), (Text("not run"),)])
    [(0, 1), (1, 3)]
    """
    starts = [
        place for place in range(len(line)) if not (place and _is_word(line[place]) and line[place] == line[place - 1])
    ]
    return list(zip(starts, [*starts[1:], len(line)], strict=True))


def _is_word(fields: Sequence[Text]) -> bool:
    """Whether a column has nothing but words."""
    return fields[0].plain[:1].isalpha() and not any(field.plain for field in fields[1:])


def _lines(rows: Sequence[Row], columns: Sequence[Column], group: Sequence[int]) -> Iterator[Text]:
    widths = _widths(rows, columns, group)
    room = console().width - sum(_gap(each) + _whole(each) for each in widths)
    names = min(max((cell_len(name.plain) for row in rows for name in row.names), default=0), max(room, ROW))
    yield from _heads([columns[place] for place in group], widths, names)
    yield Text("─" * (names + sum(_gap(each) + _whole(each) for each in widths)))
    for index, row in enumerate(rows):
        if index and row.block != rows[index - 1].block:
            yield Text("")
        for name, line in zip(row.names, row.lines, strict=True):
            told = filled(parts(printable(name.plain), long=names), names, measure=cell_len)
            cells = _cells([line[place] for place in group], widths)
            for number, words in enumerate(_cut(told, names)):
                left = (words.ljust(names - cell_len(words) + len(words)), name.style)
                yield Text.assemble(left, *([] if number else [cells]))


def _cut(lines: Sequence[str], room: int) -> Iterator[str]:
    """Lines, and what has no place to break cut where it would not fit."""
    for line in lines:
        yield from (line[start : start + room] for start in range(0, max(len(line), 1), room))


def _heads(columns: Sequence[Column], widths: Sequence[Sequence[int]], names: int) -> Iterator[Text]:
    """The heads of columns, each over as many lines as it needs, and those of their fields below."""
    heads = [
        filled(parts(printable(column.head), long=_LONG), _whole(wide), measure=cell_len)
        for column, wide in zip(columns, widths, strict=True)
    ]
    high = max(map(len, heads), default=0)
    for number in range(high):
        line = " " * names
        for head, wide in zip(heads, widths, strict=True):
            words = ([""] * (high - len(head)) + head)[number]
            blanks = _whole(wide) - cell_len(words)
            before = blanks // 2 if len(wide) > 1 else blanks
            line += " " * (_gap(wide) + before) + words + " " * (blanks - before)
        yield Text(line)
    if any(name for column in columns for name in column.fields):
        fields = [tuple(Text(name, style="dim") for name in column.fields) for column in columns]
        yield Text(" " * names) + _cells(fields, widths)


def _cells(line: Sequence[tuple[Text, ...]], widths: Sequence[Sequence[int]]) -> Text:
    """The cells of a line, each right in its place; words of several columns stand between dots."""
    told = Text("")
    for start, end in runs(line):
        if end - start > 1:
            wide = sum(_gap(each) + _whole(each) for each in widths[start:end]) - _gap(widths[start])
            words = f" {line[start][0].plain} "
            told += Text(" " * _gap(widths[start])) + Text(
                words.center(wide - cell_len(words) + len(words), "·"), style=line[start][0].style
            )
            continue
        told += Text(" " * (_gap(widths[start]) - 1))
        for field, wide in zip(line[start], widths[start], strict=True):
            told += Text(" " * (1 + wide - cell_len(field.plain))) + field
    return told
