"""A file of each layout, written from a network of torchvision: what is taken from it computes the same."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torchvision.models import resnet50
from torchvision.models.resnet import ResNet

from repro.files import file_digest
from repro.lab import encoder, probing
from repro.lab.nets import resnet50_pair
from tests.lab.weights.conftest import NET, Taker, moco, thin, trained

Save = Callable[..., Path]
LINEAR = NET | {"head": "linear"}
PAIR = {"name": "resnet50_pair", "width": 0.125, "outputs": 8}


def under(prefix: str, net: nn.Module) -> dict[str, Tensor]:
    return {prefix + name: part for name, part in net.state_dict().items()}


def optimizer(moved: list[nn.Parameter]) -> dict[str, Any]:
    """The state of SGD after a step."""
    sgd = torch.optim.SGD(moved, 0.1, momentum=0.9)
    for part in moved:
        part.grad = torch.zeros_like(part)
    sgd.step()
    return sgd.state_dict()


def features(net: ResNet, images: Tensor) -> Tensor:
    """What torchvision's network gives in front of its last layer."""
    kept: list[Tensor] = []
    with torch.no_grad(), net.avgpool.register_forward_hook(lambda _, __, out: kept.append(out.flatten(1))):
        net(images)
    return kept[0]


def loaded(root: Path, net: Mapping[str, Any] = NET) -> nn.Module:
    return encoder.load(root / "taken", net, device="cpu")


def close(ours: Tensor, theirs: Tensor) -> None:
    """Equal but for the order in which channels-last convolutions add."""
    assert theirs.std() > 1e-3
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5 * float(theirs.abs().max()))


@pytest.mark.parametrize(
    ("version", "outer", "legacy"),
    [(2, "module.", True), (2, "module.", False), (2, "", False), (1, "module.", True), (1, "", True)],
)
def test_moco(version: int, outer: str, legacy: bool, save: Save, take: Taker, shown: Tensor) -> None:
    """The query encoder and its head, not the key encoder, the queue or the optimizer."""
    hidden = 64 if version == 2 else None
    query, keys = (trained(moco(thin(), hidden=hidden)) for _ in range(2))
    state = under(f"{outer}encoder_q.", query) | under(f"{outer}encoder_k.", keys)
    state |= {f"{outer}queue": torch.randn(128, 4096), f"{outer}queue_ptr": torch.zeros(1, dtype=torch.int64)}
    about = {"epoch": 200, "arch": "resnet50", "optimizer": optimizer(list(query.parameters()))}
    path = save({**about, "state_dict": state}, legacy=legacy)
    net = NET | {"hidden": 64} if version == 2 else LINEAR
    values = take(path, recipe={"net": net}, queue=4096)
    head = "an MLP head of 2 layers" if version == 2 else "a linear head"
    keys_count = len(keys.state_dict())
    assert take.said == [
        f"{path}: moco-pretrain: a MoCo pretraining: ResNet-50 (blocks 0.0625 times as wide) with {head}; a queue of "
        f"4096 keys; epoch 200; left out: {outer}encoder_k.* ({keys_count}), {outer}queue (2), optimizer"
    ]
    assert (values["queue"], values["epoch"], values["head"], values["classifier"]) == (4096, 200, True, False)
    assert values["parameters"] == sum(part.numel() for part in query.parameters())
    assert values["left_out"] == [f"{outer}encoder_k.* ({keys_count})", f"{outer}queue (2)", "optimizer"]
    ours = loaded(take.root, net)
    close(ours.features(shown), features(query, shown))
    with torch.no_grad():
        close(ours(shown), query(shown))
    assert not torch.allclose(ours.features(shown), features(keys, shown), rtol=1e-2)
    assert int(ours.state_dict()["backbone.bn1.num_batches_tracked"]) == 1234


@pytest.mark.usefixtures("full")
def test_a_released_moco_of_full_size(save: Save, take: Taker, shown: Tensor) -> None:
    """As facebookresearch cleaned it: neither key encoder nor queue."""
    query = trained(moco(resnet50(weights=None), hidden=2048))
    path = save({"epoch": 200, "arch": "resnet50", "state_dict": under("module.encoder_q.", query)})
    values = take(path, queue=65536)
    assert take.said == [
        f"{path}: moco-pretrain: a MoCo pretraining: ResNet-50 with an MLP head of 2 layers; epoch 200",
        f"{path}: no queue is in the file, so the row's 65536 keys are not checked",
    ]
    assert values["parameters"] == 27966656  # 23508032 of torchvision's, less its classifier, and 4458624 of the head
    close(loaded(take.root).features(shown), features(query, shown))


@pytest.mark.parametrize("legacy", [False, True])
def test_a_linear_probe_of_moco(legacy: bool, save: Save, take: Taker, shown: Tensor) -> None:
    """Its classifier is the probe; no projection head is left."""
    net = trained(thin(classes=3))
    about = {"epoch": 60, "arch": "resnet50", "best_acc1": torch.tensor(80.5)}
    about["optimizer"] = optimizer([net.fc.weight, net.fc.bias])
    path = save({**about, "state_dict": under("module.", net)}, legacy=legacy)
    values = take(path)
    assert take.said == [
        f"{path}: moco-probe: ResNet-50 (blocks 0.0625 times as wide) under a linear probe of MoCo, with a classifier "
        "of 3 classes; epoch 60; left out: best_acc1, optimizer",
        f"{path}: said to be moco-pretrain, recognised as moco-probe",
        f"{path}: it has no projection head, so no similarities can be measured",
        f"{path}: its classifier of 3 classes, taken to be in the order of their sorted names, is the probe",
    ]
    assert (values["head"], values["classes"], values["classifier"]) == (False, 3, True)
    check_classifier(take, net, shown)


def check_classifier(take: Taker, net: ResNet, shown: Tensor) -> None:
    """What encoder and probe give are the probabilities of the whole network of torchvision."""
    classifier, classes = probing.load(take.root / "taken")
    assert classes == take.classes
    with torch.no_grad():
        found = classifier.probabilities(loaded(take.root).features(shown))
        np.testing.assert_allclose(found, net(shown).softmax(1).numpy(), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize(
    ("prefix", "layout", "origin"),
    [
        ("", "torchvision", "by torchvision's names"),
        ("module.", "data-parallel", "from DataParallel"),
        ("backbone.", "backbone.*", "under the prefix backbone."),
    ],
)
def test_a_whole_network(
    prefix: str, layout: str, origin: str, legacy: bool, save: Save, take: Taker, shown: Tensor
) -> None:
    """torchvision's own file is the state alone; that of the networks trained on stylised images is wrapped."""
    net = trained(thin(classes=3))
    state = under(prefix, net)
    path = save(state if not prefix else {"state_dict": state, "epoch": 45}, legacy=legacy)
    values = take(path, layout=None)
    epoch = "; epoch 45" if prefix else ""
    first = f"{layout}: ResNet-50 (blocks 0.0625 times as wide) {origin}, with a classifier of 3 classes{epoch}"
    assert take.said[0] == f"{path}: {first}"
    assert values["recognised"] == first
    close(loaded(take.root).features(shown), features(net, shown))
    check_classifier(take, net, shown)


@pytest.mark.slow
@pytest.mark.usefixtures("full")
def test_a_torchvision_network_of_full_size(save: Save, take: Taker, shown: Tensor) -> None:
    """A thousand classes do not fit three: told and left out."""
    net = trained(resnet50(weights=None))
    path = save(net.state_dict())
    values = take(path, layout="torchvision")
    assert take.said[0] == f"{path}: torchvision: ResNet-50 by torchvision's names, with a classifier of 1000 classes"
    assert take.said[-1] == f"{path}: its classifier has 1000 classes and the labelled images 3: it is left out"
    assert (values["classes"], values["classifier"], values["parameters"]) == (1000, False, 23508032)
    close(loaded(take.root).features(shown), features(net, shown))


@pytest.mark.parametrize("head", ["linear", "mlp"])
def test_a_pycontrast_encoder(head: str, save: Save, take: Taker, shown: Tensor) -> None:
    """Options as argparse keeps them stand beside it and are never looked at; the jigsaw head is left out."""
    net = trained(thin())
    first, last = nn.Linear(2048, 64), nn.Linear(64, 128)
    layers = nn.Sequential(nn.Linear(2048, 128)) if head == "linear" else nn.Sequential(first, nn.ReLU(), last)
    net.fc = nn.Identity()
    state = under("module.encoder.", net) | under("module.head.", layers)
    state |= under("module.head_jig.", nn.Linear(4, 4))
    path = save({"opt": Namespace(lr=0.03, place="/data"), "model": state, "epoch": 800})
    take(path, recipe={"net": NET | {"head": head, "hidden": 64}}, layout="pycontrast")
    assert take.said == [
        f"{path}: pycontrast: a PyContrast encoder: ResNet-50 (blocks 0.0625 times as wide); epoch 800; left out: "
        "module.head_jig.* (2), opt"
    ]
    ours = loaded(take.root, NET | {"head": head, "hidden": 64})
    with torch.no_grad():
        close(ours.features(shown), net(shown))
        close(ours(shown), layers(net(shown)))


def test_a_pycontrast_pair(save: Save, take: Taker, shown: Tensor) -> None:
    """L through the first network, ab through the second; what both give stands side by side."""
    halves = [trained(resnet50_pair.backbone(8, channels=channels)) for channels in (1, 2)]
    heads = [nn.Linear(256, 8) for _ in halves]
    state: dict[str, Tensor] = {}
    for number, (half, head) in enumerate(zip(halves, heads, strict=True), start=1):
        state |= under(f"module.encoder{number}.", half) | under(f"module.head{number}.0.", head)
    path = save({"model": state})
    take(path, recipe={"net": PAIR}, layout="pycontrast")
    assert take.said == [
        f"{path}: pycontrast: a PyContrast pair for L and ab: two ResNet-50 (blocks 0.125 times as wide)"
    ]
    ours = loaded(take.root, PAIR)
    with torch.no_grad():
        seen = [half(part) for half, part in zip(halves, shown.split([1, 2], 1), strict=True)]
        close(ours.features(shown), torch.cat(seen, 1))
        close(ours(shown), torch.cat([head(part) for head, part in zip(heads, seen, strict=True)], 1))


def test_a_pycontrast_encoder_and_its_classifier_in_a_second_file(save: Save, take: Taker, shown: Tensor) -> None:
    """model-vs-human's classifiers are files of their own."""
    net, take.classes = trained(thin(classes=3)), ("c", "a", "b")
    layer, net.fc = net.fc, nn.Identity()
    one = save({"model": under("module.encoder.", net)}, name="InsDis.pth")
    two = save({"classifier": under("module.", layer)}, name="InsDis_classifier.pth")
    values = take(one, layout="pycontrast", place=[str(one), str(two)], classifier=file_digest(two))
    assert take.said == [
        f"{one}: pycontrast: a PyContrast encoder: ResNet-50 (blocks 0.0625 times as wide)",
        f"{two}: pycontrast-classifier: a classifier alone, of 3 classes on 2048 features",
        f"{one}: it has no projection head, so no similarities can be measured",
        f"{one}: its classifier of 3 classes, taken to be in the order of their sorted names, is the probe",
    ]
    assert values["classifier"] is True
    classifier, classes = probing.load(take.root / "taken")
    assert classes == ("c", "a", "b")
    with torch.no_grad():
        wanted = layer(net(shown)).softmax(1)[:, [2, 0, 1]]  # the file's rows are of a, b, c
        np.testing.assert_allclose(classifier.probabilities(loaded(take.root).features(shown)), wanted, rtol=1e-3)


def test_a_copy_with_momentum_and_heads_beside_a_backbone(save: Save, take: Taker, shown: Tensor) -> None:
    """What lightly and solo-learn keep."""
    net, copy = trained(thin()), trained(thin())
    net.fc = copy.fc = nn.Identity()
    state = under("backbone.", net) | under("momentum_backbone.", copy) | under("projector.", nn.Linear(4, 4))
    path = save({"state_dict": state, "epoch": 399})
    take(path, layout=None)
    beside = f"projector.* (2), momentum_* ({len(copy.state_dict())})"
    assert take.said[0] == (
        f"{path}: backbone.*: ResNet-50 (blocks 0.0625 times as wide) under the prefix backbone., without classifier; "
        f"epoch 399; left out: {beside}"
    )
    close(loaded(take.root).features(shown), features(net, shown))


def test_a_vissl_trunk(save: Save, take: Taker, shown: Tensor) -> None:
    """Deep inside of the state of its training."""
    net = trained(thin())
    net.fc = nn.Identity()
    model = {"trunk": under("_feature_blocks.", net), "heads": under("0.", nn.Linear(4, 4))}
    path = save({"classy_state_dict": {"base_model": {"model": model}}, "iteration": 7})
    take(path, layout=None)
    assert take.said[0] == (
        f"{path}: _feature_blocks.*: ResNet-50 (blocks 0.0625 times as wide) under the prefix _feature_blocks., "
        "without classifier; left out: iteration, classy_state_dict, but for its trunk"
    )
    close(loaded(take.root).features(shown), features(net, shown))


def test_safetensors(tmp_path: Path, take: Taker, shown: Tensor) -> None:
    """The same names in the other format."""
    net = trained(thin(classes=3))
    save_file(net.state_dict(), tmp_path / "theirs.safetensors")
    take(tmp_path / "theirs.safetensors", layout="torchvision")
    close(loaded(take.root).features(shown), features(net, shown))
    check_classifier(take, net, shown)
