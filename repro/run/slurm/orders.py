"""What a submitted array finds in the results folder, and what its tasks leave there: one folder an array.

`results/slurm/<when>-<kind>-<token>/` has `order.json` (the means, and how often jobs were tried before), `tasks.jsonl`
(a line a task), `submission.sh`, `array` (the scheduler's number), and for each task `events-N.jsonl` (what it tells)
and `log-N.txt` (what it prints).
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from repro.errors import StoreError
from repro.files import canonical, write_whole
from repro.plan.jobs import Job
from repro.run.slurm.arrays import Array
from repro.store import Store

AWAY = "removed."  # how the name of a folder begins that is being removed


def root(store: Store) -> Path:
    """Where the arrays of a results folder have their folders."""
    return store.root.absolute() / "slurm"


def write(store: Store, array: Array, means: Mapping[str, Any], tries: Mapping[str, int]) -> Path:
    """Make the folder of an array that is about to be submitted; `tries` says how often its jobs were tried before."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S.%f")  # sorts them by time
    folder = root(store) / f"{stamp}-{array.kind}-{secrets.token_hex(4)}"
    before = {job.id: tries[job.id] for jobs in array.tasks.values() for job in jobs if tries.get(job.id)}
    order = {"kind": array.kind, "after": array.after, "tries": before, **means}
    write_whole(folder / "order.json", canonical(order) + "\n")
    lines = [
        canonical({"task": number, "jobs": [_packed(job) for job in jobs]}) for number, jobs in array.tasks.items()
    ]
    write_whole(folder / "tasks.jsonl", "\n".join(lines) + "\n")
    return folder


def _packed(job: Job) -> dict[str, Any]:
    return {"content": job.content, "label": job.label, "images": job.images}


def discard(folder: Path) -> None:
    """Remove the folder of an array; whoever looks meets it whole or not at all."""
    away = folder.with_name(f"{AWAY}{secrets.token_hex(8)}")
    with suppress(OSError):  # another did, or nothing may be removed here: then it stays
        folder.rename(away)
    shutil.rmtree(away, ignore_errors=True)


def means(folder: Path) -> dict[str, Any]:
    """How an array's jobs are done; raises `StoreError` where its folder was damaged."""
    try:
        found: dict[str, Any] = json.loads((folder / "order.json").read_text(encoding="utf-8"))
        if not all(isinstance(count, int) for count in found["tries"].values()):
            raise TypeError("tries")
        return found
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"{folder}: expected the order of a submitted array, found none ({error})") from error


def listed(store: Store) -> Iterator[tuple[Path, dict[int, list[Job]]]]:
    """The folder of each array and its tasks, the oldest first; raises `StoreError` for one that was damaged."""
    for folder in sorted(root(store).glob("*-*/")):
        try:
            yield folder, tasks(folder)
        except StoreError:
            if folder.is_dir():  # and not removed this very moment
                raise


def tasks(folder: Path) -> dict[int, list[Job]]:
    """The jobs of each task of an array; raises `StoreError` where its folder was damaged."""
    try:
        with (folder / "tasks.jsonl").open(encoding="utf-8") as stream:
            lines = [json.loads(line) for line in stream]
        return {line["task"]: [_unpacked(one) for one in line["jobs"]] for line in lines}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{folder}: expected the tasks of a submitted array, found none ({error})") from error


def task(folder: Path, number: int) -> list[Job]:
    """The jobs of one task of an array; raises `StoreError` where its folder was damaged or has no such task."""
    end = f'"task":{number}}}'
    try:
        with (folder / "tasks.jsonl").open(encoding="utf-8") as stream:
            line = next(json.loads(line) for line in stream if line.rstrip().endswith(end))  # to parse all takes long
        return [_unpacked(one) for one in line["jobs"]]
    except (OSError, ValueError, KeyError, TypeError, StopIteration) as error:
        raise StoreError(f"{folder}: expected task {number} of a submitted array, found none ({error})") from error


def _unpacked(one: Mapping[str, Any]) -> Job:
    return Job(**one["content"], label=one["label"], images=one["images"])


def log(folder: Path, number: int) -> Path:
    """What a task printed."""
    return folder / f"log-{number}.txt"


def events(folder: Path, number: int) -> Path:
    """What a task told."""
    return folder / f"events-{number}.jsonl"


def number(folder: Path) -> str:
    """The number that the scheduler gave an array; "" where it never came to that, or nobody could note it."""
    try:
        return (folder / "array").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def is_over(folder: Path, number: int) -> bool:
    """Whether a task told as its last word that it was over."""
    last = {}
    for last in Told(events(folder, number)).read():  # noqa: B007
        pass
    return last.get("event") == "over"


def is_cancelled(folder: Path) -> bool:
    """Whether `repro cancel` ended an array, so that none of its tasks goes back into the queue."""
    return (folder / "cancelled").exists()


def cancel(folder: Path) -> None:
    """Have no task of an array go back into the queue."""
    write_whole(folder / "cancelled", "by repro cancel\n")


@dataclass
class Told:
    """What one task tells, read on from where it was read last."""

    path: Path
    offset: int = field(default=0)

    def read(self) -> Iterator[dict[str, Any]]:
        """The events that are new; a line that is not whole yet waits."""
        try:
            with self.path.open("rb") as stream:
                stream.seek(self.offset)
                content = stream.read()
        except FileNotFoundError:
            return
        whole = content[: content.rfind(b"\n") + 1]
        self.offset += len(whole)
        for line in whole.splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                continue  # cut by the death of a task, and gone on with by the next
            if isinstance(event, dict):
                yield event
