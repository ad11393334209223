"""What each step needs, fetched ahead by loading processes; a step's material depends on the step alone.

The number of processes, where a run was stopped and what was fetched before change nothing.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.utils.data import DataLoader

from repro.errors import JobFailed
from repro.lab.loading.sources import Errand, Load

_AHEAD = 2  # steps that a process has ready or in hand


class Feed:
    """Gives the material of any step, best of one after the other."""

    def __init__(
        self, errand: Callable[[int], Errand], make: Callable[[Errand], Load], *, steps: int, loaders: int, device: str
    ) -> None:
        """`errand` says here what a step needs, and `make` fetches it, in one of `loaders` processes (0: this one)."""
        self._errand, self._make = errand, make
        self._steps, self._loaders = steps, loaders
        self._pinned = torch.device(device).type == "cuda"
        self._stream: Iterator[Load | JobFailed] | None = None
        self._next = 0
        self._lost: JobFailed | None = None

    def at(self, step: int) -> Load:
        """The material of a step, from 0.

        Raises `JobFailed` where an image cannot be read, or where a loading process was lost; the step at which it was
        is still given, fetched by this process, as whatever ended it may have asked this one to stop as well.
        """
        if self._lost is not None:
            raise self._lost
        if self._stream is None or self._next != step:
            self.close()
            self._stream = self._opened(step)
        self._next = step + 1
        try:
            load = next(self._stream)
        except (RuntimeError, OSError, EOFError) as fault:  # whichever of its ways of talking breaks first
            if not self._loaders or (isinstance(fault, RuntimeError) and "DataLoader worker" not in str(fault)):
                raise
            self._lost = JobFailed(
                "a process that loads images was lost, perhaps as memory or /dev/shm ran out; nothing up to the last "
                "checkpoint is lost: run again with fewer loaders"
            )
            load = self._make(self._errand(step))
        if isinstance(load, JobFailed):
            raise load
        return load

    def close(self) -> None:
        """End the loading processes."""
        self._stream = None

    def _opened(self, first: int) -> Iterator[Load | JobFailed]:
        steps = range(first, self._steps)
        if not self._loaders:
            return (self._make(self._errand(step)) for step in steps)
        context = multiprocessing.get_context("forkserver")  # it has no threads; a fork of this process could hang
        context.set_forkserver_preload([__name__, self._make.__module__])
        return iter(
            DataLoader(
                _Desk(self._make),  # type: ignore[arg-type]
                batch_size=None,
                sampler=_Errands(self._errand, steps),
                num_workers=min(self._loaders, len(steps)),
                prefetch_factor=_AHEAD,
                pin_memory=self._pinned,
                collate_fn=_as_it_is,
                worker_init_fn=_settle,
                generator=torch.Generator(),  # it draws from one, to no effect here
                multiprocessing_context=context,
            )
        )


class _Errands:
    """The errands of steps, in order; sent one by one, so that no process holds the whole set's paths."""

    def __init__(self, errand: Callable[[int], Errand], steps: range) -> None:
        self.errand, self.steps = errand, steps

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[Errand]:
        return map(self.errand, self.steps)


class _Desk:
    """What a loading process does, as the data set of a `DataLoader`: an errand in, its load or a fault out."""

    def __init__(self, make: Callable[[Errand], Load]) -> None:
        self.make = make

    def __getitem__(self, errand: Errand) -> Load | JobFailed:
        try:
            return self.make(errand)
        except JobFailed as fault:
            return fault


def _settle(_number: int) -> None:
    """A signal to stop is for who started us; a run asked to stop still needs the step in hand."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _as_it_is(load: Any) -> Any:
    return load
