"""What a weight file holds, by its own names, and what these mean in a network of ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

RESNET = "layer1.0.conv1.weight"  # a ResNet by torchvision's names has it
_RESNET50 = (3, 4, 6, 3)


@dataclass(frozen=True)
class State:
    """The tensors of a network as a file names them, and what stands around them."""

    path: Path
    place: str  # the entry that holds them, such as "state_dict"; "" where they are all there is
    tensors: Mapping[str, Tensor]
    around: Mapping[str, Any] = field(default_factory=dict)  # other entries: epoch, optimizer, ...
    about: Mapping[str, Any] | None = None  # of a file of ours

    def under(self, prefix: str) -> list[str]:
        """The names that begin so."""
        return [name for name in self.tensors if name.startswith(prefix)]


@dataclass(frozen=True)
class Found:
    """A layout, and what each tensor is for: none is forgotten, those that nobody knows are `State`'s rest."""

    layout: str  # as checkpoints.toml calls it, where it does
    says: str  # what it is, for a person
    parts: Mapping[str, str] = field(default_factory=dict)  # name in a network of ours -> in the file
    classifier: tuple[str, str] | None = None  # the file's names of weight (classes x features) and bias
    classes: tuple[str, ...] | None = None  # of the classifier, where the file names them
    left: Mapping[str, list[str]] = field(default_factory=dict)  # left out on purpose: what it is -> names
    queue: int | None = None  # keys in the queue
    refused: str | None = None  # why no network of ours can take it, if so

    def rest(self, state: State) -> list[str]:
        """The tensors that are neither used nor left out on purpose."""
        known = {
            *self.parts.values(),
            *(self.classifier or ()),
            *(name for names in self.left.values() for name in names),
        }
        return [name for name in state.tensors if name not in known]


def resnet(state: State, *, prefix: str, into: str) -> dict[str, str]:
    """Our names of the tensors under `prefix`, which are those of torchvision's ResNet but for its `fc`."""
    names = (name for name in state.under(prefix) if not name.startswith(f"{prefix}fc."))
    return {f"{into}{name.removeprefix(prefix)}": name for name in names}


def head(state: State, *, prefix: str, into: str) -> dict[str, str]:
    """Our names of a projection head's tensors: the same, as its layers are counted alike."""
    return {f"{into}{name.removeprefix(prefix)}": name for name in state.under(prefix)}


def architecture(state: State, *, prefix: str) -> str:
    """Which ResNet is under `prefix`, in words."""
    names = state.under(prefix)
    blocks = tuple(
        len(
            {
                name.removeprefix(f"{prefix}layer{stage}.").split(".")[0]
                for name in names
                if f"{prefix}layer{stage}." in name
            }
        )
        for stage in (1, 2, 3, 4)
    )
    width = next(iter(state.tensors[prefix + RESNET].shape), 0)
    is_bottleneck = f"{prefix}layer1.0.conv3.weight" in state.tensors
    if blocks == _RESNET50 and is_bottleneck:
        return "ResNet-50" if width == 64 else f"ResNet-50 (blocks {width / 64:g} times as wide)"
    kind = "bottleneck" if is_bottleneck else "basic"
    return f"ResNet of {'+'.join(map(str, blocks))} {kind} blocks"
