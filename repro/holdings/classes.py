"""The lists of classes that a folder of class folders may hold, and which of them it does, told by their hash."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from functools import cache

from repro.reference import CLASS_LISTS, geirhos16, wnids

GEIRHOS = "geirhos-16"
TITLES = {
    "imagenet-1k": "the 1,000 classes of ImageNet-1K",
    "imagenet-100": "the 100 classes of ImageNet-100, the list of CMC",
    "imagenet-r": "the 200 classes of ImageNet-R",
    "imagenet-100-r": "the 19 classes that ImageNet-100 and ImageNet-R share",
    GEIRHOS: "the 16 categories of Geirhos et al.",
}
"""Each known list, in words."""


@cache
def members(name: str) -> tuple[str, ...]:
    """The names of a list's class folders, sorted."""
    return tuple(geirhos16()) if name == GEIRHOS else wnids(name)


def fingerprint(names: Collection[str]) -> str:
    """SHA-256 over the sorted names, a line each: one hash for one set of classes, in whatever order it was met.

    >>> fingerprint(["n2", "n1"]) == fingerprint(["n1", "n2"])
    True
    """
    return hashlib.sha256("".join(f"{name}\n" for name in sorted(names)).encode()).hexdigest()


@cache
def _known() -> dict[str, str]:
    return {fingerprint(members(name)): name for name in (*CLASS_LISTS, GEIRHOS)}


def identify(names: Collection[str]) -> str | None:
    """The known list that some class folders are, by the hash of their names; None for any other set."""
    return _known().get(fingerprint(names))


def another(names: Collection[str]) -> str | None:
    """What a set of 100 of ImageNet's classes is that are not CMC's; None for any set else.

    >>> another(wnids("imagenet-100")), another(wnids("imagenet-1k"))
    (None, None)
    >>> another(wnids("imagenet-1k")[:100])
    'another ImageNet-100: 8 of its 100 classes are in the list of CMC, so no number on it is comparable'
    """
    found = set(names)
    if len(found) != 100 or not found <= set(members("imagenet-1k")) or identify(found) is not None:
        return None
    shared = len(found & set(members("imagenet-100")))
    return f"another ImageNet-100: {shared} of its 100 classes are in the list of CMC, so no number on it is comparable"
