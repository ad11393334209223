"""What a method cannot do is said, not left aside."""

from __future__ import annotations

from repro.errors import JobFailed
from repro.lab.batch import Batch


def no_negatives(batch: Batch, *, method: str) -> None:
    """Raises `JobFailed` where a step has non-semantic negatives and the method's loss no place for them."""
    if batch.negatives:
        raise JobFailed(
            f'negatives.name: the loss of "{method}" has no place for non-semantic negatives; set it to "none", or '
            "method.name to one that has (docs/methods.md)"
        )
