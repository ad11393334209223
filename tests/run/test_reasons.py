"""Why a job failed: what the system, torch and numpy raise becomes a sentence, and a bug does not."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from repro.errors import DataMissing
from repro.run import reasons

MEMORY = "out of memory; use fewer workers (--workers 1) or a smaller profile"
CARD = (
    "out of memory on the graphics card; end what else uses it, use fewer workers (--workers 1) or more cards, or a "
    "smaller profile"
)
THREADS = (
    "no more threads can be started: out of memory, or more than ulimit -u allows; use fewer workers (--workers 1)"
)
TOO_MUCH = {
    "torch": "import torch; torch.empty(10**10)",
    "numpy": "import numpy; numpy.ones(10**10)",
    "python": "bytearray(10**10)",
    "the system": "import mmap; mmap.mmap(-1, 10**10)",
}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems do not keep to RLIMIT_AS")
@pytest.mark.parametrize("who", TOO_MUCH)
def test_whoever_finds_no_memory_it_is_one_sentence(who: str) -> None:
    script = (
        "import resource, pathlib\nfrom repro.run import reasons\n"
        "import torch, numpy\nresource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))\n"
        f"try:\n    {TOO_MUCH[who]}\n"
        "except Exception as error:\n    print(reasons.sentence(error, pathlib.Path('folder')))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == (f"{MEMORY}\n", "")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has"), CARD),
        (RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported"), CARD),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), CARD),
        (RuntimeError("std::bad_alloc"), MEMORY),
        (ImportError("libx.so: failed to map segment from shared object"), MEMORY),
        (RuntimeError("can't start new thread"), THREADS),
        (DataMissing("a/b: expected images, found none"), "a/b: expected images, found none"),
        (OSError(errno.EROFS, "x"), "{place}: the file system is read-only; name another folder with --results"),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), None),
        (ValueError("Cannot allocate memory"), None),
    ],
)
def test_what_is_met_is_told(error: Exception, sentence: str | None, tmp_path: Path) -> None:
    wanted = sentence and sentence.replace("{place}", str(tmp_path))
    assert reasons.sentence(error, tmp_path) == wanted


def test_a_file_that_no_memory_was_left_for_is_not_called_damaged(tmp_path: Path) -> None:
    missing = DataMissing(f"{tmp_path}: expected a set of images, found none that can be read")
    missing.__cause__ = OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))
    assert reasons.sentence(missing, tmp_path) == MEMORY
