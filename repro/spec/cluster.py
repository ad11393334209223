"""What a SLURM cluster is asked for, as a frozen object; every key that a person may write in `slurm.toml` is here."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from pydantic import Field

from repro.errors import SpecError, UsageError
from repro.spec.model import Part, Scalar, Text
from repro.spec.places import Faults, short

FILE = "slurm.toml"
OURS = (
    *("array", "dependency", "error", "export", "input", "job-name", "kill-on-invalid-dep", "no-requeue", "open-mode"),
    *("output", "parsable", "requeue", "signal", "wrap", "account", "cpus-per-task", "gpus-per-node", "mem", "nodes"),
    *("ntasks", "ntasks-per-node", "partition", "time"),
)
"""What sbatch is told by us or by a key of its own, so that `flags` may not say it again."""


EARLY = 30  # seconds by which SLURM may give the notice too early, as it looks so often
_NAME = re.compile(r"[\w.,+@/][\w.,+@/-]*", re.ASCII)
_FLAG = re.compile(r"[a-z][a-z0-9_-]*")
_VALUE = re.compile(r"""[^\x00-\x1f\x7f-\x9f'"\\]+""")
_LINE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f-\x9f]+")


class Means(Part):
    """What the jobs of one kind ask for; what is left out is that of [all]."""

    partition: Text | None = None  # the cluster's default where nobody says
    account: Text | None = None
    minutes: int | None = Field(gt=0, default=None)  # of one allocation; a pretraining goes on in the next
    gpus: int | None = Field(ge=0, default=None)
    cores: int | None = Field(gt=0, default=None)
    gigabytes: float | None = Field(gt=0, default=None)  # of memory
    at_once: int | None = Field(gt=0, default=None)  # tasks of an array that run at the same time, at most
    flags: dict[str, Scalar] = {}  # noqa: RUF012  # pydantic copies a default for each object


class Cluster(Part):
    """How jobs are sent to a cluster: its limits, and what each kind of job asks for."""

    schema_: int = Field(alias="schema", ge=1, le=1)
    setup: list[Text] = []  # noqa: RUF012  # lines of shell before the worker starts
    python: Text | None = None  # on the nodes; the one that runs us where left out
    notice_seconds: int = Field(ge=10, default=120)  # before the time limit, for a checkpoint
    tries: int = Field(ge=1, default=3)  # of a job whose allocation dies without a result
    requeues: int = Field(ge=0, default=100)  # of a job that was stopped at its time limit or by preemption
    largest_array: int = Field(ge=1, le=10_000, default=1000)  # tasks; SLURM's own MaxArraySize less one, or fewer
    look_seconds: float = Field(gt=0, default=15.0)  # between two looks at the queue and the folder
    all: Means = Means()
    data: Means = Means()
    weights: Means = Means()
    pretrain: Means = Means()
    probe: Means = Means()
    evaluate: Means = Means()
    similarity: Means = Means()
    samples: Means = Means()

    def means(self, kind: str) -> Means:
        """What jobs of a kind ask for, [all] filling what their own table leaves out."""
        own: Means = getattr(self, kind)
        given = own.model_dump(exclude_none=True)
        flags = {**self.all.flags, **own.flags}
        return Means(**{**self.all.model_dump(exclude_none=True), **given, "flags": flags})


KINDS = tuple(name for name, field in Cluster.model_fields.items() if field.annotation is Means and name != "all")


def path() -> Path:
    """The file that holds: `slurm.toml` of the current folder, else $REPRO_SLURM, else ~/.config/repro/slurm.toml."""
    named = os.environ.get("REPRO_SLURM", "")
    if Path(FILE).is_file():
        return Path.cwd() / FILE
    if named:
        if not Path(named).is_file():
            raise SpecError([f"$REPRO_SLURM: expected a TOML file, found no file at {named}"])
        return Path(named).absolute()
    own = Path(os.environ.get("HOME", "/")) / ".config" / "repro" / FILE
    if own.is_file():
        return own
    raise UsageError(
        f"--executor slurm: expected {FILE} in this folder, in $REPRO_SLURM or in ~/.config/repro, found none; "
        "docs/slurm.md has one to begin with"
    )


def check(found: Cluster, faults: Faults) -> None:
    """Note what the types alone do not forbid, and text that would be more than a word to sbatch or to the shell."""
    for key, texts in (("setup", found.setup), ("python", [found.python or "python"])):
        for text in texts:
            if not _LINE.fullmatch(text):
                faults.add((key,), f"{key}: expected a line of text, found {short(text)}")
    for kind in KINDS:
        _check_time(kind, found, faults)
    for table in ("all", *KINDS):
        _check_words(table, getattr(found, table), faults)


def _check_time(kind: str, found: Cluster, faults: Faults) -> None:
    """A kind needs a time and a number of cards, here or in [all], and time to get on before it is told to stop."""
    means: Any = found.means(kind)
    for key in ("minutes", "gpus"):
        if getattr(means, key) is None:
            faults.add((kind,), f'{kind}: "{key}" is missing, here and in [all]')
    least = found.notice_seconds + EARLY
    if means.minutes is not None and means.minutes * 60 <= least:
        table = kind if getattr(found, kind).minutes is not None else "all"
        faults.add(
            (table, "minutes"),
            f"{table}.minutes: expected more than {least} seconds, as a job may be told to stop so long before its "
            f"time limit (notice_seconds and {EARLY}), found {means.minutes * 60}",
        )


def _check_words(table: str, means: Means, faults: Faults) -> None:
    for key in ("partition", "account"):
        name = getattr(means, key)
        if name is not None and not _NAME.fullmatch(name):
            faults.add(
                (table, key), f"{table}.{key}: expected a name of letters, digits and .,+@/_-, found {short(name)}"
            )
    for flag, value in means.flags.items():
        place = (table, "flags", flag)
        if flag.replace("_", "-") in OURS:
            faults.add(place, f'{table}: flags may not have "{flag}"; it has a key or is ours to say')
        elif not _FLAG.fullmatch(flag):
            faults.add(place, f"{table}: flags: expected a long option of sbatch without its --, found {short(flag)}")
        elif value is False or not _VALUE.fullmatch(str(value)):
            faults.add(
                place,
                f"{table}: flags.{flag}: expected true, a number or text without quotes, backslashes and line ends, "
                f"found {short(value)}",
            )
