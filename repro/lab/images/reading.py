"""Images out of their owner's files, in order, chunk by chunk, decoded by as many processes as are wanted.

Source: `repro.lab.images.decoding` for what is done to each.
Differs: from torchvision's ImageFolder, in that a file that cannot be read ends the job with its name.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader

from repro.errors import JobFailed
from repro.lab.data import Files, Images, Packed
from repro.lab.images.decoding import Unreadable, centred, opened, planes, stored
from repro.lab.jobs import Stopped

__all__ = ["Unreadable", "centred", "chunks", "opened", "whole"]

_UNIT = 32  # images a loader decodes at a time: bounds what waits in memory, whatever the size of a chunk
_Place = str | tuple[str, int, int, int, int]  # a file, or an image in one of a cache: first byte, height, width, CRC
_AHEAD = 2  # units that a loader has ready or in hand


def whole(images: Images, places: Sequence[int] | NDArray[np.int64]) -> list[Tensor]:
    """The images at `places` themselves, each uint8 (3, h, w) and uncut, for training crops.

    Raises `Unreadable` where the file of one cannot be read.
    """
    some = images.images[np.asarray(places, dtype=np.int64)]
    if isinstance(some, np.ndarray):
        return [torch.from_numpy(np.array(each)) for each in some]
    return [torch.from_numpy(planes(_picture(place))) for place in _places(some)]


def chunks(images: Images, *, size: int, loaders: int, stopping: Callable[[], bool]) -> Iterator[tuple[slice, Tensor]]:
    """All images in order, `size` at a time: which they are, and uint8 (n, 3, H, W).

    Files are decoded in `loaders` processes (0: this one), ahead of whoever asks; their number changes no result.
    Raises `Unreadable` for the first file that cannot be read, `JobFailed` where a loader dies, and `Stopped`.
    """
    source = images.images
    units = _held(source, size) if isinstance(source, np.ndarray) else _decoded(source, size, loaders)
    with closing(units):
        for start in range(0, len(images), size):
            rows = slice(start, min(start + size, len(images)))
            yield rows, _filled(units, rows, stopping, total=len(images))


def _filled(units: Iterator[Tensor], rows: slice, stopping: Callable[[], bool], *, total: int) -> Tensor:
    """One chunk from its units."""
    chunk, done = None, rows.start
    while done < rows.stop:
        if stopping():
            raise Stopped(f"stopped after {rows.start} of {total} images")
        unit = next(units)
        if len(unit) == rows.stop - rows.start:
            return unit
        if chunk is None:
            chunk = torch.empty((rows.stop - rows.start, *unit.shape[1:]), dtype=torch.uint8)
        chunk[done - rows.start : done - rows.start + len(unit)] = unit
        done += len(unit)
    assert chunk is not None
    return chunk


def _held(pictures: NDArray[np.uint8], size: int) -> Iterator[Tensor]:
    for start in range(0, len(pictures), size):
        yield torch.from_numpy(np.array(pictures[start : start + size]))  # a copy: on disk they are memory-mapped


def _places(source: Files | Packed) -> list[_Place]:
    """Where each image is, in as few words as another process can be told."""
    if isinstance(source, Files):
        return [os.path.join(source.root, path) for path in source.paths.tolist()]
    return [(os.path.join(source.root, source.files[file]), *cell) for file, *cell in source.cells.tolist()]


def _picture(place: _Place) -> Image.Image:
    return opened(place) if isinstance(place, str) else Image.fromarray(stored(*place).transpose(1, 2, 0))


class _Decoder:
    """What a loader does, as the data set of a `DataLoader`: places in, a unit or the first fault out.

    The places are the indices, so that no loader is sent a million of them.
    """

    def __init__(self, source: Files | Packed) -> None:
        self.resize, self.pixels = source.resize, source.pixels

    def __getitem__(self, places: Sequence[_Place]) -> Tensor | JobFailed:
        unit = np.empty((len(places), 3, self.pixels, self.pixels), np.uint8)
        for row, place in enumerate(places):
            try:
                unit[row] = centred(_picture(place), resize=self.resize, pixels=self.pixels)
            except JobFailed as fault:
                return fault
            except ValueError as fault:
                return Unreadable(place if isinstance(place, str) else place[0], str(fault))
        return torch.from_numpy(unit)


class _Units:
    """Places of one unit after the other, in order; a unit never reaches into the next chunk."""

    def __init__(self, source: Files | Packed, size: int) -> None:
        self.source = source
        starts = [*range(0, len(source), size), len(source)]
        self.starts = [start for a, b in pairwise(starts) for start in range(a, b, _UNIT)]

    def __len__(self) -> int:
        return len(self.starts)

    def __iter__(self) -> Iterator[list[_Place]]:
        for start, stop in zip(self.starts, [*self.starts[1:], len(self.source)], strict=True):
            yield _places(self.source[start:stop])


def _decoded(source: Files | Packed, size: int, loaders: int) -> Iterator[Tensor]:
    units, decoder = _Units(source, size), _Decoder(source)
    found = (decoder[places] for places in units) if loaders == 0 else _loaded(decoder, units, min(loaders, len(units)))
    with closing(found):
        for unit in found:
            if isinstance(unit, JobFailed):
                raise unit
            yield unit


def _loaded(decoder: _Decoder, units: _Units, loaders: int) -> Iterator[Tensor | JobFailed]:
    """Units from processes, in order. They come from a server that has no threads, as a fork of this one could hang."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "This DataLoader will create")  # more than cores: whoever asks for them knows
        loader = DataLoader(
            decoder,  # type: ignore[arg-type]
            batch_size=None,
            sampler=units,
            num_workers=loaders,
            prefetch_factor=_AHEAD,
            collate_fn=_as_it_is,
            worker_init_fn=_settle,
            generator=torch.Generator(),  # it draws from one, to no effect here
            multiprocessing_context=context,
        )
        loaded = iter(loader)
    try:
        yield from loaded
    except RuntimeError as fault:
        if "DataLoader worker" not in str(fault):
            raise
        raise JobFailed(
            f"a process that decodes images ended before its time ({str(fault).splitlines()[0]}), perhaps as memory or "
            "/dev/shm ran out; nothing finished is lost: run again with fewer loaders"
        ) from fault


def _settle(_number: int) -> None:
    """A signal to stop is for who started us."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _as_it_is(unit: Any) -> Any:
    return unit
