"""Starts several processes on this machine as torchrun would, for tests of what they do together."""

from __future__ import annotations

import os
import socket
import time
import traceback
import warnings
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch

Work = Callable[..., Any]


def together(work: Work, into: Path, *arguments: Any, size: int = 2, seconds: float = 120.0) -> list[Any]:
    """What `work(rank, *arguments)` gives in each of `size` processes; the first trouble of any fails the test."""
    into.mkdir(parents=True, exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = get_context("forkserver")  # what takes seconds to import is imported once for all tests
    context.set_forkserver_preload(["repro.lab.jobs.pretrain", "torch._dynamo"])  # an optimiser imports the latter
    started: list[BaseProcess] = []
    try:
        for rank in range(size):
            child = context.Process(target=_work, args=(work, into, rank, size, port, arguments), daemon=True)
            child.start()
            started.append(child)
        _wait(started, until=time.monotonic() + seconds)
    finally:
        for child in started:
            child.kill()
            child.join()
    troubles = [path.read_text() for path in sorted(into.glob("trouble-*"))]
    assert not troubles, "\n".join(troubles)
    return [torch.load(into / f"result-{rank}", weights_only=False) for rank in range(size)]


def _wait(started: list[BaseProcess], *, until: float) -> None:
    """Until all have ended, one has ended badly, or the time is up."""
    while any(child.is_alive() for child in started):
        if any(child.exitcode for child in started):
            return
        assert time.monotonic() < until, "the processes wait for each other"
        time.sleep(0.02)


def _work(work: Work, into: Path, rank: int, size: int, port: int, arguments: tuple[Any, ...]) -> None:
    place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": size, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    os.environ.update({name: str(value) for name, value in place.items()})
    warnings.simplefilter("error")
    torch.set_num_threads(1)
    try:
        torch.save(work(rank, *arguments), into / f"result-{rank}")
    except BaseException:
        (into / f"trouble-{rank}").write_text(f"process {rank} of {size}:\n{traceback.format_exc()}")
        raise
