"""What a submitted array finds in the results folder, and what its tasks leave there: one folder an array.

`results/slurm/<when>-<kind>-<token>/` has `order.json` (the means), `tasks.jsonl` (a line a task), `submission.sh`,
`array` (the scheduler's number), and for each task `events-N.jsonl` (what it tells) and `log-N.txt` (what it prints).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from repro.errors import StoreError
from repro.files import canonical, write_whole
from repro.plan.jobs import Job
from repro.run.arrays import Array
from repro.store import Store


def root(store: Store) -> Path:
    """Where the arrays of a results folder have their folders."""
    return store.root.absolute() / "slurm"


def write(store: Store, array: Array, means: Mapping[str, Any]) -> Path:
    """Make the folder of an array that is about to be submitted."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    folder = root(store) / f"{stamp}-{array.kind}-{secrets.token_hex(4)}"
    write_whole(folder / "order.json", canonical({"kind": array.kind, "after": array.after, **means}) + "\n")
    lines = [
        canonical({"task": number, "jobs": [_packed(job) for job in jobs]}) for number, jobs in array.tasks.items()
    ]
    write_whole(folder / "tasks.jsonl", "\n".join(lines) + "\n")
    return folder


def _packed(job: Job) -> dict[str, Any]:
    return {"content": job.content, "label": job.label, "images": job.images}


def means(folder: Path) -> dict[str, Any]:
    """How an array's jobs are done; raises `StoreError` where its folder was damaged."""
    try:
        found: dict[str, Any] = json.loads((folder / "order.json").read_text(encoding="utf-8"))
        return found
    except (OSError, ValueError) as error:
        raise StoreError(f"{folder}: expected the order of a submitted array, found none ({error})") from error


def tasks(folder: Path) -> dict[int, list[Job]]:
    """The jobs of each task of an array; raises `StoreError` where its folder was damaged."""
    try:
        with (folder / "tasks.jsonl").open(encoding="utf-8") as stream:
            lines = [json.loads(line) for line in stream]
        return {line["task"]: [_unpacked(one) for one in line["jobs"]] for line in lines}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{folder}: expected the tasks of a submitted array, found none ({error})") from error


def _unpacked(one: Mapping[str, Any]) -> Job:
    return Job(**one["content"], label=one["label"], images=one["images"])


def log(folder: Path, number: int) -> Path:
    """What a task printed."""
    return folder / f"log-{number}.txt"


def events(folder: Path, number: int) -> Path:
    """What a task told."""
    return folder / f"events-{number}.jsonl"


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
                yield json.loads(line)
            except ValueError:
                continue  # cut by the death of a task, and gone on with by the next
