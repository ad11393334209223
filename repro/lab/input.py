"""How images reach the network: decoded and augmented one by one as the official code does, or by whole batches.

Source: torchvision's transforms on PIL images, in the order of facebookresearch/moco@78b69ca main_moco.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Recipe:
    """The two draw from the same distributions; the numbers drawn and the last bits differ."""

    mode: Literal["reference", "batched"]
