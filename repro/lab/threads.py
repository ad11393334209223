"""How many threads torch may use; the count is part of a job, as it changes how sums are rounded."""

from __future__ import annotations

import torch


def limit(count: int) -> None:
    """Let torch use this many threads in this process."""
    if torch.get_num_threads() != count:
        torch.set_num_threads(count)
