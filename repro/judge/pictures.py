"""Which pictures a figure shows: the best classes in whole and as textures, or a query and its negatives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]  # (H, W, 3)
SHOWN = 6
"""Classes, or images, that a figure shows."""


class Look(Protocol):
    """Pictures that a job left: `first` gives one of a class, `named` the one of a name, `samples` those of samples."""

    def first(self, label: str) -> tuple[str, Picture] | None: ...
    def named(self, name: str) -> Picture | None: ...
    def samples(self) -> Mapping[str, Sequence[Picture]]: ...


@dataclass(frozen=True)
class Tile:
    """A picture and what stands below it; `value` is the number in that text, where there is one."""

    label: str
    picture: Picture
    group: str = ""
    value: float | None = None


def best(held: Sequence[Mapping[str, Any]], whole: Look, textures: Look) -> tuple[tuple[Tile, ...], ...]:
    """For each of the best classes, by mean accuracy over `held`, an image and its texture; equal ones by name."""
    names = [name for name in held[0] if all(name in one for one in held)]
    means = {name: sum(float(one[name]) for one in held) / len(held) for name in names}
    lines = []
    for name in sorted(means, key=lambda name: (-means[name], name)):
        found = whole.first(name)
        texture = None if found is None else textures.named(found[0])
        if found is not None and texture is not None:
            said = f"{name}, {means[name]:.1f} %"
            lines.append((Tile(said, found[1], name, means[name]), Tile("", texture, name)))
        if len(lines) == SHOWN:
            break
    return tuple(lines)


def samples(looks: Mapping[str, Look]) -> tuple[tuple[Tile, ...], ...]:
    """For each image the input, query and positive as the first of `looks` has them, then the negative of each.

    Raises `DataMissing` where the samples of a job cannot be read.
    """
    held = {label: look.samples() for label, look in looks.items()}
    first = next(iter(held.values()))
    lines = []
    for place in range(min(SHOWN, len(first["input"]))):
        seen = [(name, first[name][place]) for name in ("input", "query", "positive")]
        seen += [(label, one["negative"][place]) for label, one in held.items()]
        lines.append(tuple(Tile(f"({chr(97 + i)}) {name}", picture) for i, (name, picture) in enumerate(seen)))
    return tuple(lines)
