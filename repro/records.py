"""The record of a job that is done: its fields, its id, and how one that was cut, edited or made up is told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.files import digest

SCHEMA = 1
_LARGEST = 2**63  # of whole numbers in a record
_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "id": str,
    "job": dict,
    "label": str,
    "values": dict,
    "files": dict,
    "started": str,
    "wall_seconds": (int, float),
    "cpu_seconds": (int, float),
    "environment": dict,
}


@dataclass(frozen=True)
class Record:
    """What was computed, from what, where, by whom and how long it took; `docs/records.md` says each field."""

    id: str
    job: Mapping[str, Any]  # the content that the id is a hash of
    label: str
    values: Mapping[str, Any]
    files: Mapping[str, Mapping[str, Any]]  # name -> {"sha256", "bytes"}
    started: str  # ISO 8601, UTC
    wall_seconds: float
    cpu_seconds: float
    environment: Mapping[str, Any]


def identity(content: Mapping[str, Any]) -> str:
    """The id of a job's content, 32 hexadecimal digits; where the files of others lie (`place`) is no part of it.

    >>> one, two = ({"kind": "data", "spec": {"name": "folder", "place": place}} for place in ("/a", "/b"))
    >>> identity(one) == identity(two)
    True
    """
    spec = {key: value for key, value in content["spec"].items() if key != "place"}
    return digest({**content, "spec": spec})[:32]


def parsed(text: str, job: str) -> tuple[Record | None, str]:
    """The record of a job in a file's text, or None and what is wrong with it."""
    try:
        body = json.loads(text, parse_int=_whole)
    except (ValueError, RecursionError):
        return None, "expected a whole JSON record, found one that is cut or not JSON"
    if not isinstance(body, dict) or body.get("schema") != SCHEMA:
        return None, f"expected a record of schema {SCHEMA}, found something else"
    claimed = body.pop("digest", None)
    try:
        if claimed != digest(body):
            return None, "its digest is not that of its content: it was edited or damaged"
        _check_kinds(body)
        record = Record(**{name: body[name] for name in Record.__dataclass_fields__})
        if record.id != job or identity(record.job) != job:
            return None, f"expected the record of job {job}, found that of {record.id}"
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        return None, f"expected every field of a record, found a fault at {error}"
    return record, ""


def _whole(digits: str) -> int:
    """A whole number of a record; raises `ValueError` for one that no record has and nothing could reckon with."""
    if len(digits) > len(str(_LARGEST)) or abs(int(digits)) > _LARGEST:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


def _check_kinds(body: Mapping[str, Any]) -> None:
    """Raises `TypeError`, or `KeyError` where something is absent, for what has a digest and is no record."""
    for name, kind in _KINDS.items():
        if not isinstance(body[name], kind):
            raise TypeError(name)
    for name in ("spec", "inputs"):
        if not isinstance(body["job"][name], dict):
            raise TypeError(f"job.{name}")
    for name, known in body["files"].items():
        if not isinstance(known, dict) or [type(known[key]) for key in ("sha256", "bytes")] != [str, int]:
            raise TypeError(f"files.{name}")
        if Path(name).name != name or name in ("..", ""):
            raise ValueError(f"files.{name}")
