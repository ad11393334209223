"""From a recognised file to the tensors of a recipe's network: each is used, or left out and named, or an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from repro.errors import JobFailed
from repro.lab.recipes import build, member
from repro.lab.weights.file import first
from repro.lab.weights.found import Found, State
from repro.lab.weights.recognise import unknown

_HEAD = "head."
_COUNTERS = "num_batches_tracked"  # of batch normalisation; files of before torch 0.4.1 have none, and nothing reads it
_PRECISIONS = {torch.float16: "fp16", torch.bfloat16: "bf16", torch.float64: "fp64"}


@dataclass(frozen=True)
class Network:
    """An encoder's tensors by our names, float32, and what is to be told of how they came about."""

    tensors: dict[str, Tensor]
    without: list[str]  # beginnings of the names of parts that the file does not have
    features: int  # that it gives for an image
    parameters: int  # numbers that training moved, without a classifier's
    notes: list[str]


@dataclass(frozen=True)
class Misfit:
    """How a file's tensors differ from those that a network needs, by name."""

    missing: list[str]
    left_over: list[str]
    shapes: dict[str, str]  # name -> both shapes

    def __bool__(self) -> bool:
        return bool(self.missing or self.left_over or self.shapes)

    def sentence(self) -> str:
        """What is missing, left over and of another shape: how many, and the first few."""
        shapes = [f"{name}: {both}" for name, both in self.shapes.items()]
        parts = {"missing": self.missing, "left over": self.left_over, "of another shape": shapes}
        return "; ".join(f"{len(names)} {what} ({first(names)})" for what, names in parts.items() if names)


def network(state: State, found: Found, *, net: Mapping[str, Any], needs_head: bool) -> Network:
    """The encoder of `found` in the network of a recipe's group `net`.

    A projection head that the file does not have is told in `without`. One that does not fit is an error where the row
    `needs_head`; otherwise it is left out and told. Raises `JobFailed` for anything else that is missing, left over or
    of another shape, for numbers that are none, and for a file that is no encoder.
    """
    if found.refused is not None:
        raise JobFailed(f"{state.path}: {found.says}: {found.refused}")
    module = member("nets", net["name"])
    model: nn.Module = module.build(build(module.Recipe, net), seed=0)
    wanted, given, notes = model.state_dict(), dict(found.parts), []
    heads = sorted({name[: name.index(_HEAD) + len(_HEAD)] for name in wanted if _HEAD in name})
    misfit = _compare(state, wanted=_only(wanted, heads), given=_only(given, heads))
    if misfit and not needs_head and _only(given, heads):
        notes.append(f"its projection head is left out, as it is not that of the recipe: {misfit.sentence()}")
        given = {name: theirs for name, theirs in given.items() if not name.startswith(tuple(heads))}
    without = [start for start in heads if not any(name.startswith(start) for name in given)]
    wanted = {name: part for name, part in wanted.items() if not name.startswith(tuple(without))} if without else wanted
    _check(state, found, _compare(state, wanted=wanted, given=given), net=net)
    counters = [name for name in wanted if name not in given]
    notes += [f"{len(counters)} {_COUNTERS} are absent and set to 0"] if counters else []
    used = {name: state.tensors[theirs] for name, theirs in given.items()}
    tensors = {name: torch.zeros((), dtype=torch.int64) for name in counters}
    tensors |= sound(state, used, names=given, notes=notes)
    trained = sum(part.numel() for name, part in model.named_parameters() if name in tensors)
    notes += ["it has no projection head, so no similarities can be measured"] if without else []
    return Network(tensors, without, int(model.feature_size), trained, notes)


def sound(
    state: State, tensors: Mapping[str, Tensor], *, names: Mapping[str, str], notes: list[str]
) -> dict[str, Tensor]:
    """The tensors in float32, counters as they are; what was converted is added to `notes`.

    Raises `JobFailed` where one is of no kind of floating point number, or holds a number that is none.
    """
    weights = {name: part for name, part in tensors.items() if not name.endswith(_COUNTERS)}
    kinds = {names[name]: part.dtype for name, part in weights.items() if not part.is_floating_point()}
    if kinds:
        told = first([f"{name}: {str(kind).removeprefix('torch.')}" for name, kind in kinds.items()])
        raise JobFailed(f"{state.path}: expected floating point numbers, found {len(kinds)} tensors of others ({told})")
    for kind, word in _PRECISIONS.items():
        count = sum(part.dtype == kind for part in weights.values())
        notes += [f"{count} tensors are {word} and were converted to fp32"] if count else []
    full = {name: part.float() for name, part in weights.items()}
    broken = [names[name] for name, part in full.items() if not bool(part.isfinite().all())]
    if broken:
        raise JobFailed(
            f"{state.path}: expected numbers, found NaN or infinity in {len(broken)} tensors ({first(broken)}); the "
            "training that left them broke down, or the file is damaged"
        )
    return {name: full.get(name, part) for name, part in tensors.items()}


def _only(named: Mapping[str, Any], starts: list[str]) -> dict[str, Any]:
    return {name: part for name, part in named.items() if name.startswith(tuple(starts))} if starts else {}


def _compare(state: State, *, wanted: Mapping[str, Tensor], given: Mapping[str, str]) -> Misfit:
    both = {name: (wanted[name].shape, state.tensors[given[name]].shape) for name in wanted if name in given}
    return Misfit(
        missing=[name for name in wanted if name not in given and not name.endswith(_COUNTERS)],
        left_over=[theirs for name, theirs in given.items() if name not in wanted],
        shapes={
            given[name]: f"expected {by(expected)}, found {by(found)}"
            for name, (expected, found) in both.items()
            if expected != found
        },
    )


def _check(state: State, found: Found, misfit: Misfit, *, net: Mapping[str, Any]) -> None:
    misfit = Misfit(misfit.missing, [*misfit.left_over, *found.rest(state), *unknown(state)], misfit.shapes)
    if misfit:
        raise JobFailed(
            f"{state.path}: recognised as {found.layout} ({found.says}), and it does not fit the recipe's net "
            f"{net['name']}: {misfit.sentence()}; use it for a row whose net it is, or change [recipe.net]"
        )


def by(shape: torch.Size) -> str:
    """A shape in words.

    >>> by(torch.Size([64, 3, 7, 7]))
    '64 x 3 x 7 x 7'
    """
    return " x ".join(map(str, shape)) or "one number"
