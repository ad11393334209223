"""What a look at a data set found: faults, which a run would trip over, and notes, which are good to know."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Level = Literal["fault", "note"]


@dataclass(frozen=True)
class Finding:
    """One thing that was found, at one place."""

    level: Level
    what: str  # findings of one kind have the same words
    path: str = ""  # below the data set's folder; "" for the folder itself
    detail: str = ""


@dataclass(frozen=True)
class Count:
    """What one folder of class folders, or one file of images, holds beside what it should."""

    folder: str  # "" for the data set's folder itself
    images: int
    images_expected: int | None  # None: not known
    classes: int
    classes_expected: int
    list: str | None  # the known list of classes that it is
    hash: str  # of its class folders' names


@dataclass(frozen=True)
class Survey:
    """A data set's folder beside the catalogue."""

    base: Path
    counts: tuple[Count, ...]
    findings: tuple[Finding, ...]

    @property
    def images(self) -> int:
        """Images in all of its folders."""
        return sum(count.images for count in self.counts)
