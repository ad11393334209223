"""Networks of torchvision, saved as others save them; what is imported is compared with their own forward pass."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torchvision.models.resnet import Bottleneck, ResNet

from repro.files import file_digest
from repro.lab import data
from repro.lab.jobs import Context, weights
from repro.lab.nets import resnet50

NET = {"name": "resnet50", "outputs": 128, "hidden": 2048, "head": "mlp", "head_norm": False, "stem": "imagenet"}


def thin(*, weights: None = None, classes: int = 1000) -> ResNet:
    """torchvision's ResNet-50, its 3 x 3 convolutions a sixteenth as wide, so that a file of it is 13 MB, not 100."""
    assert weights is None
    return ResNet(Bottleneck, [3, 4, 6, 3], num_classes=classes, width_per_group=4)


def trained(net: nn.Module) -> nn.Module:
    """The network with statistics of batch normalisation as a training leaves them: of no two channels alike."""
    random = torch.Generator().manual_seed(1)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
            module.running_mean.normal_(0, 0.1, generator=random)
            module.running_var.uniform_(0.5, 2, generator=random)
            module.num_batches_tracked.fill_(1234)
    return net.eval()


def moco(query: ResNet, *, hidden: int | None) -> ResNet:
    """As moco/builder.py makes an encoder: 128 outputs, and a hidden layer in front of them for v2."""
    query.fc = nn.Linear(2048, 128)
    if hidden is not None:
        query.fc = nn.Sequential(nn.Linear(2048, hidden), nn.ReLU(), nn.Linear(hidden, 128))
    return query


@pytest.fixture(autouse=True)
def _thin(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if "full" not in request.fixturenames:
        monkeypatch.setattr(resnet50, "resnet50", thin)


@pytest.fixture
def full() -> None:
    """ResNet-50 as wide as it is."""


@pytest.fixture
def shown() -> Tensor:
    """Three normalised images."""
    return torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(2))


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


@dataclass
class Taker:
    """Runs the job `weights` and keeps what it says."""

    root: Path
    classes: tuple[str, ...] = ("n01", "n02", "n03")
    said: list[str] = field(default_factory=list)

    def __call__(self, path: Path, **other: Any) -> dict[str, Any]:
        labelled, folder = self.root / "labelled", self.root / "taken"
        count = len(self.classes)
        pictures = np.zeros((count, 3, 8, 8), np.uint8)
        data.write(data.Images(pictures, np.arange(count), self.classes), labelled)
        spec = {"recipe": {"net": NET}, "queue": None, "layout": "moco-pretrain", "place": str(path)}
        spec |= {"sha256": file_digest(path)} | other
        shutil.rmtree(folder, ignore_errors=True)
        context = Context(device="cpu", note=self.said.append)
        outcome = weights.run(spec, seed=None, inputs={"data": labelled}, folder=folder, context=context)
        assert sorted(outcome.files) == sorted(part.name for part in folder.iterdir())
        return outcome.values


@pytest.fixture
def take(tmp_path: Path) -> Taker:
    return Taker(tmp_path)


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    """Write something as torch.save does, or as it did before torch 1.6."""

    def write(content: Any, *, legacy: bool = False, name: str = "theirs.pth.tar") -> Path:
        torch.save(content, tmp_path / name, _use_new_zipfile_serialization=not legacy)
        return tmp_path / name

    return write
