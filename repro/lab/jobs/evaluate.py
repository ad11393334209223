"""Put a set of images through encoders and their probes, each image read once for all of them, and judge the answers.

What an evaluator keeps of each image is stored part by part (`repro.lab.parts`), so that what is stopped goes on where
it was; the chunks are always the same, so that neither a stop nor the company changes a byte of the result.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from repro.errors import JobFailed
from repro.files import canonical, digest, file_digest
from repro.lab import data, encoder, evaluation, parts, probing
from repro.lab.evaluation import About, Answers
from repro.lab.evaluators import corruption
from repro.lab.images import reading
from repro.lab.jobs import Context, Outcome, Stopped
from repro.lab.parts import Parts, stacked
from repro.lab.recipes import build, member
from repro.reference import alexnet_errors


@dataclass(frozen=True)
class Task:
    """One evaluation: what a job of this kind is asked, and its folder, which is named by the job's id."""

    spec: Mapping[str, Any]
    inputs: Mapping[str, Path]
    folder: Path


@dataclass(frozen=True, eq=False)
class _Look:
    """A network and its probe, ready on the device; shared by the evaluations that ask it of the same images."""

    network: nn.Module
    classifier: probing.Classifier  # in float64
    files: tuple[str, str]  # hashes of the two
    shown: str  # the recipe of the views: networks of the same one are shown the same
    show: Callable[[Tensor], Tensor]
    precision: str
    about: About


@dataclass(eq=False)
class _Work:
    """A task under way."""

    task: Task
    look: _Look
    evaluator: ModuleType
    reference: Mapping[str, Sequence[float]] | None
    stored: Parts
    lacking: set[int]
    kept: list[dict[str, NDArray[Any]]] = field(default_factory=list)  # of the part in hand

    def take(self, answers: Answers, rows: slice) -> None:
        """Keep what the evaluator wants of a chunk; write the part where it is the last chunk of one."""
        self.kept.append(self.evaluator.observe(answers))
        part = parts.holding(rows.start)
        if rows.stop == self.stored.rows(part).stop:
            self.stored.put(part, stacked(self.kept))
            self.kept.clear()

    def end(self) -> Outcome:
        """The metrics, of what is on disk."""
        about = replace(self.look.about, reference=self.reference)
        columns = self.stored.joined()
        values = {**self.evaluator.conclude(columns, about), "images": self.stored.images}
        file = evaluation.write(self.task.folder, columns, about)
        self.stored.clear()
        return Outcome(values=values, files=[file])


def run(
    spec: Mapping[str, Any], *, seed: int | None, inputs: Mapping[str, Path], folder: Path, context: Context
) -> Outcome:
    """Evaluate as `spec["evaluator"]` does, on at most about `spec["limit"]` images of the set.

    The columns that the metrics can be computed from again go to `predictions.npz`, the same for the same work.
    """
    [(_, found)] = together([Task(spec, inputs, folder)], context)
    if isinstance(found, Exception):
        raise found
    return found


def together(tasks: Sequence[Task], context: Context) -> Iterator[tuple[Task, Outcome | Exception]]:
    """Do evaluations of the same images at once: what came of each task, or why nothing, as soon as it is known.

    All must ask for the same set and limit. A task that fails does so alone. Raises `Stopped`, what `reading.chunks`
    raises, and `DataMissing`: then nothing comes of those not told of before, and what was stored is gone on with.
    """
    assert len({(task.inputs["data"], task.spec["limit"]) for task in tasks}) == 1
    images = _limited(data.read(tasks[0].inputs["data"]), tasks[0].spec["limit"])
    identity = json.loads((tasks[0].inputs["data"] / data.INFO).read_text(encoding="utf-8"))["digest"]
    looks: dict[str, _Look] = {}
    works: list[_Work] = []
    for task in tasks:
        try:
            works.append(_begun(task, images, looks, identity=identity, device=context.device))
        except Exception as fault:
            yield task, fault
    for stretch in parts.stretches(set().union(*(work.lacking for work in works)), images=len(images)):
        yield from _observed(works, images, stretch, context)
    for work in works:
        try:
            yield work.task, work.end()
        except Exception as fault:
            yield work.task, fault


def _begun(task: Task, images: data.Images, looks: dict[str, _Look], *, identity: str, device: str) -> _Work:
    """A task with its network loaded, once for all that ask it, and what is left of an earlier try."""
    if not len(images):
        raise JobFailed("the set has no images, so there is nothing to evaluate")
    weights = {role: str(task.inputs[role]) for role in ("pretrain", "probe")}
    key = canonical({**weights, "recipe": task.spec["recipe"]})
    if key not in looks:
        looks[key] = _look(task, images, device=device)
    of = digest({"job": task.folder.name, "data": identity, "weights": list(looks[key].files)})
    stored = Parts(task.folder, of, len(images))
    task.folder.mkdir(parents=True, exist_ok=True)
    evaluator = member("evaluators", task.spec["evaluator"])
    return _Work(task, looks[key], evaluator, _reference(task), stored, stored.lacking())


def _look(task: Task, images: data.Images, *, device: str) -> _Look:
    groups = task.spec["recipe"]
    views = member("views", groups["views"]["name"])
    shown = build(views.Recipe, groups["views"])
    network = encoder.load(task.inputs["pretrain"], groups["net"], device=device)
    classifier, classes = probing.load(task.inputs["probe"])
    return _Look(
        network=network.to(memory_format=torch.channels_last),
        classifier=probing.Classifier(classifier.weight.double().to(device), classifier.bias.double().to(device)),
        files=(file_digest(task.inputs["pretrain"] / encoder.FILE), file_digest(task.inputs["probe"] / probing.FILE)),
        shown=canonical(groups["views"]),
        show=lambda batch: views.plain(batch, shown, pixels=batch.shape[-1]),
        precision=build(evaluation.Recipe, groups["evaluation"]).precision,
        about=evaluation.about(images, classes, reference=None),
    )


def _observed(
    works: list[_Work], images: data.Images, stretch: slice, context: Context
) -> Iterator[tuple[Task, Exception]]:
    """Look at a stretch of the images with every network that lacks some of it; one that fails is told and left out."""
    some, size = images[stretch], encoder.chunk(images.images)
    for rows, batch in reading.chunks(some, size=size, loaders=context.loaders, stopping=context.stopping):
        if not works:
            return
        here = slice(stretch.start + rows.start, stretch.start + rows.stop)
        there, shown = encoder.sent(batch, device=context.device), dict[str, Tensor]()
        for look in dict.fromkeys(work.look for work in works):
            wanting = [work for work in works if work.look is look and parts.holding(here.start) in work.lacking]
            if context.stopping():
                raise Stopped(f"stopped after {here.start} of {len(images)} images")
            for work, fault in _asked(look, wanting, there, some[rows], here, shown=shown) if wanting else ():
                works.remove(work)
                yield work.task, fault
        context.progress(here.stop, len(images), "images")


def _asked(
    look: _Look, works: Sequence[_Work], batch: Tensor, images: data.Images, rows: slice, *, shown: dict[str, Tensor]
) -> Iterator[tuple[_Work, Exception]]:
    """Show a network one chunk and let each evaluator observe; tells who fails."""
    try:
        if look.shown not in shown:
            shown[look.shown] = look.show(batch).contiguous(memory_format=torch.channels_last)
        answers = Answers(_probabilities(look, shown[look.shown]), images, look.about)
    except Exception as fault:
        yield from ((work, fault) for work in works)
        return
    for work in works:
        try:
            work.take(answers, rows)
        except Exception as fault:
            yield work, fault


def _probabilities(look: _Look, images: Tensor) -> NDArray[np.float32]:
    """(n, classes) of normalised images; raises `JobFailed` where the network has no numbers to say."""
    features = encoder.seen(look.network, images, precision=look.precision)
    if not bool(features.isfinite().all()):
        raise JobFailed("the encoder's features are no numbers on these images, so there is nothing to evaluate")
    scores = features.double() @ look.classifier.weight.T + look.classifier.bias
    return scores.softmax(1).float().cpu().numpy()


def _reference(task: Task) -> Mapping[str, Sequence[float]] | None:
    """The errors that normalise mCE: AlexNet's, or those of the network whose evaluation is `inputs["reference"]`."""
    if "reference" in task.inputs:
        return corruption.severities(*evaluation.read(task.inputs["reference"]))
    if "reference" in task.spec:
        return {name: [100.0 * error for error in five] for name, five in alexnet_errors().corruptions.items()}
    return None


def _limited(images: data.Images, limit: int | None) -> data.Images:
    """About `limit` images drawn at random, the same ones each time, and equally many of each condition."""
    if limit is None or limit >= len(images):
        return images
    groups = images.condition if images.condition is not None else np.zeros(len(images), dtype=np.int64)
    names = np.unique(groups)
    share = max(1, limit // len(names))
    random = np.random.default_rng(0)
    kept = [random.permutation(np.flatnonzero(groups == name))[:share] for name in names]
    return images[np.sort(np.concatenate(kept))]
