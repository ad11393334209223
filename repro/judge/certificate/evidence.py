"""What a results folder holds of the jobs that numbers rest on, as a certificate keeps it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from repro.files import canonical, digest
from repro.spec import families
from repro.store import SCHEMA, Record, Store

_KEPT = (
    "python",
    "packages",
    "system",
    "processor",
    "card",
    "commit",
    "dirty",
)  # of an environment: no path, no command


@dataclass(frozen=True)
class Evidence:
    """Records by id, and the ids that are rested on and have none."""

    records: Mapping[str, Record]
    absent: tuple[str, ...]


def gather(jobs: Iterable[str], store: Store) -> Evidence:
    """The records of some jobs and of all that they rest on."""
    waiting, records, absent = list(jobs), dict[str, Record](), set[str]()
    while waiting:
        job = waiting.pop()
        if job in records or job in absent:
            continue
        record = store.read(job)
        if record is None:
            absent.add(job)
        else:
            records[job] = record
            waiting += record.job["inputs"].values()
    return Evidence(dict(sorted(records.items())), tuple(sorted(absent)))


def jobs(records: Mapping[str, Record]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The jobs of a certificate, and the environments that they name by their place."""
    kept = {job: environment(record) for job, record in records.items()}
    distinct = sorted({canonical(each): each for each in kept.values()}.items())
    places = {text: place for place, (text, _) in enumerate(distinct)}
    found = {job: {**entry(record), "environment": places[canonical(kept[job])]} for job, record in records.items()}
    return found, [each for _, each in distinct]


def entry(record: Record) -> dict[str, Any]:
    """What a certificate says of a job; `environment` apart."""
    job, spec = record.job, record.job["spec"]
    return {
        "kind": job["kind"],
        "label": record.label,
        "code": job["code"],
        "seed": job["seed"],
        "inputs": dict(job["inputs"]),
        "evaluator": spec.get("evaluator", job["kind"] if job["kind"] in families.ASKED else None),
        "limit": spec.get("limit"),
        "reference": spec.get("reference"),
        "record": fingerprint(record),
        "values": dict(record.values),
        "files": {name: dict(known) for name, known in record.files.items()},
    }


def environment(record: Record) -> dict[str, Any]:
    """With what a job was computed, without names of folders."""
    return {key: record.environment[key] for key in _KEPT if key in record.environment}


def fingerprint(record: Record) -> str:
    """The digest that stands in a record."""
    return digest({"schema": SCHEMA, **{name: getattr(record, name) for name in Record.__dataclass_fields__}})
