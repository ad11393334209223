"""Where a text may go on in the next line: at blanks, not those of "α = 2", and behind the hyphens of long words."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

_BLANKS = re.compile(r"(?<=[^\s=] )(?=[^\s=%])")
_HYPHENS = re.compile(r"(?<=-)(?=\w)")


def parts(text: str, *, long: int) -> list[str]:
    """A text cut where a line may end; words of more than `long` letters are cut behind their hyphens too.

    >>> parts("Stylized-ImageNet, α = 2, ImageNet-C", long=13)
    ['Stylized-', 'ImageNet, ', 'α = 2, ', 'ImageNet-C']
    """
    words = _BLANKS.split(text)
    return [part for word in words for part in (_HYPHENS.split(word) if len(word.strip()) > long else [word])]


def filled(cut: Sequence[str], room: float, *, measure: Callable[[str], float]) -> list[str]:
    """Lines of a text that is cut already, each at most `room` wide where that can be; `measure` says how wide one is.

    >>> filled(parts("moco-star-patch-a2-k65536", long=20), 20, measure=len)
    ['moco-star-patch-a2-', 'k65536']
    """
    found = [""]
    for part in cut:
        if found[-1] and measure(found[-1] + part.rstrip()) > room:
            found.append("")
        found[-1] += part
    return [line.strip() for line in found]
