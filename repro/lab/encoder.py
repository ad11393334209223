"""A trained encoder on disk, and the features it gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from repro.errors import DataMissing
from repro.lab import snapshot
from repro.lab.jobs import Context, Stopped
from repro.lab.recipes import build, member

FILE = "encoder.safetensors"
_CHUNK = 256  # images in a forward pass; in evaluation mode it changes the result by rounding alone


def load(folder: Path, net: Mapping[str, Any], *, device: str) -> nn.Module:
    """The encoder that a pretraining left in `folder`, frozen and in evaluation mode; `net` is its recipe's group."""
    module = member("nets", net["name"])
    encoder = module.build(build(module.Recipe, net), seed=0)
    try:
        tensors, about = snapshot.load(folder / FILE)
        absent = tuple(about.get("without", ()))  # parts that a file of others did not have, such as ["head."]
        own = {name: part for name, part in encoder.state_dict().items() if absent and name.startswith(absent)}
        encoder.load_state_dict({**own, **tensors})
    except (OSError, snapshot.Damaged, RuntimeError) as fault:
        raise DataMissing(f"{folder / FILE}: expected the weights of a {net['name']} network ({fault})") from fault
    return encoder.to(device).eval().requires_grad_(False)


def features(
    encoder: nn.Module, images: NDArray[np.uint8], *, show: Callable[[Tensor], Tensor], context: Context
) -> Tensor:
    """(N, F) float32 on the CPU of (N, 3, H, W) uint8 images, each batch normalised by `show`."""
    parts = []
    with torch.inference_mode():
        for start in range(0, len(images), _CHUNK):
            if context.stopping():
                raise Stopped(f"stopped after {start} of {len(images)} images")
            batch = torch.from_numpy(np.array(images[start : start + _CHUNK]))
            parts.append(encoder.features(show(batch.to(context.device))).float().cpu())
            context.progress(min(start + _CHUNK, len(images)), len(images), "images")
    return torch.cat(parts).clone()
