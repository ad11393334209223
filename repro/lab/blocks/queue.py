"""The keys of earlier batches that serve as negatives, first in, first out.

Source: He et al. 2020, section 3.1; facebookresearch/moco@78b69ca moco/builder.py:35-70.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repro.errors import JobFailed
from repro.lab import processes
from repro.lab.batch import Setting
from repro.lab.seeds import generator


class Queue(nn.Module):
    """K embeddings of unit length, random at first, and the place where the next ones go; the same in all processes."""

    rows: Tensor
    place: Tensor

    def __init__(self, size: int, *, dimensions: int, seed: int) -> None:
        super().__init__()
        rows = torch.randn(size, dimensions, generator=generator(seed, "queue"))
        self.register_buffer("rows", F.normalize(rows, dim=1))  # K x D
        self.register_buffer("place", torch.zeros((), dtype=torch.int64))

    def push(self, keys: Tensor) -> None:
        """Overwrite the oldest keys with those of all processes, (N, D) each; a batch never wraps around."""
        keys, start = processes.gather(keys.detach()), int(self.place)
        self.rows[start : start + len(keys)] = keys
        self.place.fill_((start + len(keys)) % len(self.rows))


def build(size: int, *, dimensions: int, setting: Setting) -> Queue:
    """A queue; raises `JobFailed` where its size does not fit the batch."""
    batch = setting.batch
    if size % batch:
        below = size // batch * batch
        nearest = below if below and size - below <= batch // 2 else below + batch
        raise JobFailed(
            f"method.queue: {size} is not a multiple of the batch of {batch}, so the last keys would not fit; "
            f"the nearest that is one is {nearest}"
        )
    return Queue(size, dimensions=dimensions, seed=setting.seed)
