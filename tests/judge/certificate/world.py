"""A small results folder made by hand: every file a certificate speaks of, numbers that a person can count."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from repro.files import digest
from repro.judge import rules
from repro.judge.certificate import composition, reading, verification
from repro.judge.certificate.grounds import Now
from repro.judge.certificate.layout import Certificate
from repro.judge.certificate.ledger import Ledger
from repro.judge.policy import STANDARD
from repro.plan.expand import Options, Plan, expand
from repro.spec import load
from repro.spec.model import Table
from repro.spec.profile import Profile
from repro.store import Record, Store

SPECS = load.specs()
MINI = load.profile("mini").model_copy(update={"expected": {}})
CELLS = MINI.model_copy(update={"judges": "cells"})
BASE, PATCH = "moco-k16384", "moco-k16384-patch-a2"
IMAGES = 1000  # of each plain set; a tenth of a point each
CLASSES = ("cat", "dog")
LABELS = np.arange(IMAGES) % 2
CONDITIONS = tuple(f"{name}/{severity}" for name in ("fog", "snow") for severity in range(1, 6))
EACH = 20  # images of a condition
Held = dict[str, Any]  # a certificate's JSON
WHEN = "2026-01-01T00:00:00+00:00"
RIGHT = {  # of 1,000 images of ImageNet, by row and seed: 77.88 ± 0.28 and 79.35 ± 0.12 are reported
    BASE: (776, 779, 781),
    PATCH: (792, 794, 795),
}
SURE = (18, 17, 16, 15, 14)  # of the 20 images of a corruption at severities 1 to 5: 80 % in the mean


def predicted(labels: Any, right: int) -> Any:
    """The other class from image `right` on."""
    return np.where(np.arange(len(labels)) < right, labels, 1 - labels)


def keep(folder: Path, columns: Mapping[str, Any], *, conditions: Sequence[str] = ()) -> None:
    """Write predictions in the layout of `docs/records.md`."""
    about = {"classifier": CLASSES, "classes": CLASSES, "conditions": conditions, "parents": None, "parent_names": []}
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / "predictions.npz", **columns, about=np.array(json.dumps(about)))


def plain(right: int) -> dict[str, Any]:
    """What an evaluation of accuracy keeps, of which so many are right."""
    said = predicted(LABELS, right)
    ranks = (said != LABELS).astype(np.int16)
    return {
        name: part.astype(np.int16)
        for name, part in {"predictions": said, "unmasked": said, "labels": LABELS, "ranks": ranks}.items()
    }


def corrupted(sure: Sequence[int] = SURE) -> dict[str, Any]:
    """What an evaluation under corruptions keeps, so many right at each severity."""
    labels = np.tile(np.arange(EACH) % 2, len(CONDITIONS))
    said = np.concatenate([predicted(np.arange(EACH) % 2, right) for _ in range(2) for right in sure])
    condition = np.repeat(np.arange(len(CONDITIONS)), EACH)
    return {
        name: part.astype(np.int16)
        for name, part in {"predictions": said, "labels": labels, "condition": condition}.items()
    }


@dataclass(frozen=True)
class World:
    """A results folder, the plan that it answers, and what is here today."""

    store: Store
    plan: Plan
    tables: Mapping[str, Table]

    def job(self, row: str, column: str = "imagenet", seed: int = 0) -> str:
        return self.plan.cells[row, column][seed]

    def path(self, row: str, name: str = "predictions.npz", *, column: str = "imagenet", seed: int = 0) -> Path:
        return self.store.folder(self.job(row, column, seed)) / name

    def certificate(self, **more: Any) -> dict[str, Any]:
        held = composition.compose(self.tables, [self.plan], self.store, package="0.1.0", **more)
        return json.loads(composition.text(held))

    def verify(self, document: Mapping[str, Any], **now: Any) -> Ledger:
        held, again = reading.parse(json.dumps(document), "c.json")
        today = Now(self.tables, self.plan.profile, "", STANDARD, {})
        return verification.verify(held, again, self.store, now=replace(today, **now))


def told(found: Ledger) -> list[tuple[Any, ...]]:
    """Stage, where, expected and found of each disagreement."""
    return [(each.stage, each.where, each.expected, each.found) for each in found.disagreements]


def sealed(document: Mapping[str, Any]) -> dict[str, Any]:
    """A certificate whose digest is redone, as one who edits it on purpose would."""
    rest = {key: value for key, value in document.items() if key != "digest"}
    return {**rest, "digest": digest(rest)}


def parsed(document: Mapping[str, Any]) -> Certificate:
    return reading.parse(json.dumps(document), "c.json")[0]


def edit(store: Store, job_id: str, /, **changes: Any) -> None:
    """Change fields of a record and redo its digest."""
    path = store.folder(job_id) / "record.json"
    body = json.loads(path.read_text(encoding="utf-8"))
    body |= changes
    body.pop("digest")
    path.write_text(json.dumps({**body, "digest": digest(body)}), encoding="utf-8")


def cell(held: Held, row: str = BASE, column: str = "imagenet") -> dict[str, Any]:
    """A cell of a certificate, to be edited."""
    (board,) = held["boards"]
    return next(cell for cell in board["cells"] if (cell["row"], cell["column"]) == (row, column))


def label(some: World, row: str, column: str = "imagenet", seed: int = 0) -> str:
    """An evaluation as it is named where something is wrong with it."""
    return f"evaluate {column} of {row}, seed {seed} [{some.job(row, column, seed)[:12]}]"


def bent(some: World, images: int = 1) -> None:
    """Make some of the images of the baseline's seed 0 right that were wrong, as one who knows the layout would."""
    columns = plain(776 + images)
    keep(some.path(BASE).parent, columns)


def weights(some: World, row: str = BASE) -> Path:
    """The file of the encoder of a row's seed 0."""
    record = some.store.read(some.job(row))
    assert record is not None
    return some.store.folder(record.job["inputs"]["pretrain"]) / "encoder.safetensors"


def hashes(folder: Path) -> dict[str, dict[str, Any]]:
    """The `files` of a record, from what is in its folder."""
    return {
        path.name: {"bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        for path in sorted(folder.glob("*"))
        if path.name != "record.json"
    }


def build(
    root: Path,
    *,
    profile: Profile = CELLS,
    seeds: Sequence[int] = (0, 1, 2),
    rows: Sequence[str] = (BASE, PATCH),
    columns: Sequence[str] = ("imagenet",),
    right: Mapping[str, Sequence[int]] = RIGHT,
) -> World:
    """Every job of a plan as workers leave it."""
    table = SPECS.table("table1")
    options = Options(seeds=list(seeds), rows=list(rows), columns=list(columns))
    plan, store = expand(SPECS.tables, table, profile, options), Store(root)
    rules.note(plan, store)
    _below(store, plan)
    for (row, column), jobs in plan.cells.items():
        for seed, name in jobs.items():
            _evaluation(store, plan, name, column, right[row][seed])
    return World(store, plan, SPECS.tables)


def planned(table: str, *, profile: Profile, seeds: Sequence[int]) -> Plan:
    """The plan of a whole table."""
    return expand(SPECS.tables, SPECS.table(table), profile, Options(seeds=list(seeds)))


def fill(store: Store, plan: Plan, *, right: int) -> None:
    """Every job of a plan of accuracies, of each evaluation so many right."""
    _below(store, plan)
    for (_, column), jobs in plan.cells.items():
        for name in jobs.values():
            _evaluation(store, plan, name, column, right)


def _below(store: Store, plan: Plan) -> None:
    """What evaluations rest on."""
    sets = {job.id: dataset for dataset, job in plan.sets.items()}
    for job in plan.jobs.values():
        folder = store.folder(job.id)
        folder.mkdir(parents=True, exist_ok=True)
        values: dict[str, Any] = {}
        if job.kind == "data":
            values = _data(folder, is_corrupted=sets[job.id].endswith("-c"))
        elif job.kind in ("pretrain", "probe", "weights"):
            name = "probe" if job.kind == "probe" else "encoder"
            (folder / f"{name}.safetensors").write_bytes(f"weights of {job.label}".encode())
            values = {"train_top1": 80.0} if job.kind == "probe" else {"loss": 1.5}
        if job.kind != "evaluate":
            record(store, job, values)


def record(store: Store, job: Any, values: Mapping[str, Any]) -> None:
    """Write the record of a job whose files are in their place."""
    where = {"python": "3.11", "commit": "c" * 40, "dirty": False, "command": "/a/path", "packages": {"numpy": "2.0"}}
    files = hashes(store.folder(job.id))
    store.write(Record(job.id, job.content, job.label, values, files, WHEN, 1.0, 1.0, where))


def _data(folder: Path, *, is_corrupted: bool) -> dict[str, Any]:
    labels = corrupted()["labels"] if is_corrupted else LABELS
    columns = {"labels": labels.astype(np.int64)}
    if is_corrupted:
        columns["condition"] = corrupted()["condition"].astype(np.int64)
    np.savez(folder / "targets.npz", **columns)
    info = {"classes": CLASSES, "conditions": CONDITIONS if is_corrupted else []}
    (folder / "info.json").write_text(json.dumps(info), encoding="utf-8")
    (folder / "images.npy").write_bytes(b"pictures")
    return {"images": len(labels), "digest": "d" * 64}


def _evaluation(store: Store, plan: Plan, name: str, column: str, right: int) -> None:
    folder = store.folder(name)
    if column == "imagenet-c":
        keep(folder, corrupted(), conditions=CONDITIONS)
        errors = [100.0 - 5.0 * sure for sure in SURE]
        values: dict[str, Any] = {f"severity-{place}": 5.0 * sure for place, sure in enumerate(SURE, start=1)}
        values |= {"mean_accuracy": 80.0, "errors": {"fog": errors, "snow": errors}, "n": 200, "images": 200}
    else:
        keep(folder, plain(right))
        percent = right / 10
        values = {"top1": percent, "top5": 100.0, "top1_unmasked": percent, "n": IMAGES, "images": IMAGES}
    record(store, plan.jobs[name], values)
