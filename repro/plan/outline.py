"""What a plan is: jobs in an order that respects their inputs, and for each cell its jobs or why there are none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from repro.plan.jobs import Job
from repro.spec.checkpoint import Checkpoint
from repro.spec.model import Column, Row, Table
from repro.spec.profile import Profile
from repro.spec.recipes import Plain

CellKey = tuple[str, str]  # row id, column id


@dataclass(frozen=True)
class Weights:
    """A weight file on this machine, and the one of its classifier where that is a file of its own."""

    path: Path
    sha256: str
    classifier: Weights | None = None


@dataclass(frozen=True)
class Options:
    """What a command line may say about a plan."""

    seeds: Sequence[int]
    rows: Sequence[str] = ()  # none named: all
    columns: Sequence[str] = ()
    limit: int | None = None  # images per evaluation set; what it gives is partial
    device: str = "cpu"
    data: Mapping[str, Path] = field(default_factory=dict)  # what --data or repro.toml names -> folder
    counting: bool = False  # the cells alone are wanted, not the jobs, whose ids take long
    source: Literal["train", "download"] = "train"  # train the networks, or take the weights that others published
    checkpoints: Mapping[str, Checkpoint] = field(default_factory=dict)  # by name, for "download"
    unpublished: Mapping[str, str] = field(default_factory=dict)  # "table1/byol" -> what is known of its weights
    weights: Mapping[str, Weights] = field(default_factory=dict)  # checkpoint -> its files, where all are here
    own: tuple[str, Weights] | None = None  # a network of the user's: the id of its row, and its file


@dataclass
class Plan:
    """Jobs in an order that respects their inputs, and how the cells rest on them."""

    table: Table
    profile: Profile
    options: Options
    rows: list[Row]
    columns: list[Column]
    jobs: dict[str, Job] = field(default_factory=dict)
    cells: dict[CellKey, dict[int, str]] = field(default_factory=dict)  # cell -> seed -> id of its evaluation
    blocked: dict[CellKey, str] = field(default_factory=dict)  # cell -> why it cannot be run here
    sets: dict[str, Job] = field(default_factory=dict)  # the paper's data set -> the job that makes what stands for it
    recipes: dict[str, Plain] = field(default_factory=dict)  # "table1/byol" -> its recipe on these means, for all seeds

    def add(self, job: Job) -> Job:
        """Take a job in, once."""
        return self.jobs.setdefault(job.id, job)
