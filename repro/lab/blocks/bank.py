"""A memory bank: the embedding that each image of the data set had when it was last seen.

Source: Wu et al. 2018, section 3.2; HobbitLong/CMC@bd28553 NCE/NCEAverage.py (MemoryInsDis and NCEAverage).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from repro.lab import processes
from repro.lab.batch import Setting
from repro.lab.seeds import generator


class Bank(nn.Module):
    """One row per image of the data set, the same in all processes.

    The rows are uniform in a cube at first, of length one only on average, as in the source; a row has unit length
    from its first update on. `name` tells the banks of a method apart.
    """

    rows: Tensor

    def __init__(self, name: str, *, dimensions: int, setting: Setting) -> None:
        super().__init__()
        half = 1 / math.sqrt(dimensions / 3)  # the variance of each number is then 1 / D
        rows = torch.rand(setting.images, dimensions, generator=generator(setting.seed, f"bank {name}"))
        self.register_buffer("rows", rows.mul_(2 * half).sub_(half))  # images x D

    def similarities(self, queries: Tensor, chosen: Tensor) -> Tensor:
        """(N, D) queries against (N, S) rows each of their own: (N, S), with gradient to the queries alone.

        All rows are multiplied and those chosen picked from the result. On one core, 128 queries against 16,384 of
        126,689 rows of 128 numbers take 0.18 s so, and 1.8 s where the rows are gathered first: 65 MB instead of 1 GB.
        Gathering is as fast for 64 queries against 128 of 6,000 rows, and 4 times slower against 512.
        """
        return (queries @ self.rows.clone().T).gather(1, chosen)  # a clone, as `update` comes before the gradient

    @torch.no_grad()
    def update(self, embeddings: Tensor, places: Tensor, *, momentum: float) -> None:
        """rows = momentum * rows + (1 - momentum) * embeddings, then to unit length, for the images of all processes.

        `embeddings` is (N, D) of unit length, `places` int64 (N,).
        """
        embeddings, places = processes.gather(embeddings.detach()), processes.gather(places)
        moved = momentum * self.rows[places] + (1 - momentum) * embeddings
        self.rows.index_copy_(0, places, F.normalize(moved, dim=1))


def choose(places: Tensor, *, images: int, samples: int, generator: Generator) -> Tensor:
    """(N, 1 + samples) rows for each query: its own first, then any, drawn with replacement from all images.

    `places` is int64 (N,), this process's part of the step; the numbers are drawn for all processes. As in the
    source, an image's own row may be among its negatives.
    """
    share = processes.share()
    drawn = torch.randint(images, (len(places) * share.size, samples), generator=generator, device=generator.device)
    return torch.cat([places.unsqueeze(1), share.part(drawn).to(places.device)], dim=1)
