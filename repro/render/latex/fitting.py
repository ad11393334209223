"""How a table fits a page of `article`: how large its letters are, which columns stand abreast, how many rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property

from repro.render import wrapping
from repro.render.latex import tex

WIDTH, HEIGHT = 344.0, 538.0  # points of a page's text, of `article` at 10 points on letter paper, and a little less
_NUMBER = re.compile(r"(-?)(\d+)(?:\.(\d+))?(?:±(\d+)(?:\.(\d+))?)?")
_COMMAND = re.compile(r"\\[A-Za-z]+(?:\{\})?|[{}$\\]")
_LONG = 13  # letters of a word that is not cut at its hyphens
_HEAD = 3  # lines of a head
_DIGIT, _POINT, _SIGN = 5.0, 2.8, 7.8  # points of a digit, of a decimal point, of a mathematical sign


@dataclass(frozen=True)
class Size:
    """A size of letters in points, the same in every document: their width in parts of that at 10 points, the height
    of a line, the space at each side of a column."""

    points: int
    scale: float
    skip: float
    gap: float

    @property
    def command(self) -> str:
        """What chooses it in LaTeX."""
        return rf"\fontsize{{{self.points}}}{{{self.skip:g}}}\selectfont"


SIZES = (
    Size(10, 1.0, 12.0, 6.0),
    Size(9, 0.925, 11.0, 4.0),
    Size(8, 0.85, 9.5, 3.0),
    Size(7, 0.815, 8.0, 2.0),
)


@dataclass(frozen=True)
class Entry:
    """A number as a terminal shows it, or words in its place, with the sign behind it as LaTeX."""

    text: str
    sign: str = ""
    sign_width: float = 0.0
    is_joined: bool = False  # the same words stand in the strip beside it

    @property
    def width(self) -> float:
        """Points it takes without its sign."""
        return tex.width(self.text)

    @property
    def is_number(self) -> bool:
        """Whether it stands in its column by its decimal point."""
        return _NUMBER.fullmatch(self.text) is not None


@dataclass(frozen=True)
class Strip:
    """A column of entries, line by line, and its head."""

    head: str
    entries: tuple[Entry, ...]
    least: float = 0.0  # points that it has to give to words which stand across it and its neighbours

    @property
    def form(self) -> str:
        """What siunitx calls its table-format: places before and behind the point, and of the deviation.

        >>> Strip("", (Entry("77.88±0.28"), Entry("-9.1±11.46"), Entry("not run"))).form
        '-2.2(4)'
        """
        minus, whole, decimals, deviation = self._places
        point = f".{decimals}" if decimals else ""
        return f"{'-' if minus else ''}{whole}{point}" + (f"({deviation})" if deviation else "")

    @property
    def has_signs(self) -> bool:
        """Whether any entry has a sign behind it."""
        return any(entry.sign and not entry.is_joined for entry in self.entries)

    @cached_property
    def width(self) -> float:
        """Points it takes at 10 points: its numbers or words with their signs, and its head over three lines."""
        minus, whole, decimals, deviation = self._places
        point = _POINT if decimals else 0.0
        number = (_SIGN if minus else 0.0) + whole * _DIGIT + point + decimals * _DIGIT
        if deviation:
            number += _SIGN + point + (max(deviation, decimals + 1)) * _DIGIT
        words = max((entry.width for entry in self.entries if not entry.is_number and not entry.is_joined), default=0.0)
        signs = max((entry.sign_width for entry in self.entries if not entry.is_joined), default=0.0)
        return max(max(number, words) + signs, self.least, narrowest(self.head, _HEAD))

    @property
    def _places(self) -> tuple[bool, int, int, int]:
        """A minus, digits before the point, behind it, and of the largest deviation without its leading zeros."""
        found = [match for entry in self.entries if (match := _NUMBER.fullmatch(entry.text))]
        decimals = max((len(match[3] or "") for match in found), default=0)
        deviations = [len(match[4].lstrip("0")) + decimals for match in found if match[4]]
        whole = max((len(match[2]) for match in found), default=1)
        return any(match[1] for match in found), whole, decimals, max(deviations, default=0)


@dataclass(frozen=True)
class Fit:
    """The size of letters, the width of the labels in points, and the columns in groups that stand abreast."""

    size: Size
    label: float
    groups: tuple[tuple[int, ...], ...]


def joined(strips: Sequence[Strip]) -> list[Strip]:
    """The same strips with words that several of them share in a line marked, and with room for these."""
    found = list(strips)
    for line in range(max((len(strip.entries) for strip in strips), default=0)):
        for start, end in runs([strip.entries[line] for strip in strips]):
            if end - start > 1:
                for place in range(start, end):
                    entries = list(found[place].entries)
                    entries[line] = replace(entries[line], is_joined=True)
                    found[place] = replace(found[place], entries=tuple(entries))
    for line in range(len(found[0].entries) if found else 0):
        for start, end in runs([strip.entries[line] for strip in found]):
            entry, here = found[start].entries[line], sum(strip.width for strip in found[start:end])
            if entry.is_joined and entry.width + entry.sign_width > here:
                wider = found[end - 1].width + entry.width + entry.sign_width - here
                found[end - 1] = replace(found[end - 1], least=wider)
    return found


def runs(entries: Sequence[Entry]) -> list[tuple[int, int]]:
    """Where each run of the same words begins and ends; a number is a run of its own.

    >>> runs([Entry("1.0"), Entry("1.0"), Entry("not run"), Entry("not run")])
    [(0, 1), (1, 2), (2, 4)]
    """
    starts = [
        place for place, entry in enumerate(entries) if not place or entry.is_number or entry != entries[place - 1]
    ]
    return list(zip(starts, [*starts[1:], len(entries)], strict=True))


def fit(strips: Sequence[Strip], labels: Sequence[str], *, lines: int, sizes: Sequence[Size] = SIZES) -> Fit:
    """The first size at which all columns stand abreast; at the last, columns that do not fit stand below.

    `lines`: over how many lines a label may go.
    """
    whole = max(map(tex.width, labels), default=0.0)
    least = max((narrowest(label, lines) for label in labels), default=0.0)
    every = tuple(range(len(strips)))
    for size in sizes:
        groups = [every]
        if _room(strips, every, size) >= least * size.scale:
            break
    else:
        groups = _groups(strips, size, least * size.scale)
    room = min(_room(strips, group, size) for group in groups)
    return Fit(size, min(whole * size.scale, max(room, 0.0)), tuple(groups))


def _groups(strips: Sequence[Strip], size: Size, label: float) -> list[tuple[int, ...]]:
    """As few groups of columns as can be, of the same number of columns where that fits too."""
    groups: list[tuple[int, ...]] = []
    for place in range(len(strips)):
        longer = (*(groups[-1] if groups else ()), place)
        if groups and _room(strips, longer, size) >= label:
            groups[-1] = longer
        else:
            groups.append((place,))
    each = -(-len(strips) // len(groups))
    even = [tuple(range(start, min(start + each, len(strips)))) for start in range(0, len(strips), each)]
    return even if all(_room(strips, group, size) >= label for group in even) else groups


def _room(strips: Sequence[Strip], group: Sequence[int], size: Size) -> float:
    """Points that are left for the labels."""
    widths = [strip.width for strip in joined([strips[place] for place in group])]
    return WIDTH - 2 * size.gap * len(group) - size.scale * sum(widths)


def height(paragraphs: Iterable[str], size: Size) -> float:
    """Points that paragraphs over the whole page take; commands of LaTeX in them take none."""
    return sum(int(tex.width(_COMMAND.sub("", text)) * size.scale / WIDTH + 1) for text in paragraphs) * size.skip


def wrapped(text: str, room: float) -> list[str]:
    """Lines of a text, each at most so many points wide at 10 points, where its words allow that."""
    return wrapping.filled(parts(text), room, measure=tex.width)


def parts(text: str) -> list[str]:
    """A text cut where a line may end, and inside a word that would have none to itself."""
    return [piece for part in wrapping.parts(text, long=_LONG) for piece in tex.pieces(part)]


@cache
def narrowest(text: str, lines: int) -> float:
    """Points at 10 points in which a text goes over so many lines, none longer than that.

    >>> narrowest("a a", 2) == tex.width("a")
    True
    """
    cut = parts(text)
    ends = range(1, len(cut) + 1)
    rooms = {tex.width("".join(cut[start:end])) for end in ends for start in range(end)}
    longest = max(map(tex.width, cut))
    return next(room for room in sorted(rooms) if room >= longest and len(wrapped(text, room)) <= lines)
