"""Two JSON values beside each other: where they are not the same, and what stands there."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

CLOSE = 1e-9
"""Relative, and absolute below 1: numbers computed again elsewhere may differ by rounding, by no more than this."""
ABSENT = "nothing"


def differences(expected: Any, found: Any, *, where: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Path, expected and found of each leaf that is not the same; objects in a list go by their `id` if they have one.

    >>> list(differences({"rows": [{"id": "a", "runs": 3}]}, {"rows": [{"id": "a", "runs": 5}]}))
    [('rows.a.runs', 3, 5)]
    """
    left, right = _parts(expected), _parts(found)
    if left is None or right is None:
        if not same(expected, found):
            yield where, expected, found
        return
    for key in left | right:
        below = f"{where}.{key}" if where else key
        yield from differences(left.get(key, ABSENT), right.get(key, ABSENT), where=below)


def _parts(value: Any) -> dict[str, Any] | None:
    """The parts of a value by name; None of a leaf, as an empty value or a list of numbers is."""
    if isinstance(value, dict):
        return value or None
    if isinstance(value, list) and any(isinstance(part, dict) for part in value):
        names = [part.get("id") if isinstance(part, dict) else None for part in value]
        return {str(place if name is None else name): value[place] for place, name in enumerate(names)}
    return None


def same(expected: Any, found: Any) -> bool:
    """Whether two leaves are the same: numbers up to rounding, a number never the same as a truth or a text.

    >>> same(0.1 + 0.2, 0.3), same(1, True), same([1.0, None], [1, None])
    (True, False, True)
    """
    if isinstance(expected, list | tuple) and isinstance(found, list | tuple):
        return len(expected) == len(found) and all(same(*pair) for pair in zip(expected, found, strict=True))
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    if isinstance(expected, int | float) and isinstance(found, int | float):
        return math.isclose(expected, found, rel_tol=CLOSE, abs_tol=CLOSE)
    return bool(expected == found)


def leaves(value: Any) -> int:
    """How many numbers and words a value holds.

    >>> leaves({"top1": 1.0, "errors": {"fog": [1.0, 2.0]}})
    3
    """
    if isinstance(value, dict | list):
        return sum(map(leaves, value.values() if isinstance(value, dict) else value))
    return 1
