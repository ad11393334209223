"""Why a job failed, as one sentence with what to do; what is none of these is a bug and keeps its traceback."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from pathlib import Path

from repro.errors import ReproError
from repro.files import explain

MEMORY = "out of memory; use fewer workers (--workers 1) or a smaller profile"
CARD = (
    "out of memory on the graphics card; end what else uses it, use fewer workers (--workers 1) or more cards, or a "
    "smaller profile"
)
THREADS = (
    "no more threads can be started: out of memory, or more than ulimit -u allows; use fewer workers (--workers 1)"
)
_CARD = re.compile(r"CUDA out of memory|CUDA error: out of memory|CUBLAS_STATUS_ALLOC_FAILED|CUDNN_STATUS_ALLOC_FAILED")
_MEMORY = re.compile(
    r"can't allocate memory|not enough memory|Cannot allocate memory|bad_alloc|bad allocation|"
    r"failed to map segment from shared object"
)
"""What torch and the loader of libraries say, each in a `RuntimeError` or an `ImportError`."""


def sentence(error: BaseException, folder: Path) -> str | None:
    """Why the job that works in `folder` failed; None for a bug."""
    causes = list(_causes(error))
    if any(_CARD.search(str(cause)) for cause in causes):
        return CARD
    if any(map(_is_memory, causes)):
        return MEMORY
    if any(isinstance(cause, RuntimeError) and "can't start new thread" in str(cause) for cause in causes):
        return THREADS
    if isinstance(error, ReproError):
        return str(error)
    return explain(error, folder) if isinstance(error, OSError) else None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what it was raised from: a file that no memory was left for is not a damaged one."""
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__


def _is_memory(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, MemoryError) or (
        isinstance(error, (RuntimeError, ImportError)) and _MEMORY.search(str(error)) is not None
    )
