"""A trained encoder on disk, and the features it gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from repro.errors import DataMissing
from repro.lab import snapshot
from repro.lab.data import Images, Pictures
from repro.lab.images import reading
from repro.lab.jobs import Context
from repro.lab.recipes import build, member

FILE = "encoder.safetensors"
_MANY, _FEW, _LARGE = 256, 64, 96  # images in a forward pass; the few where they have more pixels a side than this


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


def chunk(images: Pictures) -> int:
    """How many of these images make a forward pass, whatever the machine; it changes features by rounding alone.

    By how much: at most 1e-5 of the largest feature at fp32 and 1e-2 at bf16 (`tests/lab/test_encoder.py`).
    """
    pixels = images.shape[-1] if isinstance(images, np.ndarray) else images.pixels
    return _MANY if pixels <= _LARGE else _FEW


def sent(images: Tensor, *, device: str) -> Tensor:
    """Images on the device; to a card they travel while it computes."""
    if torch.device(device).type == "cuda":
        return images.pin_memory().to(device, non_blocking=True)
    return images.to(device)


def seen(encoder: nn.Module, images: Tensor, *, precision: str) -> Tensor:
    """(n, F) float32 features of (n, 3, H, W) normalised images, on their device; `precision` is fp32 or bf16."""
    kind = images.device.type
    with torch.inference_mode(), torch.autocast(kind, dtype=torch.bfloat16, enabled=precision == "bf16"):
        features: Tensor = encoder.features(images)
        return features.float()


def features(encoder: nn.Module, images: Pictures, *, show: Callable[[Tensor], Tensor], context: Context) -> Tensor:
    """(N, F) float32 on the CPU of the N images of a set, each chunk of (n, 3, H, W) uint8 normalised by `show`."""
    parts, total = [], len(images)
    unlabelled = Images(images, np.full(total, -1, dtype=np.int64), ())
    chunks = reading.chunks(unlabelled, size=chunk(images), loaders=context.loaders, stopping=context.stopping)
    for rows, batch in chunks:
        parts.append(seen(encoder, show(sent(batch, device=context.device)), precision="fp32").cpu())
        context.progress(rows.stop, total, "images")
    return torch.cat(parts).clone()
