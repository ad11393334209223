"""What a job is: work that its content names, so that the same work is done once wherever it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from repro.store import identity

Kind = Literal["data", "weights", "pretrain", "probe", "evaluate", "similarity", "samples"]


@dataclass(frozen=True)
class Job:
    """One unit of work; `id` is a hash of everything that could change its result and of nothing else."""

    kind: Kind
    spec: Mapping[str, Any]
    seed: int | None
    inputs: Mapping[str, str]  # role -> id of the job whose result it reads
    code: str  # version of our code that computes it
    threads: int
    device: str
    label: str = field(compare=False)  # for people; not part of the id
    images: int = field(compare=False, default=0)  # images that pass through it, for the estimate

    @property
    def content(self) -> dict[str, Any]:
        """What the id is a hash of; what a worker is sent."""
        return {
            "kind": self.kind,
            "spec": dict(self.spec),
            "seed": self.seed,
            "inputs": dict(self.inputs),
            "code": self.code,
            "threads": self.threads,
            "device": self.device,
        }

    @cached_property
    def id(self) -> str:
        """32 hexadecimal digits."""
        return identity(self.content)
