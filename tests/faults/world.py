"""A short but whole run, what it gives when nothing goes wrong, and the comparison of another one with that."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from repro.files import canonical, file_digest
from repro.store import Store
from tests.conftest import CHECKOUT, write_tiny
from tests.faults import processes

INSIDE = Path(__file__).parent / "inside"
TABLE = "whole"
TIMEOUT = 600.0  # seconds for one run, on a machine that has much other work
IMAGES = {"train": 192, "val": 28, "corrupted": 14}
LATE = 124  # in place of an exit code, of a run that did not end
PAUSE = 0.05  # seconds between two checkpoints, in place of ten
OWN = ("lock", "log.txt")  # files of a job's folder that say when and how often, not what


@dataclass(frozen=True)
class World:
    """A folder with a profile, a table of every kind of job, and `reference`: results of a run that met no fault."""

    root: Path
    words: tuple[str, ...] = (TABLE, "--seeds", "0")  # what is asked of every run
    workers: int = 1
    kept: str = "reference"  # folder of the results that met no fault

    @property
    def reference(self) -> Path:
        """The results that met no fault."""
        return self.root / self.kept

    def asking(self, *words: str) -> World:
        """The same world, asked for other words, with the results of those."""
        other = replace(self, words=words, kept=f"reference {' '.join(words)}")
        code, printed = other.finish(other.reference)
        assert code == 0, printed
        return other

    @property
    def profile(self) -> Path:
        """The profile."""
        return self.root / "tiny.toml"

    def folder(self, name: str) -> Path:
        """A place for results, empty."""
        path = self.root / name
        shutil.rmtree(path, ignore_errors=True)
        return path

    def command(self, results: Path, *, verb: str = "run", more: Sequence[str] = ()) -> list[str]:
        """The words that run or judge the world's plan into a results folder."""
        table, *rest = self.words
        means = ["--profile", str(self.profile), "--results", str(results)]
        workers = ["--workers", str(self.workers)] if verb == "run" else []
        return [sys.executable, "-m", "repro", verb, table, *rest, *means, *workers, *more]

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """Of a run's processes: checkpoints every moment, places of its own; `more` is what `inside` shall do."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("REPRO_")}
        own = {"REPRO_CACHE": str(self.root / "cache"), "REPRO_WEIGHTS": str(self.root / "weights")}
        path = os.pathsep.join([str(INSIDE), str(CHECKOUT)])
        faults = {"FAULTS_PAUSE": str(PAUSE)}
        return {**kept, **own, "PYTHONPATH": path, "COLUMNS": "100", "NO_COLOR": "1", **faults, **(more or {})}

    def printed(self, results: Path) -> Path:
        """Where a run that was started leaves what it prints."""
        return self.root / f"{results.name}.txt"

    def start(
        self, results: Path, *, env: Mapping[str, str] | None = None, more: Sequence[str] = ()
    ) -> subprocess.Popen[str]:
        """A run in a session of its own; what it prints goes to `NAME.txt` in the world's folder."""
        with self.printed(results).open("a") as out:
            return subprocess.Popen(
                self.command(results, more=more),
                cwd=self.root,
                env=self.environment({processes.MARK: str(results), **(env or {})}),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )

    def finish(self, results: Path) -> tuple[int, str]:
        """Run until nothing is left to do: the exit code, and what was printed."""
        return self.says(results, "run")

    def says(self, results: Path, verb: str, more: Sequence[str] = ()) -> tuple[int, str]:
        """Type a verb on results: the exit code, and what was printed."""
        return self.typed(self.command(results, verb=verb, more=more)[3:], {processes.MARK: str(results)})

    def typed(self, words: Sequence[str], more: Mapping[str, str] | None = None) -> tuple[int, str]:
        """Type any words: the exit code, and what was printed."""
        try:
            ended = subprocess.run(
                [sys.executable, "-m", "repro", *words],
                cwd=self.root,
                env=self.environment(more),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=TIMEOUT,
            )
        except subprocess.TimeoutExpired:
            processes.end(self.root)
            return LATE, f"repro {' '.join(words)} did not end in {TIMEOUT:.0f} seconds"
        return ended.returncode, ended.stdout

    def ends(self, run: subprocess.Popen[str]) -> bool:
        """Whether a run ends in time; one that does not is killed."""
        try:
            run.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            processes.end(self.root)
            run.kill()
            run.wait()
            return False
        return True

    def differences(self, results: Path, *, again: str = "") -> list[str]:
        """Where results differ from those that met no fault: records, files, what is printed, and what was left.

        `again` is a job that had to be done twice.
        """
        found = [*_records(self.reference, results, again), *_files(self.reference, results)]
        return [*found, *self._printed(results)]

    def _printed(self, results: Path) -> Iterator[str]:
        for verb, more in VERBS.items():
            if self._says(results, verb, more) != self._wanted[verb]:
                yield f"repro {verb} prints something else"

    @cached_property
    def _wanted(self) -> dict[str, str]:
        return {verb: self._says(self.reference, verb, more) for verb, more in VERBS.items()}

    def _says(self, results: Path, verb: str, more: Sequence[str]) -> str:
        """What a verb prints of results, but for the place and the time."""
        code, text = self.says(results, verb, more)
        return f"{code} {re.sub(WHEN, 'WHEN', text.replace(str(results), 'RESULTS').replace(results.name, 'RESULTS'))}"


VERBS = {"check": ["--json", "--fail-on", "nothing"], "export": ["--format", "latex"]}
WHEN = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\+00:00|Z)?"


def build(root: Path, *, epochs: int = 8, lr: float = 0.06, rows: int = 1) -> World:
    """A world and its reference; raises `AssertionError` with what was printed where that cannot be made."""
    write_tiny(root, epochs=epochs, lr=lr)
    profile = root / "tiny.toml"
    text = profile.read_text(encoding="utf-8")
    for split, count in IMAGES.items():
        text = re.sub(rf'split = "{split}", count = \d+', f'split = "{split}", count = {count}', text)
    profile.write_text(text, encoding="utf-8")
    (root / "tables").mkdir()
    shutil.copy(Path(__file__).parent / "whole.toml", root / "tables" / "whole.toml")
    world = World(root)
    code, printed = world.finish(world.reference)
    assert code == 0, printed
    return world


def _records(reference: Path, results: Path, again: str) -> Iterator[str]:
    """Jobs that are absent, too many, of other values or done twice."""
    first, second = Store(reference), Store(results)
    wanted, found = set(first.jobs()), set(second.jobs())
    yield from (f"{job}: is not there" for job in sorted(wanted - found))
    yield from (f"{job}: is nobody's" for job in sorted(found - wanted))
    for job in sorted(wanted & found):
        one, other = first.read(job), second.read(job)
        assert one is not None, job
        if other is None:
            yield f"{one.label} ({job}): {second.damaged.get(job, 'has no record')}"
        elif (one.values, one.files, one.job) != (other.values, other.files, other.job):
            yield f"{one.label} ({job}): its record says something else"
        elif (many := second.log(job).read_text(encoding="utf-8").count("\ndone in ")) > 1 + (job == again):
            yield f"{one.label} ({job}): was done {many} times"


def _files(reference: Path, results: Path) -> Iterator[str]:
    """Files that are absent, of other bytes, or left by somebody who was interrupted."""
    first, second = contents(reference), contents(results)
    yield from (f"{name}: is not there" for name in sorted(first.keys() - second.keys()))
    yield from (f"{name}: was left" for name in sorted(second.keys() - first.keys()))
    yield from (f"{name}: has other bytes" for name in sorted(first) if first[name] != second.get(name, first[name]))


def contents(results: Path) -> dict[str, str]:
    """The hash of every file of a results folder but logs and locks; of a record, what no time changes."""
    found = {}
    for path in sorted(results.rglob("*")):
        name = path.relative_to(results).as_posix()
        if not path.is_file() or path.name in OWN or (path.parent == results and path.suffix == ".log"):
            continue
        if path.name == "record.json":
            record = Store(results).read(path.parent.name)
            found[name] = "no record" if record is None else canonical([record.job, record.values, record.files])
        elif path.parent.name == "rules":
            found[name] = "rules"  # they say when they were noted
        else:
            found[name] = file_digest(path)
    return found
