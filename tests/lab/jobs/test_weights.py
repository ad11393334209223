"""A weight file of others on its whole way: taken, probed where it has no classifier, evaluated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models.resnet import Bottleneck, ResNet

from repro.errors import DataMissing, JobFailed
from repro.files import file_digest
from repro.lab import data, probing
from repro.lab.jobs import Context, evaluate, probe, weights
from repro.lab.nets import resnet50

NET = {"name": "resnet50", "outputs": 128, "hidden": 64, "head": "mlp", "head_norm": False, "stem": "imagenet"}
LBFGS = {"name": "lbfgs", "weight_decay": 1e-3, "iterations": 20, "standardise": True}
MEAN, STD = 0.5, 0.25  # of the recipe's views


def thin(*, weights: None = None, classes: int = 1000) -> ResNet:
    """torchvision's ResNet-50 of 13 MB."""
    return ResNet(Bottleneck, [3, 4, 6, 3], num_classes=classes, width_per_group=4)


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch) -> ResNet:
    """A network of two classes that looked at a few images."""
    monkeypatch.setattr(resnet50, "resnet50", thin)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = thin(classes=2).train()
        with torch.no_grad():
            made(torch.randn(32, 3, 64, 64))
    return made.eval()


def moco(net: nn.Module, *, queue: int | None) -> dict[str, Any]:
    """A MoCo pretraining whose query encoder is this network."""
    fc = nn.Sequential(nn.Linear(2048, 64), nn.ReLU(), nn.Linear(64, 128))
    state = {f"module.encoder_q.{name}": part for name, part in net.state_dict().items() if not name.startswith("fc.")}
    state |= {f"module.encoder_q.fc.{name}": part for name, part in fc.state_dict().items()}
    kept = {} if queue is None else {"module.queue": torch.ones(128, queue), "module.queue_ptr": torch.zeros(1)}
    return {"epoch": 200, "state_dict": state | kept}


class Jobs:
    """The jobs of a network from a file, on the images of two kinds."""

    def __init__(self, root: Path, recipe: dict[str, Any], labelled: Path) -> None:
        others = {"net": NET, "probe": LBFGS, "input": {"mode": "reference"}, "evaluation": {"precision": "fp32"}}
        self.root, self.recipe, self.data = root, recipe | others, labelled
        self.said: list[str] = []
        self.context = Context(device="cpu", note=self.said.append)

    def take(self, content: Any, **other: Any) -> dict[str, Any]:
        path = self.root / "theirs.pth"
        torch.save(content, path)
        return self.take_file(path, **{"sha256": file_digest(path)} | other)

    def take_file(self, path: Path, *, into: str = "pretrain", **other: Any) -> dict[str, Any]:
        spec = {"recipe": {"net": NET}, "queue": None, "layout": "moco-pretrain", "place": str(path), **other}
        folder, inputs = self.root / into, {"data": self.data}
        return weights.run(spec, seed=None, inputs=inputs, folder=folder, context=self.context).values

    def probe(self) -> dict[str, Any]:
        inputs = {"pretrain": self.root / "pretrain", "data": self.data}
        spec = {"recipe": self.recipe, "pixels": 16}
        done = probe.run(spec, seed=0, inputs=inputs, folder=self.root / "probe", context=self.context)
        assert done.files == ["probe.safetensors"]
        return done.values

    def evaluate(self) -> dict[str, Any]:
        inputs = {"pretrain": self.root / "pretrain", "probe": self.root / "probe", "data": self.data}
        spec = {"evaluator": "accuracy", "recipe": self.recipe, "limit": None}
        folder = self.root / "evaluation"
        return evaluate.run(spec, seed=None, inputs=inputs, folder=folder, context=self.context).values


@pytest.fixture
def jobs(tmp_path: Path, recipe: dict[str, Any], folder: Path) -> Jobs:
    return Jobs(tmp_path, recipe, folder)


def predictions(net: nn.Module, images: data.Images) -> np.ndarray:
    """The classes that torchvision's network says, of names in their sorted order."""
    shown = (torch.from_numpy(np.array(images.images)).float() / 255 - MEAN) / STD
    with torch.no_grad():
        rows = net(shown).argmax(1)
    names = sorted(images.classes)
    return np.array([images.classes.index(names[row]) for row in rows.tolist()])


def test_a_file_with_a_classifier_needs_no_probe(jobs: Jobs, net: ResNet, images: data.Images) -> None:
    """Accuracy is that of torchvision's own forward pass; what the recipe's probe says does not matter."""
    values = jobs.take({"state_dict": {f"module.{name}": part for name, part in net.state_dict().items()}})
    jobs.recipe["probe"] = {"name": "none that is known"}
    jobs.said.clear()
    assert jobs.probe() == {"taken": values["sha256"]}
    assert jobs.said == ["the classifier that came with the weights is the probe; none is trained"]
    right = predictions(net, images) == images.labels
    assert jobs.evaluate()["top1"] == pytest.approx(100 * right.mean())


def test_an_encoder_alone_goes_to_the_probe(jobs: Jobs, net: ResNet, images: data.Images) -> None:
    jobs.take(moco(net, queue=32), queue=32)
    values = jobs.probe()
    assert set(values) == {"train_top1"}
    net.fc = nn.Identity()
    with torch.no_grad():
        features = net((torch.from_numpy(np.array(images.images)).float() / 255 - MEAN) / STD)
    classifier, classes = probing.load(jobs.root / "probe")
    said = classifier.probabilities(features).argmax(1)
    assert classes == images.classes
    assert values["train_top1"] == pytest.approx(100 * (said == images.labels).mean())
    assert jobs.evaluate()["top1"] == pytest.approx(values["train_top1"])


def test_a_classifier_of_other_classes_goes_to_the_probe(jobs: Jobs, net: ResNet) -> None:
    net.fc = nn.Linear(2048, 5)
    assert jobs.take(net.state_dict())["classifier"] is False
    assert set(jobs.probe()) == {"train_top1"}


def test_a_classifier_that_a_pretraining_learned_is_not_taken_for_one_of_a_file(jobs: Jobs, net: ResNet) -> None:
    """A supervised pretraining leaves one too; there the recipe says whether it is the probe."""
    jobs.take(moco(net, queue=None))
    probing.Classifier(torch.zeros(2, 2048), torch.zeros(2)).save(jobs.root / "pretrain", classes=("rows", "columns"))
    assert set(jobs.probe()) == {"train_top1"}


def test_the_same_file_gives_the_same_bytes(jobs: Jobs, net: ResNet) -> None:
    net_of = {name: part.half() for name, part in net.state_dict().items()}
    first = jobs.take(net_of)
    path = jobs.root / "theirs.pth"
    assert jobs.take_file(path, into="again", sha256=file_digest(path)) == first
    for name in ("encoder.safetensors", "probe.safetensors"):
        assert (jobs.root / "again" / name).read_bytes() == (jobs.root / "pretrain" / name).read_bytes()


@pytest.mark.parametrize("queue", [16384, None])
def test_a_queue_of_the_rows_length(queue: int | None, jobs: Jobs, net: ResNet) -> None:
    path = jobs.root / "theirs.pth"
    values = jobs.take(moco(net, queue=8192), queue=8192)
    assert values["queue"] == 8192
    assert len(jobs.said) == 1
    jobs.said.clear()
    if queue is None:
        jobs.take_file(path, sha256=file_digest(path))
        told = "its queue has 8192 keys; the row says no number, so that is not checked"
        assert jobs.said[1:] == [f"{path}: {told}"]
        return
    with pytest.raises(JobFailed) as caught:
        jobs.take_file(path, sha256=file_digest(path), queue=queue)
    assert str(caught.value) == (
        f"{path}: expected a queue of 16384 keys, as the row says, found one of 8192; it is the file of another row, "
        "or the row's number is wrong"
    )


def test_a_file_that_is_another_is_not_opened(
    jobs: Jobs, net: ResNet, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "theirs.pth"
    path.write_bytes(b"something")
    monkeypatch.setattr(torch, "load", None)
    met = "3fc9b689459d738f8c88a3a48aa9e33542016b7a4052e001aaa536fca74813cb"  # of these nine letters
    with pytest.raises(DataMissing) as caught:
        jobs.take_file(path, sha256="0" * 64)
    assert str(caught.value) == (
        f"{path}: expected the file with SHA-256 {'0' * 64}, found {met}: it was altered since the plan was made; "
        "fetch it again, or run the command again to take it as it is"
    )
    with pytest.raises(DataMissing) as caught:
        jobs.take_file(tmp_path / "no.pth", sha256="0" * 64)
    found = "found none that can be opened (No such file or directory)"
    assert str(caught.value) == f"{tmp_path / 'no.pth'}: expected a weight file, {found}"


def test_what_the_record_says(jobs: Jobs, net: ResNet) -> None:
    values = jobs.take({"state_dict": net.state_dict(), "epoch": 90, "optimizer": {}}, layout="torchvision")
    assert values == {
        "layout": "torchvision",
        "recognised": "torchvision: ResNet-50 (blocks 0.0625 times as wide) by torchvision's names, with a classifier "
        "of 2 classes; epoch 90; left out: optimizer",
        "sha256": file_digest(jobs.root / "theirs.pth"),
        "queue": None,
        "epoch": 90,
        "head": False,
        "classes": 2,
        "classifier": True,
        "parameters": sum(part.numel() for name, part in net.named_parameters() if not name.startswith("fc.")),
        "left_out": ["optimizer"],
        "notes": [
            "it has no projection head, so no similarities can be measured",
            "its classifier of 2 classes, taken to be in the order of their sorted names, is the probe",
        ],
    }
