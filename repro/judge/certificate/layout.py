"""What stands in a certificate, as frozen objects; `docs/certificate.md` says each field.

A file of others is not trusted: names lead nowhere but into the results folder, numbers are bounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator

from repro.judge.certificate import premises
from repro.judge.certificate.premises import Asked, Count, Means, Name, Sha256, Spec
from repro.plan.jobs import Kind
from repro.spec.model import Id, Part

SCHEMA = 1
KIND = "certificate of repro"
JUDGES = ("repro.judge.board", "repro.metrics")
"""The code that verdicts and metrics come from; a certificate names its version."""
JobId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
"""A file in a job's folder, and in no other."""
Number = Annotated[float, Field(ge=-1e9, le=1e9)]


class Seed(Part):
    """The number of one seed, and the evaluation it is from; without one, whether its last try failed."""

    seed: Count
    job: JobId
    value: Number | None
    failed: bool


class Numbers(Part):
    """A cell's numbers, of every seed that was asked of it; `blocked`: why it cannot be run."""

    row: Id
    column: Id
    blocked: str | None
    seeds: Annotated[list[Seed], Field(max_length=200)]


class Guard(Part):
    """The number that is expected of the profile, mean and deviation, and whether ours is another."""

    expected: Annotated[list[float | None], Field(min_length=2, max_length=2)]
    table_p: float
    differs: bool


class Cell(Numbers):
    """A cell and how it was judged."""

    reported: str | None
    verdict: str
    reason: str
    flags: list[str]
    difference: float | None
    literal: bool | None
    interval: Annotated[list[float], Field(min_length=2, max_length=2)] | None
    difference_p: float | None
    equivalence_p: float | None
    spread_p: float | None
    table_p: float | None
    further_seeds: int | None
    guard: Guard | None


class Finding(Part):
    """A contrast of a claim with its evidence."""

    statement: str
    estimate: float | None
    interval: Annotated[list[float], Field(min_length=2, max_length=2)] | None
    p: float | None
    holds: bool | None
    verdict: str


class Reading(Part):
    """A claim on one set of numbers."""

    holds: bool | None
    verdict: str
    reason: str
    findings: list[Finding]


class ReadClaim(Part):
    """A claim on the paper's own numbers and on ours."""

    id: Name
    paper: Reading
    ours: Reading


class Rules(Part):
    """Which rules, and what of them was changed after there were results."""

    stamp: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{12}$")]
    changed: list[str]


class Outcome(Part):
    """What `repro check` ends with."""

    exit: int
    reason: str


class Judged(Part):
    """A judged table; `beside`: by table, the cells of other tables that its claims rest on."""

    table: Id
    rows: list[Id]
    columns: list[Id]
    cells: list[Cell]
    beside: dict[Id, list[Numbers]]
    claims: list[ReadClaim]
    counts: dict[str, int]
    outcome: Outcome
    rules: Rules


def numbers(board: Judged) -> dict[str, Sequence[Numbers]]:
    """The cells of a judged table and those of other tables that it rests on, by table."""
    return {board.table: board.cells, **board.beside}


class File(Part):
    """A file of a job."""

    sha256: Sha256
    bytes: int = Field(ge=0)


class Job(Part):
    """A job that was done: what it was, the digest of its record, what the record says, the hashes of its files."""

    kind: Kind
    label: str
    code: Name
    seed: Count | None
    inputs: dict[str, JobId]
    evaluator: Name | None
    limit: int | None
    reference: Name | None
    record: Sha256
    environment: Count  # a place in `environments`
    values: dict[str, Any]
    files: dict[FileName, File]


class Software(Part):
    """Who wrote the verdicts: version of the package and of the code that judges."""

    package: str | None
    code: Name


class Gap(Part):
    """What is missing from a certificate of part of the results."""

    where: str
    reason: str
    job: JobId | None


class Certificate(Part):
    """All of it; `digest` is that of the rest in canonical JSON."""

    schema_: Literal[1] = Field(alias="schema")
    kind: Literal["certificate of repro"]
    judged_by: Software
    asked: Asked
    profile: Means
    policy: dict[str, Any]  # as `repro.judge.policy.Policy`
    tables: dict[Id, Spec]
    boards: list[Judged] = Field(min_length=1)
    jobs: dict[JobId, Job]
    environments: list[dict[str, Any]]
    missing: list[Gap]
    digest: Sha256

    @field_validator("policy")
    @classmethod
    def _judges(cls, value: dict[str, Any]) -> dict[str, Any]:
        premises.policy(value)
        return value
