"""Drawing the embedded data: in batches, beside the same code on one image after the other."""

from __future__ import annotations

from typing import get_args, get_type_hints
from unittest.mock import patch

import recipe
import timing

from repro.lab.corruptions.sweep import CONDITIONS
from repro.lab.data import Images
from repro.lab.datasets import shapes

MANY, FEW = 512, 32
"""Images drawn in batches, and one by one; of "corrupted", clean ones that are drawn and corrupted in 75 ways."""
MANY_CORRUPTED, FEW_CORRUPTED = 6, 1


def singly(values: shapes.Recipe) -> Images:
    """Draw a set in batches of one image."""
    with patch.object(shapes, "_CHUNK", 1):
        return shapes.build(values)


def compare(split: str) -> timing.Row:
    """A split in batches beside the same split image by image."""
    is_corrupted = split == "corrupted"
    many, few = (MANY_CORRUPTED, FEW_CORRUPTED) if is_corrupted else (MANY, FEW)
    copies = len(CONDITIONS) if is_corrupted else 1
    large, small = (recipe.drawn(split, count=count) for count in (many, few))
    ours, theirs = timing.medians(lambda: shapes.build(large), lambda: singly(small))
    return f"{split}, {many * copies / ours:.0f} a second", ours / many / copies, theirs / few / copies


def main() -> None:
    splits = get_args(get_type_hints(shapes.Recipe)["split"])
    timing.write("drawn images of 32 px", [compare(split) for split in splits], unit="image", reference="one by one")


if __name__ == "__main__":
    main()
