"""The only module that knows where a result is: `results/<ab>/<job id>/record.json`, written last and whole.

Present means done: a folder without a record is work that was interrupted, and is resumed or repeated.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

from repro import leftovers
from repro.errors import DataMissing, ReproError, StoreError
from repro.files import canonical, digest, explain, file_digest, write_whole
from repro.records import SCHEMA, Record, identity, parsed

__all__ = ["SCHEMA", "Failure", "Record", "Store", "identity"]

Held = TypeVar("Held")


@dataclass(frozen=True)
class Failure:
    """Why the last try of a job ended without a result; never taken for one."""

    reason: str
    log: Path


class Store:
    """A results folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.damaged: dict[str, str] = {}  # id -> what is wrong with a record that was found and not used

    def prepare(self) -> None:
        """Make the folder and see that it can be written; raises `StoreError` with what to do otherwise."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            write_whole(self.root / ".repro", "results of repro: one folder a job, named by its content\n")
            for folder in (self.root, self.root / "rules"):
                leftovers.sweep(folder)
            leftovers.sweep_logs(self.root)
        except OSError as error:
            raise StoreError(explain(error, self.root)) from error

    def check(self) -> None:
        """See that nothing but a folder stands where results are looked for; raises `StoreError` otherwise."""
        try:
            if not self.root.is_dir() and self.root.lstat():
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        except FileNotFoundError:
            return
        except OSError as error:
            raise StoreError(explain(error, self.root)) from error

    def is_untouched(self) -> bool:
        """Whether no job was ever begun here, so that nothing is done and no id need be known."""
        try:
            return not any(len(name) == 2 for name in os.listdir(self.root))
        except OSError:
            return True

    @property
    def sources(self) -> Path:
        """Where what was learned of our own sources is kept, which spares parsing them."""
        return self.root / "code.json"

    def rules(self, name: str) -> list[dict[str, Any]]:
        """The rules of judging kept under a name, the oldest first; raises `StoreError` for a damaged file."""
        path = self.rules_file(name)
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            for each, (key, kind) in product(kept, (("stamp", str), ("noted", str), ("rules", dict))):
                if not isinstance(each[key], kind):
                    raise TypeError(key)
            return [{key: each[key] for key in ("stamp", "noted", "after_results", "rules")} for each in kept]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise StoreError(
                f"{path}: expected the rules that results were begun under, found what cannot be read ({error}); "
                "delete it, and changes of the rules before today are not told any more"
            ) from error

    def keep_rules(self, name: str, kept: list[dict[str, Any]]) -> None:
        """Keep the rules of judging under a name."""
        write_whole(self.rules_file(name), json.dumps(kept, indent=1, sort_keys=True) + "\n")

    def rules_file(self, name: str) -> Path:
        """Where the rules of judging under a name are kept."""
        return self.root / "rules" / f"{name}.json"

    def folder(self, job: str) -> Path:
        """Where a job's files are."""
        return self.root / job[:2] / job

    def record(self, job: str) -> Path:
        """Where a job's record is, once it is done."""
        return self.folder(job) / "record.json"

    def log(self, job: str) -> Path:
        """Where a job's worker writes what happened."""
        return self.folder(job) / "log.txt"

    def jobs(self) -> list[str]:
        """The ids of all jobs ever begun here, sorted; raises `StoreError` for a folder that cannot be read."""
        found: list[str] = []
        try:
            for part in os.listdir(self.root):
                if len(part) == 2 and (self.root / part).is_dir():
                    found += [name for name in os.listdir(self.root / part) if name.startswith(part)]
        except OSError as error:
            raise StoreError(explain(error, Path(error.filename or self.root))) from error
        return sorted(found)

    def left(self, job: str) -> set[str]:
        """The names of a job's files so far; none where it was never begun. Costs one look at the file system."""
        try:
            return set(os.listdir(self.folder(job)))
        except OSError:
            return set()

    def has(self, job: str) -> bool:
        """Whether a record is there; says nothing about its state. Costs one look at the file system."""
        return self.record(job).is_file()

    def read(self, job: str, content: Mapping[str, Any] | None = None) -> Record | None:
        """The record of a finished job; None where there is none, or where it is cut, edited or another's.

        What is wrong with a record that is not used is kept in `damaged`. `content` is what the id is known to be a
        hash of; a record of equal content is then of that id, which need not be worked out again.
        """
        try:
            with open(f"{self.root}/{job[:2]}/{job}/record.json", "rb", buffering=0) as stream:  # a Path costs as much
                text = stream.read().decode()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            self.damaged[job] = f"{self.record(job)}: cannot be read ({error}); it will be computed again"
            return None
        record, fault = parsed(text, job, content)
        if fault:
            self.damaged[job] = f"{self.record(job)}: {fault}; it will be computed again"
        return record

    def settle(self, job: str, name: str) -> Path:
        """Wait until the disk has a job's file, as a record must not outlive what it speaks of; gives its path."""
        path = self.folder(job) / name
        with path.open("rb") as stream:
            os.fsync(stream.fileno())
        return path

    def write(self, record: Record) -> None:
        """Write a record; the job's files must be in their place, and on the disk, already."""
        body = {"schema": SCHEMA, **{name: getattr(record, name) for name in Record.__dataclass_fields__}}
        body["digest"] = digest(body)
        write_whole(self.record(record.id), json.dumps(body, indent=1, sort_keys=True) + "\n")
        with suppress(OSError):  # where there is a record, nobody asks for a failure
            (self.folder(record.id) / "failure.json").unlink(missing_ok=True)

    def verify(self, record: Record) -> str | None:
        """What is wrong with a record's files, by their hashes, or None."""
        for name, known in record.files.items():
            path = self.folder(record.id) / name
            if not path.is_file():
                return f"{path}: is missing"
            if path.stat().st_size != known["bytes"]:
                return f"{path}: expected {known['bytes']} bytes, found {path.stat().st_size}"
            if file_digest(path) != known["sha256"]:
                return f"{path}: its SHA-256 is not that of its record"
        return None

    def opened(self, job: str, read: Callable[[Path], Held]) -> Held:
        """What `read` makes of a finished job's folder, once its files have the hashes of their record.

        Raises `DataMissing` where one has not, and where `read` can make nothing of them.
        """
        record, folder = self.read(job), self.folder(job)
        fault = self.verify(record) if record else self.damaged.get(job, f"{self.record(job)}: is missing")
        if fault:
            raise DataMissing(f"{fault}; delete {folder}, and repro run makes it again")
        try:
            return read(folder)
        except ReproError:
            raise
        except Exception as error:  # hashes that fit say nothing of files that somebody made up
            raise DataMissing(
                f"{folder}: expected what a job leaves, found files that are those of its record and cannot be read "
                f"({type(error).__name__}: {error}); delete it, and repro run makes it again"
            ) from error

    def discard(self, record: Record) -> None:
        """Take a record back whose files are damaged; the job is then not done. One written since then stays."""
        if self.read(record.id) == record:
            self.record(record.id).unlink(missing_ok=True)

    def clear(self, job: str) -> None:
        """Remove what a try without a result left, but for its log and what it can be gone on with; hold its claim.

        Weights and checkpoints are written whole, so those that are there are good.
        """
        for path in self.folder(job).glob("*"):
            if path.name not in ("lock", "log.txt", "record.json") and path.suffix != ".safetensors":
                path.unlink(missing_ok=True)

    def fail(self, job: str, reason: str) -> None:
        """Note why a try of a job failed; the next run tries again."""
        write_whole(self.folder(job) / "failure.json", canonical({"reason": reason}) + "\n")

    def forgive(self, job: str) -> None:
        """Forget why the last try of a job failed, as another one is on its way."""
        with suppress(OSError):  # what is wrong with the folder, the next try tells
            (self.folder(job) / "failure.json").unlink(missing_ok=True)

    def failure(self, job: str) -> Failure | None:
        """Why the last try failed, where it did and no result came since."""
        path = self.folder(job) / "failure.json"
        try:
            return Failure(str(json.loads(path.read_text(encoding="utf-8"))["reason"]), self.log(job))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    @contextmanager
    def claim(self, job: str) -> Iterator[bool]:
        """Hold a job for this process; gives False where another process holds it. A dead holder holds nothing."""
        path = self.folder(job) / "lock"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise StoreError(explain(error, path)) from error
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            except OSError as error:
                raise StoreError(
                    f"{path}: this file system refuses locks (flock: {error.strerror}), without which two runs would "
                    "do the same job; mount it with locks, or name a folder elsewhere with --results"
                ) from error
            yield True
        finally:
            os.close(handle)
