"""PyContrast's encoders with their heads, CMC's pair of half width, and the classifiers that model-vs-human adds.

Source: HobbitLong/PyContrast networks/build_backbone.py and kantharajucn/PyContrast hubconf.py (`{"model": ...}`,
`module.encoder.*`, for CMC `module.encoder1.*` of L and `module.encoder2.*` of ab); bethgelab/model-vs-human v0.2
(`{"classifier": ...}`).
"""

from __future__ import annotations

from repro.lab.weights.found import RESNET, Found, State, architecture, head, resnet

_HALVES = {"1": "lightness.", "2": "colour."}


def find(state: State) -> Found | None:
    """An encoder of one network or of two; None where the file is neither."""
    if state.place != "model":
        return None
    for outer in ("module.", ""):
        if f"{outer}encoder.{RESNET}" in state.tensors:
            return _single(state, outer)
        if all(f"{outer}encoder{half}.{RESNET}" in state.tensors for half in _HALVES):
            return _pair(state, outer)
    return None


def find_classifier(state: State) -> Found | None:
    """A linear layer alone, whatever it is called; None where the entry does not say that it is one."""
    matrices = [name for name, part in state.tensors.items() if part.ndim == 2 and name.endswith("weight")]
    if state.place != "classifier" or len(matrices) != 1:
        return None
    weight = matrices[0]
    bias = weight.removesuffix("weight") + "bias"
    if bias not in state.tensors:
        return None
    rows, features = state.tensors[weight].shape
    return Found(
        layout="pycontrast-classifier",
        says=f"a classifier alone, of {rows} classes on {features} features",
        classifier=(weight, bias),
        refused="it holds a classifier and no encoder; name the file of the encoder that it goes with, and this one "
        "beside it",
    )


def _single(state: State, outer: str) -> Found:
    prefix, jigsaw = f"{outer}encoder.", f"{outer}head_jig."
    return Found(
        layout="pycontrast",
        says=f"a PyContrast encoder: {architecture(state, prefix=prefix)}",
        parts=resnet(state, prefix=prefix, into="backbone.") | _head(state, f"{outer}head.", into="head."),
        left={f"{jigsaw}*": names} if (names := state.under(jigsaw)) else {},
    )


def _pair(state: State, outer: str) -> Found:
    parts: dict[str, str] = {}
    for half, into in _HALVES.items():
        parts |= resnet(state, prefix=f"{outer}encoder{half}.", into=f"{into}backbone.")
        parts |= _head(state, f"{outer}head{half}.", into=f"{into}head.")
    network = architecture(state, prefix=f"{outer}encoder1.")
    return Found(layout="pycontrast", says=f"a PyContrast pair for L and ab: two {network}", parts=parts)


def _head(state: State, prefix: str, *, into: str) -> dict[str, str]:
    """A head's tensors; one layer alone is counted 0 there, as what follows it has no tensors, and not counted here."""
    found = head(state, prefix=prefix, into=into)
    if {name.removeprefix(into).partition(".")[0] for name in found} == {"0"}:
        return {name.replace(f"{into}0.", into, 1): theirs for name, theirs in found.items()}
    return found
