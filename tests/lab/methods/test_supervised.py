"""Supervised training: the plain cross-entropy, and the classifier that it leaves is the one that is evaluated."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from repro.errors import JobFailed
from repro.lab import data, encoder, probing
from repro.lab.batch import Batch, Setting
from repro.lab.jobs import Context, pretrain, probe
from repro.lab.methods import supervised
from repro.lab.recipes import build
from repro.lab.views import moco_v2
from tests.lab.methods.test_moco import Tiny

SETTING = Setting(batch=8, images=24, classes=3, epoch_steps=3, steps=30, seed=0)


class Featured(Tiny):
    """Its features are what comes before the last layer, 64 numbers."""

    feature_size = 64

    def features(self, images: Tensor) -> Tensor:
        return self.layers[:4](images)


def given(step: int, labels: Tensor | None = None) -> Batch:
    random = torch.Generator().manual_seed(step)
    views = (torch.randn(8, 3, 6, 6, generator=random),)
    drawn = torch.randint(3, (8,), generator=random)
    return Batch(views, (), torch.arange(8), drawn if labels is None else labels, step)


def method(seed: int = 0) -> supervised.Supervised:
    return supervised.build(supervised.Recipe(), Featured(seed), setting=SETTING)


def test_loss_is_the_cross_entropy_of_the_classifiers_scores() -> None:
    learner = method().eval()
    batch = given(0)
    features = learner.encoder.features(batch.views[0]).detach().double()
    weight, bias = (part.detach().double() for part in learner.classifier.parameters())
    total = 0.0
    for row, label in zip(features.tolist(), batch.labels.tolist(), strict=True):
        scores = [sum(w * x for w, x in zip(weight[c].tolist(), row, strict=True)) + float(bias[c]) for c in range(3)]
        total -= scores[label] - math.log(sum(math.exp(score) for score in scores))
    assert float(learner(batch, generator=torch.Generator()).detach()) == pytest.approx(total / 8, rel=1e-5)


def test_steps_are_those_of_a_plain_loop() -> None:
    learner, net = method(), Featured(0)
    layer = copy.deepcopy(learner.classifier)
    descend = [
        torch.optim.SGD(learner.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-3),
        torch.optim.SGD([*net.parameters(), *layer.parameters()], lr=0.1, momentum=0.9, weight_decay=1e-3),
    ]
    for step in range(5):
        batch = given(step)
        expected = F.cross_entropy(layer(net.features(batch.views[0])), batch.labels)
        for value, optimizer in zip((learner(batch, generator=torch.Generator()), expected), descend, strict=True):
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
    torch.testing.assert_close(learner.encoder.state_dict(), net.state_dict())
    torch.testing.assert_close(learner.classifier.state_dict(), layer.state_dict())


def test_the_head_is_no_part_of_it() -> None:
    learner = method()
    learner(given(0), generator=torch.Generator()).backward()
    grads = {name: part.grad is not None for name, part in learner.named_parameters()}
    assert {name for name, given in grads.items() if not given} == {"encoder.layers.4.weight", "encoder.layers.4.bias"}


def test_the_classifier_depends_on_the_seed_alone() -> None:
    state = torch.get_rng_state()
    first, again = method(), method(seed=3)
    assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(first.classifier.weight, again.classifier.weight)
    other = supervised.build(
        supervised.Recipe(),
        Featured(0),
        setting=Setting(batch=8, images=24, classes=3, epoch_steps=3, steps=30, seed=1),
    )
    assert not torch.equal(first.classifier.weight, other.classifier.weight)


def test_state_is_whole() -> None:
    learner = method()
    for step in range(2):
        learner(given(step), generator=torch.Generator())
    other = method(seed=4)
    other.load_state_dict(copy.deepcopy(learner.state_dict()))
    assert torch.equal(*(one(given(2), generator=torch.Generator()) for one in (learner, other)))


def test_a_missing_label_is_told() -> None:
    with pytest.raises(JobFailed) as caught:
        method()(given(4, torch.tensor([0, -1, 2, 1, -1, 0, 1, 2])), generator=torch.Generator())
    assert str(caught.value) == (
        "method.name: supervised needs a label for each image, and 2 of the 8 of step 5 have none; set data.pretrain "
        "to a labelled set"
    )


@pytest.fixture
def trained(recipe: Any, folder: Path, tmp_path: Path) -> tuple[Any, Path]:
    """The two kinds of image learned in 10 epochs."""
    recipe["method"], recipe["negatives"] = {"name": "supervised"}, {"name": "none"}
    recipe["probe"] = {"name": "own"}
    recipe["training"]["epochs"] = 10
    into = tmp_path / "pretrained"
    into.mkdir()
    spec = {"recipe": recipe, "pixels": 16}
    outcome = pretrain.run(spec, seed=0, inputs={"data": folder}, folder=into, context=Context(device="cpu"))
    assert outcome.files == ["encoder.safetensors", "probe.safetensors"]
    assert outcome.values["loss"] < 0.4
    return recipe, into


def probed(recipe: Any, pretrained: Path, images: Path, into: Path) -> probing.Classifier:
    inputs, spec = {"pretrain": pretrained, "data": images}, {"recipe": recipe, "pixels": 16}
    outcome = probe.run(spec, seed=0, inputs=inputs, folder=into, context=Context(device="cpu"))
    assert outcome.files == ["probe.safetensors"]
    return probing.load(into)[0]


def test_its_own_classifier_predicts_as_the_network_does(trained: Any, folder: Path, tmp_path: Path) -> None:
    recipe, pretrained = trained
    (tmp_path / "probe").mkdir()
    classifier = probed(recipe, pretrained, folder, tmp_path / "probe")
    net = encoder.load(pretrained, recipe["net"], device="cpu")
    layer, names = probing.load(pretrained)
    assert names == ("rows", "columns")
    images = data.read(folder)
    shown = moco_v2.plain(torch.from_numpy(np.array(images.images)), build(moco_v2.Recipe, recipe["views"]), pixels=16)
    features = net.features(shown)
    expected = (features @ layer.weight.T + layer.bias).argmax(1).numpy()
    assert (classifier.probabilities(features).argmax(1) == expected).all()
    assert float((expected == images.labels).mean()) > 0.9


def test_where_there_is_no_classifier_of_its_own_it_is_told(trained: Any, images: data.Images, tmp_path: Path) -> None:
    recipe, pretrained = trained
    data.write(data.Images(images.images, images.labels, ("columns", "rows")), tmp_path / "turned")  # other classes
    (tmp_path / "probe").mkdir()
    with pytest.raises(JobFailed) as caught:
        probed(recipe, pretrained, tmp_path / "turned", tmp_path / "probe")
    assert str(caught.value) == (
        'probe.name: "own" takes the classifier that the pretraining learned, and it left none of these 2 classes; a '
        "method that learns from labels leaves one (supervised)"
    )
    (pretrained / "probe.safetensors").unlink()
    with pytest.raises(JobFailed) as caught:
        probed(recipe, pretrained, tmp_path / "turned", tmp_path / "probe")
    assert "it left none of these 2 classes" in str(caught.value)
