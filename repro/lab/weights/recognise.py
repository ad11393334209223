"""Which layout a weight file has: its tensors found among what stands around them, and known by their names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from repro.errors import DataMissing
from repro.lab.weights import file
from repro.lab.weights.file import Content, first
from repro.lab.weights.found import Found, State
from repro.lab.weights.layouts import alexnet, moco, own, plain, pycontrast

_PLACES = (("state_dict",), ("model",), ("classifier",), ("classy_state_dict", "base_model", "model", "trunk"))
_LAYOUTS = (own.find, moco.find, pycontrast.find, pycontrast.find_classifier, plain.find, alexnet.find)
_BESIDE_TRUNK = "classy_state_dict, but for its trunk"
_AROUND = frozenset(
    {"optimizer", "optimizer_states", "lr_scheduler", "lr_schedulers", "scheduler", "scaler", "amp", "contrast"}
    | {"model_ema", "callbacks", "loops", "loss", _BESIDE_TRUNK}
)  # entries whose tensors are of the training; contrast and model_ema: PyContrast's bank and key encoder


def describe(path: Path) -> str:
    """What a weight file is, in one line; raises `DataMissing` that says why where it is none."""
    return sentence(*recognise(file.read(path)))


def recognise(content: Content) -> tuple[State, Found]:
    """The tensors of the network in a file, and their layout; raises `DataMissing` where nothing here knows it."""
    state = _state(content)
    for find in _LAYOUTS:
        found = find(state)
        if found is not None:
            return state, found
    names = list(state.tensors)
    raise DataMissing(
        f"{content.path}: expected the names of a layout that docs/weights.md lists, found {len(names)} tensors of "
        f"none ({first(names)}); rename them to torchvision's"
    )


def sentence(state: State, found: Found) -> str:
    """One line: layout, network, queue, epoch, and what is not used of it."""
    told = [f"{found.layout}: {found.says}"]
    told += [f"a queue of {found.queue} keys"] if found.queue else []
    told += [f"epoch {epoch}"] if (epoch := epochs(state)) is not None else []
    out = left_out(state, found)
    told += [f"left out: {', '.join(out)}"] if out else []
    return "; ".join(told)


def epochs(state: State) -> int | None:
    """The epoch that the file says it is from."""
    said = state.around.get("epoch")
    return said if isinstance(said, int) and not isinstance(said, bool) else None


def left_out(state: State, found: Found) -> list[str]:
    """What of the file is not used, in a few words each."""
    parts = [f"{what} ({len(names)})" for what, names in found.left.items()]
    return parts + [name for name in state.around if name not in {"epoch", "arch"}]


def unknown(state: State) -> list[str]:
    """Entries around the network that hold tensors, and of which nobody here knows what they are."""
    entries = ((name, value) for name, value in state.around.items() if name not in _AROUND)
    return [name for name, value in entries if any(part.ndim for part in file.tensors(value))]


def _state(content: Content) -> State:
    tree = content.tree
    for place in _PLACES:
        inner = _inside(tree, place)
        if inner is not None and any(isinstance(part, Tensor) for part in inner.values()):
            around = {str(name): value for name, value in tree.items() if name != place[0]}
            around |= {_BESIDE_TRUNK: tree[place[0]]} if len(place) > 1 else {}
            return State(content.path, place[-1], _named(content, inner), around)
    if any(isinstance(part, Tensor) for part in tree.values()):
        return State(content.path, "", _named(content, tree), about=content.about)
    entries = [str(name) for name in tree]
    raise DataMissing(
        f"{content.path}: expected tensors at the top or under state_dict, model or classifier, found none there; its "
        f"entries are {first(entries) or 'none'}"
    )


def _inside(tree: Mapping[Any, Any], place: tuple[str, ...]) -> Mapping[Any, Any] | None:
    part: Any = tree
    for name in place:
        part = part.get(name) if isinstance(part, Mapping) else None
    return part if isinstance(part, Mapping) else None


def _named(content: Content, inner: Mapping[Any, Any]) -> dict[str, Tensor]:
    """A mapping of names to tensors; raises `DataMissing` where something else stands among them."""
    strange = [str(name) for name, part in inner.items() if not (isinstance(name, str) and isinstance(part, Tensor))]
    if strange:
        raise DataMissing(
            f"{content.path}: expected tensors alone among those of the network, found {len(strange)} other entries "
            f"({first(strange)}); remove them"
        )
    return {name: part.detach() for name, part in inner.items()}
