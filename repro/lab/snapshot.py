"""Tensors and what belongs to them in one safetensors file, written whole or not at all, damage told on reading."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load as parse
from safetensors.torch import save as serialise
from torch import Tensor

from repro.files import canonical, write_whole

_KEY = "repro"  # one key of metadata only: safetensors does not keep the order of several
_LENGTH = 8  # bytes of a safetensors file that hold the length of its header


class Damaged(Exception):
    """A file that is not what was written; the text says how."""


def save(path: Path, tensors: Mapping[str, Tensor], *, about: Mapping[str, Any]) -> None:
    """Write tensors and a JSON mapping; the same content gives the same bytes."""
    flat = {name: tensor.detach().cpu().contiguous() for name, tensor in sorted(tensors.items())}
    metadata = {_KEY: canonical({"about": dict(about), "digest": _digest(flat)})}
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
    if _digest(tensors) != digest:
        raise Damaged(f"{path.name} was changed after it was written")
    return tensors, about


def _digest(tensors: Mapping[str, Tensor]) -> str:
    whole = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        whole.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        whole.update(tensor.flatten().view(-1).numpy().tobytes() if tensor.numel() else b"")
    return whole.hexdigest()
