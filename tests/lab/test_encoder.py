"""The noise band of evaluation: how far features and decisions move with the number of images in a forward pass."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from repro.errors import DataMissing
from repro.lab import encoder, snapshot
from repro.lab.data import Files
from repro.lab.jobs import Context
from repro.lab.nets import resnet50, small

BAND = {"fp32": 1e-5, "bf16": 1e-2}  # of the largest feature, as `encoder.chunk` says; measured: 1.2e-6 and 2e-3
SMALL = small.Recipe((16, 48, 96), (2, 2, 2), stem_kernel=5, stem_stride=2, outputs=128, hidden=256, head_norm=True)
LARGE = resnet50.Recipe(outputs=128, hidden=128, head="mlp", head_norm=False, stem="imagenet")


@cache
def network(name: str) -> nn.Module:
    made = small.build(SMALL, seed=0) if name == "small" else resnet50.build(LARGE, seed=0)
    return made.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def pictures(count: int, *, pixels: int) -> Tensor:
    """Random clouds under noise, so that features differ from image to image."""
    random = torch.Generator().manual_seed(0)
    clouds = nn.functional.interpolate(torch.randn(count, 3, 8, 8, generator=random), size=(pixels, pixels))
    noise = torch.randn(count, 3, pixels, pixels, generator=random)
    return (clouds + 0.3 * noise).contiguous(memory_format=torch.channels_last)


def features(name: str, images: Tensor, *, size: int, precision: str) -> Tensor:
    parts = [part.contiguous(memory_format=torch.channels_last) for part in images.split(size)]
    return torch.cat([encoder.seen(network(name), part, precision=precision) for part in parts])


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize(("name", "count", "pixels"), [("small", 256, 32), ("resnet50", 16, 64)])
def test_the_size_of_a_chunk_moves_features_by_rounding_alone(
    name: str, count: int, pixels: int, precision: str
) -> None:
    images = pictures(count, pixels=pixels)
    whole = features(name, images, size=count, precision=precision)
    assert whole.dtype == torch.float32
    weight = torch.randn(10, whole.shape[1], generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    scores = (whole.double() - whole.double().mean(0)) @ weight.T
    best = scores.topk(2, dim=1).values
    assert len(scores.argmax(1).unique()) > 3
    for size in (1, 7):
        part = features(name, images, size=size, precision=precision)
        assert float((part - whole).abs().max()) <= BAND[precision] * float(whole.abs().max())
        other = (part.double() - whole.double().mean(0)) @ weight.T
        moved = (other - scores).abs().amax(1)
        changed = other.argmax(1) != scores.argmax(1)
        assert not (changed & (best[:, 0] - best[:, 1] > 2 * moved)).any()
        assert int(changed.sum()) <= (0 if precision == "fp32" else count // 16)


@pytest.mark.parametrize(("name", "count", "pixels"), [("small", 256, 32), ("resnet50", 16, 64)])
def test_bf16_is_fp32_but_for_its_rounding(name: str, count: int, pixels: int) -> None:
    images = pictures(count, pixels=pixels)
    exact, rough = (features(name, images, size=count, precision=kind) for kind in ("fp32", "bf16"))
    assert 0 < float((exact - rough).abs().max()) <= 0.03 * float(exact.abs().max())


def test_a_forward_pass_has_fewer_images_where_they_are_large() -> None:
    assert encoder.chunk(np.zeros((2, 3, 96, 96), np.uint8)) == 256
    assert encoder.chunk(Files(Path(), np.zeros(0, "U1"), np.zeros(0, np.int64), resize=256, pixels=224)) == 64


def test_features_of_arrays_in_chunks_are_those_of_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.random.default_rng(0).integers(0, 256, (20, 3, 32, 32)).astype(np.uint8)
    told: list[Any] = []
    context = Context(device="cpu", progress=lambda *what: told.append(what))
    monkeypatch.setattr(encoder, "_MANY", 8)
    found = encoder.features(network("small"), images, show=lambda batch: batch.float() / 255, context=context)
    with torch.no_grad():
        expected = network("small").features(torch.from_numpy(images).float() / 255)
    assert torch.allclose(found, expected, atol=1e-5 * float(expected.abs().max()))
    assert told == [(8, 20, "images"), (16, 20, "images"), (20, 20, "images")]
    assert not found.is_inference()  # a probe may train on them


def test_what_is_no_encoder_is_told(tmp_path: Path) -> None:
    net = {"name": "small", **{key: getattr(SMALL, key) for key in SMALL.__dataclass_fields__}}
    with pytest.raises(DataMissing) as caught:
        encoder.load(tmp_path, net, device="cpu")
    path = tmp_path / encoder.FILE
    assert str(caught.value) == (
        f"{path}: expected the weights of a small network ([Errno 2] No such file or directory: '{path}')"
    )
    snapshot.save(path, {"one": torch.zeros(1)}, about={})
    with pytest.raises(DataMissing, match=r"expected the weights of a small network \(Error\(s\) in loading"):
        encoder.load(tmp_path, net, device="cpu")
