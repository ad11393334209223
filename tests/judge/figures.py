"""Hand-made results behind figures, whose numbers a person can check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from repro.judge.figure import Figure, figure
from repro.judge.pictures import Picture
from repro.plan.expand import Options, Plan, expand
from repro.spec import load
from repro.spec.profile import Profile
from repro.store import Record, Store

SPECS = load.specs()
MINI = load.profile("mini")
CELLS = Profile.model_validate({**MINI.model_dump(by_alias=True), "id": "cells", "judges": "cells"})


class Wall:
    """Stands for the pictures of a job: every class has one, of its own grey."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def first(self, label: str) -> tuple[str, Picture] | None:
        return f"val/{label}", np.full((4, 4, 3), len(label), np.uint8)

    def named(self, name: str) -> Picture | None:
        return np.full((4, 4, 3), 255, np.uint8)

    def samples(self) -> Mapping[str, Sequence[Picture]]:
        return {kind: [np.zeros((4, 4, 3), np.uint8)] * 2 for kind in ("input", "query", "positive", "negative")}


def plan_of(name: str, profile: Profile = MINI, *, seeds: Sequence[int] = (0, 1), **options: Any) -> Plan:
    return expand(SPECS.tables, SPECS.table(name), profile, Options(seeds=seeds, **options))


def keep(store: Store, plan: Plan, cell: tuple[str, str], values: Sequence[Mapping[str, Any]]) -> None:
    """Put what each seed found into the store, beside what the same job holds already."""
    for seed, found in enumerate(values):
        job = plan.jobs[plan.cells[cell][seed]]
        before = store.read(job.id)
        whole = {**(before.values if before else {}), **found}
        store.write(Record(job.id, job.content, job.label, whole, {}, "2026-01-01T00:00:00+00:00", 1.0, 1.0, {}))


def gathered(store: Store, plan: Plan) -> Figure:
    return figure(SPECS.tables, plan, store, look=Wall)


def alphas(store: Store, plan: Plan) -> None:
    """Of Figure 6, ImageNet of three rows and the cue-conflict images of two, two seeds each."""
    for row, first, second in (("a0", 70.0, 72.0), ("a2", 75.0, 77.0), ("a3", 60.0, 60.0)):
        keep(store, plan, (row, "imagenet"), [{"top1": first}, {"top1": second}])
    for row, shape in (("a0", 30.0), ("a2", 40.0)):
        both = {"bias": shape + 10, "shape_accuracy": shape, "texture_accuracy": 50.0}
        keep(store, plan, (row, "shape-bias"), [both, both])


def cosines(store: Store, plan: Plan) -> None:
    """Of Figure 3, two networks whose cosines fall in four bins."""
    for row, counts, mean in (("a0", [0, 0, 1, 3], 0.4), ("a2", [0, 2, 2, 0], 0.1)):
        held = {"edges": [-1, -0.5, 0, 0.5, 1], **dict.fromkeys(("positive", "standard", "texture", "patch"), counts)}
        values = {"histograms": held, **dict.fromkeys(("positive", "standard", "texture", "patch"), mean)}
        keep(store, plan, (row, "patch"), [values, {**values, "patch": mean + 0.2}])
