"""Take an encoder, and a classifier where there is one, from a weight file that others made."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from repro.errors import DataMissing, JobFailed
from repro.files import file_digest
from repro.lab import data, encoder, probing, snapshot
from repro.lab.jobs import Context, Outcome
from repro.lab.weights import classifier, convert, file, recognise
from repro.lab.weights.found import Found, State


def run(
    spec: Mapping[str, Any], *, seed: int | None, inputs: Mapping[str, Path], folder: Path, context: Context
) -> Outcome:
    """Lay the file `spec["place"]` into the network of `spec["recipe"]` and leave its encoder in `folder`.

    `inputs["data"]` is the labelled set: a classifier of its classes is left as a probe leaves it. `spec["queue"]` is
    the row's k, which a queue in the file must have; None where the row says none. `spec["layout"]` is what the file is
    said to be; None for a user's own, of which nobody promised a projection head. `spec["classifier"]`, where given, is
    the SHA-256 of a second file, whose place is `spec["place"][1]`.

    Raises `DataMissing` where a file is absent, altered or none that is known, `JobFailed` where it is not this row's.
    """
    places, second = spec["place"], spec.get("classifier")
    where, *beside = [Path(place) for place in ([places] if isinstance(places, str) else places)]
    state, found = _opened(where, spec["sha256"], context=context)
    _check_queue(state, found, spec["queue"], context=context)
    if spec["layout"] not in (None, found.layout):
        context.note(f"{where}: said to be {spec['layout']}, recognised as {found.layout}")
    network = convert.network(state, found, net=spec["recipe"]["net"], needs_head=spec["layout"] is not None)
    notes, source = list(network.notes), (state, found)
    if second is not None:
        source = _second(beside[0], second, has_own=found.classifier is not None, notes=notes, context=context)
    rows = classifier.layer(*source, features=network.features, notes=notes)
    classes = data.read(inputs["data"]).classes
    taken = rows and classifier.arranged(rows, source[1].classes, classes=classes, notes=notes)
    for note in notes:
        context.note(f"{where}: {note}")
    if taken is not None:
        classifier.save(taken, folder, classes=classes, sha256=second or spec["sha256"])
    about = {"layout": found.layout, "sha256": spec["sha256"], "without": network.without}
    snapshot.save(folder / encoder.FILE, network.tensors, about=about)
    values = {
        **_values(state, found),
        "sha256": spec["sha256"],
        "head": not network.without,
        "classes": None if rows is None else len(rows[0]),
        "classifier": taken is not None,
        "parameters": network.parameters,
        "notes": notes,
    }
    return Outcome(values=values, files=[encoder.FILE, *([] if taken is None else [probing.FILE])])


def _values(state: State, found: Found) -> dict[str, Any]:
    """What the file says of itself."""
    return {
        "layout": found.layout,
        "recognised": recognise.sentence(state, found),
        "queue": found.queue,
        "epoch": recognise.epochs(state),
        "left_out": recognise.left_out(state, found),
    }


def _opened(path: Path, sha256: str, *, context: Context) -> tuple[State, Found]:
    """What a file holds, once it is sure that it is the file that was meant."""
    try:
        met = file_digest(path)
    except OSError as fault:
        raise DataMissing(
            f"{path}: expected a weight file, found none that can be opened ({fault.strerror})"
        ) from fault
    if met != sha256:
        raise DataMissing(
            f"{path}: expected the file with SHA-256 {sha256}, found {met}: it was altered since the plan was made; "
            "fetch it again, or run the command again to take it as it is"
        )
    state, found = recognise.recognise(file.read(path))
    context.note(f"{path}: {recognise.sentence(state, found)}")
    return state, found


def _second(path: Path, sha256: str, *, has_own: bool, notes: list[str], context: Context) -> tuple[State, Found]:
    """The file of the classifier that goes with an encoder."""
    state, found = _opened(path, sha256, context=context)
    if found.classifier is None:
        raise JobFailed(f"{path}: expected the classifier that goes with the encoder, found {found.says}")
    notes += ["its own classifier is left out for that of the second file"] if has_own else []
    return state, found


def _check_queue(state: State, found: Found, wanted: int | None, *, context: Context) -> None:
    """A queue in the file must be as long as the row says; where either is silent, that is told."""
    if found.queue is None or wanted is None:
        if found.queue is not None:
            context.note(
                f"{state.path}: its queue has {found.queue} keys; the row says no number, so that is not checked"
            )
        elif wanted is not None and found.layout == "moco-pretrain":
            context.note(f"{state.path}: no queue is in the file, so the row's {wanted} keys are not checked")
    elif found.queue != wanted:
        raise JobFailed(
            f"{state.path}: expected a queue of {wanted} keys, as the row says, found one of {found.queue}; it is the "
            "file of another row, or the row's number is wrong"
        )
