"""How torch computes in this process; the number of threads is part of a job, as it changes how sums are rounded."""

from __future__ import annotations

import torch


def limit(count: int) -> None:
    """Let torch use this many threads in this process, and take numbers too small to matter (denormals) for zero."""
    torch.set_flush_denormal(True)
    if torch.get_num_threads() != count:
        torch.set_num_threads(count)
