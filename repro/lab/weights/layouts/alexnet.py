"""torchvision's AlexNet: recognised, so that it can be said that nothing here needs it.

Source: torchvision models/alexnet.py.
"""

from __future__ import annotations

from repro.lab.weights.found import Found, State

_FIRST, _LAST = "features.0.weight", "classifier.6.weight"
_SHAPE = (64, 3, 11, 11)


def find(state: State) -> Found | None:
    """AlexNet by its first and last layer, with or without `module.` in its features."""
    first = next((state.tensors[name] for name in (_FIRST, "features.module.0.weight") if name in state.tensors), None)
    if first is None or tuple(first.shape) != _SHAPE or _LAST not in state.tensors:
        return None
    return Found(
        layout="torchvision",
        says="torchvision's AlexNet",
        refused="no network here is AlexNet; its errors, by which mCE divides, are part of this program, so the file "
        "is not needed",
    )
