"""The linear classifier that came with a network, where it is one of the classes of the labelled images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from repro.errors import JobFailed
from repro.lab import probing, snapshot
from repro.lab.weights.convert import by, sound
from repro.lab.weights.found import Found, State


def layer(state: State, found: Found, *, features: int, notes: list[str]) -> tuple[Tensor, Tensor] | None:
    """Weight (classes x features) and bias, float32; None where the file has none.

    Raises `JobFailed` where it does not go with an encoder of so many features.
    """
    if found.classifier is None:
        return None
    names = dict(zip(("weight", "bias"), found.classifier, strict=True))
    parts = sound(state, {ours: state.tensors[theirs] for ours, theirs in names.items()}, names=names, notes=notes)
    weight, bias = parts["weight"], parts["bias"]
    if weight.shape[1:] != (features,) or bias.shape != weight.shape[:1]:
        raise JobFailed(
            f"{state.path}: expected a classifier on the {features} features of the encoder, found a weight of "
            f"{by(weight.shape)} and a bias of {by(bias.shape)}"
        )
    return weight, bias


def arranged(
    rows: tuple[Tensor, Tensor], named: Sequence[str] | None, *, classes: Sequence[str], notes: list[str]
) -> probing.Classifier | None:
    """A classifier with a row for each of `classes`, in their order; None where it is one of others. `notes` say which.

    Files of others name no classes: their rows stand in the order of the sorted names, as torchvision's ImageFolder
    counts them.
    """
    weight, bias = rows
    given = list(named) if named is not None else sorted(classes)
    if len(weight) != len(classes):
        notes.append(f"its classifier has {len(weight)} classes and the labelled images {len(classes)}: it is left out")
        return None
    if sorted(given) != sorted(classes):
        notes.append("its classifier is of other classes than the labelled images: it is left out")
        return None
    order = [given.index(name) for name in classes]
    said = "in the order that it names" if named is not None else "taken to be in the order of their sorted names"
    notes.append(f"its classifier of {len(classes)} classes, {said}, is the probe")
    return probing.Classifier(weight[order], bias[order])


def save(taken: probing.Classifier, folder: Path, *, classes: Sequence[str], sha256: str) -> None:
    """Write it as a probe leaves it, with the hash of the file that it is from: so the job `probe` knows it."""
    about = {"classes": list(classes), "taken": sha256}
    snapshot.save(folder / probing.FILE, {"weight": taken.weight, "bias": taken.bias}, about=about)
