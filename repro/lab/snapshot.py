"""Tensors and what belongs to them in one safetensors file, written whole or not at all, damage told on reading."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse
from safetensors.torch import save as serialise
from torch import Tensor

from repro.files import canonical, write_whole

_KEY = "repro"  # one key of metadata only: safetensors does not keep the order of several
_PAUSE = 10.0  # seconds between two checkpoints at least, and
_SHARE = 50  # times as long as writing one took, so that they cost two percent at most
_LENGTH = 8  # bytes of a safetensors file that hold the length of its header


class Pace:
    """When the next checkpoint is due: ten seconds after the last, or later where writing one takes long."""

    def __init__(self) -> None:
        self._wait = _PAUSE
        self._written = time.monotonic()

    def due(self) -> bool:
        """Whether it is time."""
        return time.monotonic() - self._written >= self._wait

    def time(self, write: Callable[[], None]) -> None:
        """Write one, and see how long it takes."""
        start = time.monotonic()
        write()
        self._written = time.monotonic()
        self._wait = max(_PAUSE, _SHARE * (self._written - start))


class Damaged(Exception):
    """A file that is not what was written; the text says how."""


def save(path: Path, tensors: Mapping[str, Tensor], *, about: Mapping[str, Any]) -> None:
    """Write tensors and a JSON mapping; the same content gives the same bytes."""
    flat = {name: tensor.detach().cpu().contiguous() for name, tensor in sorted(tensors.items())}
    metadata = {_KEY: canonical({"about": dict(about), "digest": _digest(flat, about)})}
    write_whole(path, serialise(flat, metadata=metadata))


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `save` wrote; raises `Damaged` for any other content."""
    content = path.read_bytes()
    try:
        tensors = parse(content)
        length = int.from_bytes(content[:_LENGTH], "little")
        held = json.loads(json.loads(content[_LENGTH : _LENGTH + length])["__metadata__"][_KEY])
        about, digest = held["about"], held["digest"]
    except (SafetensorError, ValueError, KeyError, TypeError) as fault:
        raise Damaged(f"{path.name} cannot be read ({fault})") from fault
    if _digest(tensors, about) != digest:
        raise Damaged(f"{path.name} was changed after it was written")
    return tensors, about


def _digest(tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> str:
    whole = hashlib.sha256(canonical(dict(about)).encode())
    for name, tensor in sorted(tensors.items()):
        whole.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        whole.update(tensor.contiguous().flatten().view(torch.uint8).numpy())
    return whole.hexdigest()
