"""Metrics computed again from stored predictions, beside those that a certificate and its records have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from repro.errors import DataMissing
from repro.judge.certificate import arithmetic, layout, predictions, targets
from repro.judge.certificate.differences import leaves
from repro.judge.certificate.layout import Certificate
from repro.judge.certificate.ledger import Ledger
from repro.judge.certificate.predictions import FILE, Predictions
from repro.judge.certificate.records import named
from repro.metrics import MetricError
from repro.store import Store


class Measurements:
    """The evaluations of a certificate, measured anew; what several of them ask for is read once."""

    def __init__(self, held: Certificate, store: Store, ledger: Ledger) -> None:
        self.held, self.store, self.ledger = held, store, ledger
        self._errors: dict[str, arithmetic.Errors] = {}
        self._targets: dict[str, targets.Targets | None] = {}

    def compare(self) -> dict[str, dict[str, Any]]:
        """Set every number of every evaluation beside what its predictions say; those that disagree, by job."""
        found = {}
        for job, known in self.held.jobs.items():
            if known.evaluator is None:
                continue
            values = self._values(job, known)
            if values is not None and not self._beside(named(job, known), known, values):
                found[job] = values
        return found

    def _values(self, job: str, known: layout.Job) -> dict[str, Any] | None:
        """What the predictions of an evaluation say; None where they say nothing, which is noted elsewhere."""
        evaluator = str(known.evaluator)
        if evaluator not in arithmetic.EVALUATORS:
            return {}
        if not self._is_here(job):
            return None
        if not self._is_here(known.inputs.get("reference", job)):
            self.ledger.unchecked["evaluations whose reference network's predictions are not here"] += 1
            return None
        try:
            kept = self._kept(job, known)
            values = arithmetic.values(evaluator, kept, reference=self._reference(known))
        except (MetricError, DataMissing) as fault:
            expected, _, found = str(fault).removeprefix(f"{self.store.folder(job) / FILE}: ").partition(", found ")
            self.ledger.differ("metrics", named(job, known), expected.replace("expected ", "", 1), found)
            return None
        self.ledger.counts["evaluations"] += 1
        self._labels(named(job, known), known, kept)
        return values

    def _is_here(self, job: str) -> bool:
        return (self.store.folder(job) / FILE).is_file()

    def _kept(self, job: str, known: layout.Job) -> Predictions:
        path = self.store.folder(job) / FILE
        return predictions.columns(path) if known.evaluator == "similarity" else predictions.read(path)

    def _reference(self, known: layout.Job) -> arithmetic.Errors | None:
        """The errors that normalise mCE: AlexNet's, or those of another network, from its own predictions."""
        if "reference" not in known.inputs:
            return None if known.reference is None else arithmetic.alexnet()
        job = known.inputs["reference"]
        if job not in self._errors:
            self._errors[job] = arithmetic.errors(predictions.read(self.store.folder(job) / FILE))
        return self._errors[job]

    def _beside(self, where: str, known: layout.Job, values: Mapping[str, Any]) -> bool:
        """Whether what the certificate says of an evaluation is what its predictions say."""
        can = {name: value for name, value in known.values.items() if name in values}
        for name in known.values.keys() - can.keys():
            self.ledger.unchecked[f'"{name}" of {known.evaluator}: does not follow from what is stored'] += 1
        self.ledger.counts["numbers"] += leaves(can)
        return self.ledger.compare("metrics", where, can, {name: values[name] for name in can})

    def _labels(self, where: str, known: layout.Job, kept: Predictions) -> None:
        """Whether the right classes that an evaluation stored are those of its set of images."""
        if known.evaluator == "similarity":
            return
        job = known.inputs.get("data", "")
        if job not in self._targets:
            self._targets[job] = targets.read(self.store.folder(job)) if job in self.held.jobs else None
        of_set = self._targets[job]
        if known.limit is not None:
            self.ledger.unchecked["labels beside those of the data set: of part of its images"] += 1
        elif of_set is None:
            self.ledger.unchecked["labels beside those of the data set: it is not in this results folder"] += 1
        else:
            self.ledger.counts["labels"] += 1
            for column, odd in targets.odd(kept, of_set):
                expected = f"those of the {len(of_set.labels)} images of its set"
                self.ledger.differ("metrics", f"{where}, {column}", expected, odd)
