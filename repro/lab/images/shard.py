"""One file of a cache (`repro.lab.images.cache`): made or checked, alone. Loads no torch, as each worker would."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from repro.files import canonical, file_digest, write_whole
from repro.lab.images import decoding
from repro.lab.images.cache import ABOUT

OPTION = "--out"


@dataclass(frozen=True)
class Shard:
    """Some images of a listing, and the file that they go to."""

    folder: Path
    number: int
    root: Path
    paths: tuple[str, ...]  # below the root
    side: int  # of the shorter side, at most, pixels
    listing: str  # digest of the whole set's
    only_check: bool

    @property
    def file(self) -> Path:
        """The images."""
        return self.folder / f"{self.number:05}.pack"

    @property
    def about(self) -> Path:
        """What is known of them."""
        return self.file.with_suffix(".json")


@dataclass(frozen=True)
class Outcome:
    """What became of a shard; `reasons` say why it was made again, is not right, or could not be made."""

    shard: Shard
    how: Literal["made", "there", "remade", "missing", "wrong", "failed"]
    reasons: tuple[str, ...]


def carry_out(shard: Shard) -> Outcome:
    """Leave the right shard in its place, or say why not."""
    fault = _fault(shard)
    if fault is None:
        return Outcome(shard, "there", ())
    if shard.only_check:
        return Outcome(shard, "missing" if fault == "missing" else "wrong", (fault,))
    pictures, faults = [], []
    for path in shard.paths:
        try:
            pictures.append(reduced(decoding.opened(shard.root / path), side=shard.side))
        except decoding.Unreadable as unread:
            faults.append(f"{path} ({unread.reason})")
    if faults:
        return Outcome(shard, "failed", tuple(faults))
    for about in (shard.folder / ABOUT, shard.about):
        about.unlink(missing_ok=True)  # never beside a file that it is not about
    write_whole(shard.file, b"".join(picture.tobytes() for picture in pictures), option=OPTION)
    known = {
        "listing": shard.listing,
        "side": shard.side,
        "sha256": file_digest(shard.file),
        "sizes": [list(picture.shape[1:]) for picture in pictures],
        "checks": [zlib.crc32(picture.data) for picture in pictures],
    }
    write_whole(shard.about, canonical(known) + "\n", option=OPTION)
    return Outcome(shard, "made" if fault == "missing" else "remade", (fault,))


def reduced(picture: Image.Image, *, side: int) -> NDArray[np.uint8]:
    """(3, h, w) of an RGB picture, its shorter side brought to `side` where it is longer.

    >>> reduced(Image.new("RGB", (500, 375)), side=256).shape, reduced(Image.new("RGB", (90, 60)), side=256).shape
    ((3, 256, 341), (3, 60, 90))
    """
    short = min(picture.size)
    if short > side:
        width, height = (int(side * length / short) for length in picture.size)
        picture = picture.resize((width, height), Image.Resampling.BICUBIC)
    return decoding.planes(picture)


def _fault(shard: Shard) -> str | None:
    """What is wrong with a shard that is there, "missing" where there is none."""
    known = known_of(shard)
    if known is None:
        return "missing"
    if not shard.file.is_file():
        return f"{shard.file.name} is gone"
    expected = size_of(known)
    if shard.file.stat().st_size != expected:
        return f"{shard.file.name} has {shard.file.stat().st_size:,} bytes where {expected:,} were written"
    if file_digest(shard.file) != known["sha256"]:
        return f"{shard.file.name} was changed after it was written: its SHA-256 is another"
    return None


def known_of(shard: Shard) -> dict[str, Any] | None:
    """What is noted of this very shard."""
    try:
        known = json.loads(shard.about.read_text(encoding="utf-8"))
        counts = {len(known["sizes"]), len(known["checks"])}
        is_it = (known["listing"], known["side"], counts) == (shard.listing, shard.side, {len(shard.paths)})
        return known if is_it else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def size_of(known: dict[str, Any]) -> int:
    """Bytes of the images of a shard of which this is known."""
    return sum(3 * height * width for height, width in known["sizes"])
