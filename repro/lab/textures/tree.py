"""The tree of textures beside a tree of photographs: root/split/class/image and out/split/class/texture, by name.

Source: paper, section 2.2 ("a dataset with the same training and validation size").
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from repro.errors import DataMissing, JobFailed, UsageError
from repro.files import digest
from repro.lab.datasets.folder import NOT_PICTURES, classes
from repro.lab.seeds import derive
from repro.lab.textures.making import Order, Outcome, Task, carry_out
from repro.lab.textures.pictures import QUALITY, SUFFIX, Format
from repro.lab.textures.settings import IMAGENET, SIDES
from repro.lab.textures.synthesis import ALGORITHM
from repro.lab.workers import prepare

_AHEAD = 4  # tasks a worker has waiting, so that it never waits itself
_HOPELESS = 8  # failures of the external program before the first success that are taken for a fault of it
_STALE = 3600.0  # seconds after which a part of a file that a killed worker left is swept up


def order(
    *, pixels: int, side: int | None, form: Format, seed: int, program: str, command: str, only_check: bool
) -> Order:
    """What holds for every texture, with the digest of what shapes them."""
    shapes = {
        "pixels": pixels,
        "sides": [side] if side else list(SIDES),
        "quality": QUALITY if form == "jpeg" else None,
        "recipe": None if command else {"algorithm": ALGORITHM, **asdict(IMAGENET)},
    }
    return Order(pixels, side, form, seed, program, command, digest(shapes)[:16], only_check)


def tasks(root: Path, out: Path, splits: Sequence[str], order: Order, *, limit: int | None) -> list[Task]:
    """The images of a tree in the order of their names, at most `limit` of each split, spread over it.

    Raises `DataMissing` where a split is absent or empty and `UsageError` where the textures would lie among the
    photographs.
    """
    if not root.is_dir():
        raise DataMissing(f"--root {root}: expected a folder with {' and '.join(splits)} in it, found none")
    for split in splits:
        if Path(split).name != split or split in (".", ".."):
            raise UsageError(f"--splits {split}: expected names of folders in {root}, with commas between")
        if (out / split).resolve().is_relative_to((root / split).resolve()):
            raise UsageError(f"--out {out}: the textures would lie among the photographs; name another folder")
    found = []
    for split in splits:
        place = root / split
        listed = [path for name in classes(place) for path in _pictures(place / name)]
        if limit and limit < len(listed):
            listed = [listed[i * len(listed) // limit] for i in range(limit)]
        found += [_task(path, root, out, order) for path in listed]
    return found


def _pictures(folder: Path) -> Iterator[Path]:
    """Files of a class in sorted order, subfolders included; hidden ones, and what is no picture by its ending, not."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(place, name)
            if not name.startswith(".") and path.suffix.lower() not in NOT_PICTURES:
                yield path


def _task(path: Path, root: Path, out: Path, order: Order) -> Task:
    name = str(path.relative_to(root).parent / path.stem)
    plain = os.fsencode(name).decode(errors="backslashreplace")
    target = out / path.relative_to(root).parent / f"{path.stem}{SUFFIX[order.form]}"
    return Task(name=plain, source=path, target=target, seed=derive(order.seed, f"texture/{plain}"))


def make(todo: Sequence[Task], order: Order, *, workers: int) -> Iterator[Outcome]:
    """Carry out tasks in processes of their own and tell the outcome of each as it comes.

    Closing the iterator stops; what is finished stays. Two images of one class whose names differ in their suffix only
    would have one texture: the second counts as corrupt. Raises `StoreError` where a texture cannot be written, and
    `JobFailed` where a worker dies or the external program does nothing but fail.
    """
    taken: dict[Path, str] = {}
    waiting: list[Task] = []
    for task in todo:
        other = taken.setdefault(task.target, task.source.name)
        if other == task.source.name:
            waiting.append(task)
        else:
            yield Outcome(task.name, "corrupt", f"{task.source.name} has the name of {other} but for its suffix", 0.0)
    if not order.only_check:
        for folder in {task.target.parent for task in waiting}:
            _sweep(folder)
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=prepare)
    try:
        yield from _hopeful(_outcomes(pool, waiting, order, ahead=workers * _AHEAD))
    except BrokenProcessPool as error:
        raise JobFailed(
            "a worker was killed, perhaps as memory ran out; nothing finished is lost: run the same command again, "
            "with a smaller --workers"
        ) from error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _outcomes(pool: ProcessPoolExecutor, waiting: Sequence[Task], order: Order, *, ahead: int) -> Iterator[Outcome]:
    """Keep a few tasks ahead of the workers; a million at once would take gigabytes."""
    rest, running = iter(waiting), set[Future[Outcome]]()
    while True:
        for task in rest:
            running.add(pool.submit(carry_out, task, order))
            if len(running) >= ahead:
                break
        if not running:
            return
        done, running = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            yield future.result()


def _hopeful(outcomes: Iterator[Outcome]) -> Iterator[Outcome]:
    """The same outcomes, until the external program has only failed."""
    failures, is_working = 0, False
    for outcome in outcomes:
        is_working |= outcome.how in ("made", "remade", "there")
        failures += outcome.how == "failed"
        if failures >= _HOPELESS and not is_working:
            raise JobFailed(f"the first {failures} images all failed, the last one thus: {outcome.reason}")
        yield outcome


def _sweep(folder: Path) -> None:
    """Remove parts of files that a killed worker left."""
    with suppress(OSError):
        for path in folder.glob(".*.part"):
            if time.time() - path.stat().st_mtime > _STALE:
                path.unlink(missing_ok=True)


def strays(todo: Sequence[Task], out: Path, splits: Sequence[str]) -> list[str]:
    """Pictures among the textures that belong to no photograph, such as those of another format: paths below `out`."""
    wanted = {task.target for task in todo}
    found = [path for split in splits for path in _pictures(out / split) if path not in wanted]
    return [str(path.relative_to(out)) for path in found]
