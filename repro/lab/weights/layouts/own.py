"""What a job of ours wrote: an encoder, a classifier, or the checkpoint of a training that has not ended."""

from __future__ import annotations

from repro.lab.weights.found import Found, State

_CLASSIFIER = {"weight", "bias"}


def find(state: State) -> Found | None:
    """By its metadata first, then by its names."""
    if state.about is None:
        return None
    if set(state.tensors) == _CLASSIFIER and "classes" in state.about:
        rows, features = state.tensors["weight"].shape
        return Found(
            layout="repro-probe",
            says=f"a classifier of ours, of {rows} classes on {features} features",
            classifier=("weight", "bias"),
            classes=tuple(state.about["classes"]),
            refused="it holds a classifier and no encoder; name the encoder.safetensors that it goes with, and this "
            "one beside it",
        )
    if "step" in state.about:
        return Found(
            layout="repro-checkpoint",
            says=f"a checkpoint of ours after step {state.about['step']}",
            refused="the training that left it has not ended; run it to its end and take its encoder.safetensors",
        )
    return Found("repro", "an encoder of ours", parts={name: name for name in state.tensors})
