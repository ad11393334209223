"""Text that says something and steers nothing: what a person or a file gave us never reaches a terminal raw."""

from __future__ import annotations

import re

FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # with one of these in front a spreadsheet computes
_STEERING = re.compile("[\x7f-\x9f]")  # control characters that JSON leaves as they are


def printable(text: str) -> str:
    r"""Text without control characters, but for the ends of lines and tabs.

    >>> printable("a\x1b[31mb\n")
    'a[31mb\n'
    """
    if text.isprintable():  # nearly all of it, at a hundredth of the cost
        return text
    return "".join(sign for sign in text if sign.isprintable() or sign in "\n\t")


def escaped(json: str) -> str:
    r"""JSON text whose every control character is written as its number; it means the same.

    >>> print(escaped('"\x9b31m"'))
    "\u009b31m"
    """
    return _STEERING.sub(lambda sign: f"\\u{ord(sign[0]):04x}", json)


def clock(value: float) -> str:
    """Seconds as a person reads them.

    >>> clock(75), clock(3700)
    ('1:15', '1:01:40')
    """
    whole = round(value)
    minutes, rest = divmod(whole, 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if minutes >= 60 else f"{minutes}:{rest:02d}"


def size(count: float) -> str:
    """Bytes as a person reads them.

    >>> size(0), size(950_000), size(147.9e9)
    ('0 B', '950 kB', '148 GB')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if round(count) < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def plain(text: str) -> str:
    """Text for a cell of CSV, which a spreadsheet does not take for a formula, blanks before it or not.

    >>> plain("=1+1"), plain("77.88")
    ("'=1+1", '77.88')
    """
    text = printable(text)
    return f"'{text}" if text.lstrip().startswith(FORMULA) or text[:1] in ("\t", "\n") else text
