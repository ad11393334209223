"""Image files looked at one by one before a run meets them: what cannot be read, and what is read as something else.

Nothing here loads torch, as each worker would.
"""

from __future__ import annotations

import multiprocessing
import os
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from PIL import Image, UnidentifiedImageError

from repro.errors import JobFailed
from repro.lab.workers import prepare

LARGEST = 89_478_485  # pixels of a picture; from here on Pillow warns of a decompression bomb
ENDINGS = {
    "JPEG": (".jpeg", ".jpg", ".jpe"),
    "PNG": (".png",),
    "GIF": (".gif",),
    "BMP": (".bmp",),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
}
_ORIENTATION = 0x0112  # of EXIF; 1: as stored
TOGETHER = 64  # images that a worker is handed at a time
_AHEAD = 4  # batches a worker has waiting


@dataclass(frozen=True)
class Task:
    """An image file: its path below the root, and the side that it must have, 0 for any."""

    path: str
    pixels: int


@dataclass(frozen=True)
class Remark:
    """One thing about one file: a fault, which no run can use, or a note on how it is read."""

    path: str
    level: Literal["fault", "note"]
    what: str
    detail: str = ""


def inspect(root: Path, tasks: Iterable[Task], *, workers: int, decode: bool) -> Iterator[tuple[int, list[Remark]]]:
    """Look at image files and tell, batch by batch in no order, how many and what there is to say of them.

    Without `decode` the headers alone are read. `workers` 1 is this process; their number changes no remark. Raises
    `JobFailed` where a worker dies.
    """
    batches = _batched(tasks)
    if workers == 1:
        for batch in batches:
            yield len(batch), look(str(root), batch, decode)
        return
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=prepare)
    try:
        running: set[Future[list[Remark]]] = set()
        sizes: dict[Future[list[Remark]], int] = {}
        while True:
            for batch in islice(batches, workers * _AHEAD - len(running)):
                future = pool.submit(look, str(root), batch, decode)
                sizes[future] = len(batch)
                running.add(future)
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield sizes.pop(future), future.result()
    except BrokenProcessPool as error:
        raise JobFailed(
            "a process that decodes images was killed, perhaps as memory ran out; run again with a smaller --workers"
        ) from error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def look(root: str, tasks: list[Task], decode: bool) -> list[Remark]:
    """What there is to say of some files, in their order."""
    return [remark for task in tasks for remark in _look(root, task, decode)]


def _look(root: str, task: Task, decode: bool) -> Iterator[Remark]:
    path = os.path.join(root, task.path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow, about metadata that nobody looks at
            with Image.open(path) as picture:
                if picture.width * picture.height > LARGEST:
                    size = f"{picture.width} x {picture.height} pixels are more than {LARGEST:,}"
                    yield Remark(task.path, "fault", "image too large", size)
                    return
                if decode:
                    picture.load()
                notes = list(_notes(picture, task, decode))
        yield from notes
    except MemoryError:
        yield Remark(task.path, "fault", "image too large", "memory ran out")
    except Exception as fault:  # a decoder on damaged bytes raises nearly anything
        yield _fault(path, task, fault)


def _fault(path: str, task: Task, fault: Exception) -> Remark:
    if isinstance(fault, OSError) and fault.errno is not None:
        return Remark(task.path, "fault", "file that cannot be read", fault.strerror or str(fault))
    if os.path.getsize(path) == 0:
        return Remark(task.path, "fault", "empty file")
    if isinstance(fault, UnidentifiedImageError):
        return Remark(task.path, "fault", "not an image", _beginning(path))
    if isinstance(fault, Image.DecompressionBombError):
        return Remark(task.path, "fault", "image too large", f"more than {2 * LARGEST:,} pixels")
    reason = str(fault).replace(path, "it") or type(fault).__name__
    what = "image cut short" if "truncated" in reason or "Truncated" in reason else "damaged image"
    return Remark(task.path, "fault", what, reason.replace("\n", " "))


def _beginning(path: str) -> str:
    with open(path, "rb") as stream:
        head = stream.read(16)
    text = head.decode("ascii", "replace")
    return f"it begins with {text!r}" if text.isprintable() else f"it begins with {head[:8].hex(' ')}"


def _notes(picture: Image.Image, task: Task, decode: bool) -> Iterator[Remark]:
    """What a reader does with a picture that is not as the others are."""
    endings = ENDINGS.get(picture.format or "", ())
    if os.path.splitext(task.path)[1].lower() not in endings:
        yield Remark(task.path, "note", f"{picture.format} under another ending, read by its content")
    if task.pixels and picture.size != (task.pixels, task.pixels):
        size = f"found {picture.width} x {picture.height}, expected {task.pixels} x {task.pixels}"
        yield Remark(task.path, "fault", "image of another size", size)
    kind = _mode(picture)
    if kind:
        yield Remark(task.path, "note", f"{kind}, read as RGB")
    has_exif = decode or picture.format == "JPEG"  # of a PNG it stands behind the pixels
    if has_exif and picture.getexif().get(_ORIENTATION, 1) not in (0, 1):
        yield Remark(task.path, "note", "turned by its EXIF data, read as it is stored")


def _mode(picture: Image.Image) -> str:
    mode = picture.mode
    if "A" in mode or "transparency" in picture.info:
        return "with transparency"
    if mode == "RGB":
        return ""
    return {"L": "grey", "1": "black and white", "P": "with a palette", "CMYK": "CMYK"}.get(
        mode, "grey of 16 bits" if mode.startswith("I") else f"of mode {mode}"
    )


def _batched(tasks: Iterable[Task]) -> Iterator[list[Task]]:
    rest = iter(tasks)
    while batch := list(islice(rest, TOGETHER)):
        yield batch
