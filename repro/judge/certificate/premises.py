"""What verdicts rest on, as it stands in a certificate: tables, profile, policy, and what was asked for.

A file of others is not trusted: numbers are bounded, so that judging by them ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, TypeAdapter, field_validator

from repro.files import canonical
from repro.judge.policy import Policy
from repro.spec.model import Id, Part, Test
from repro.spec.numbers import parse_reported
from repro.spec.profile import Expected

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Count = Annotated[int, Field(ge=0, le=10**9)]
_POLICY = TypeAdapter(Policy)
_MOST = 1000  # of any number of a policy; further seeds are tried one by one


def printed(text: str) -> str:
    """A number as the paper prints it; raises `ValueError` for any other text."""
    if len(text) > 60:
        raise ValueError("expected a printed number, found a long text")
    parse_reported(text)
    return text


def policy(held: Mapping[str, Any]) -> Policy:
    """A policy as a certificate holds it; raises `ValueError` for one that nobody can judge by."""
    names = [part.name for part in fields(Policy)]
    if sorted(held) != sorted(names):
        raise ValueError(f"expected {', '.join(names)}, found others")
    found = _POLICY.validate_json(canonical(held), strict=True)
    numbers = [part for part in held.values() if isinstance(part, int | float)]
    if not all(0 <= part <= _MOST for part in numbers) or not 0 < found.level < 1:
        raise ValueError("expected levels between 0 and 1, found others")
    return found


class Column(Part):
    """What of a column verdicts rest on."""

    id: Id
    dataset: Name
    evaluator: Name
    metric: Name
    direction: Literal["up", "down", "none"]
    unit: Literal["percent", "cosine", "mce", "ratio", "count"]
    n_images: Annotated[int, Field(gt=0, le=10**9)] | None
    margin: Annotated[float, Field(gt=0, le=1e9)] | None


class Row(Part):
    """What of a row verdicts rest on; `recipe`: a hash of the whole recipe at paper scale, through `same_as`."""

    id: Id
    runs: Annotated[int, Field(ge=0, le=10_000)]
    reported: dict[Id, str]
    suspect: dict[Id, str]
    reimplemented: bool
    same_as: str | None
    recipe: Sha256

    @field_validator("reported")
    @classmethod
    def _parses(cls, value: dict[str, str]) -> dict[str, str]:
        return {column: printed(text) for column, text in value.items()}


class Text(Part):
    """A number printed in the running text."""

    id: Name
    printed: str

    @field_validator("printed")
    @classmethod
    def _parses(cls, value: str) -> str:
        return printed(value)


class Claim(Part):
    """A claim's test."""

    id: Name
    of_paper: bool
    test: Test


class Spec(Part):
    """What of a table verdicts rest on; `sha256` is the digest of the rest."""

    sha256: Sha256
    columns: list[Column]
    rows: list[Row]
    texts: list[Text]
    claims: list[Claim]


class Means(Part):
    """What of a profile results and verdicts rest on; `sha256` is the digest of the rest."""

    sha256: Sha256
    id: Id
    judges: Literal["cells", "claims"]
    seeds: list[Count] = Field(min_length=1, max_length=200)
    threads: Count
    device: Literal["cpu", "cuda", "auto"]
    references: dict[str, str]
    datasets: dict[str, Any]
    missing: list[str]
    scale: dict[str, Any]
    expected: dict[Id, Expected]  # of the tables that are judged

    @field_validator("expected")
    @classmethod
    def _parses(cls, value: dict[str, Expected]) -> dict[str, Expected]:
        for one in value.values():
            for text in (text for cells in one.cells.values() for text in cells.values()):
                printed(text)
        return value


class Own(Part):
    """A network of the user's own that stands in the table."""

    row: Id
    sha256: Sha256
    classifier: Sha256 | None


class Asked(Part):
    """What was asked for."""

    seeds: list[Count] = Field(min_length=1, max_length=200)
    rows: list[Id]  # none named: all
    columns: list[Id]
    limit: Annotated[int, Field(gt=0)] | None
    device: Literal["cpu", "cuda"]
    source: Literal["train", "download"]
    own: Own | None
