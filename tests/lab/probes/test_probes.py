"""All probes tell separable images apart; those that descend against plain restatements of the released scripts."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from torch import Tensor, nn

from repro.errors import JobFailed
from repro.lab import descent
from repro.lab.jobs import Context, Stopped
from repro.lab.loading.pack import Pack
from repro.lab.probes import adam, lbfgs, sgd
from repro.lab.probing import Labelled, Material


class Means(nn.Module):
    """A frozen encoder whose features are the mean colour and its square."""

    feature_size = 6

    def features(self, images: Tensor) -> Tensor:
        means = images.mean((2, 3))
        return torch.cat([means, means.square()], dim=1)


def coloured(count: int, seed: int, *, noise: int = 40) -> Labelled:
    """Images of three classes, one colour channel brighter in each."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    images = random.integers(60, 60 + noise, (count, 3, 8, 8)) + random.integers(0, noise, (count, 3, 1, 1))
    images[np.arange(count), labels] += 60
    return Labelled(images.astype(np.uint8), torch.from_numpy(labels))


def material(folder: Path, **changes: Any) -> Material:
    values: dict[str, Any] = {
        "encoder": Means().eval(),
        "train": coloured(60, 0),
        "held_out": coloured(30, 1),
        "classes": 3,
        "plain": lambda images: images.float() / 255 - 0.5,
        "normalise": lambda images: images - 0.5,
        "mode": "batched",
        "pixels": 8,
        "seed": 0,
        "folder": folder,
    }
    return Material(**{**values, **changes})


SGD = sgd.Recipe(
    lr=10.0,
    momentum=0.9,
    weight_decay=0.0,
    batch=16,
    epochs=6,
    drops=(3, 4, 5),
    drop_factor=0.1,
    crop_scale=(0.08, 1.0),
    init_std=0.01,
    selection="last",
)
ADAM = adam.Recipe(
    lr=0.05,
    momentum=0.9,
    second_momentum=0.999,
    weight_decay=1e-6,
    batch=16,
    epochs=6,
    crop_scale=(0.08, 1.0),
    selection="last",
)
DESCENTS = [(sgd, SGD), (adam, ADAM)]
LBFGS = lbfgs.Recipe(weight_decay=1e-3, iterations=200, standardise=True)
CONTEXT = Context(device="cpu")


def top1(fit: Any, labelled: Labelled) -> float:
    features = Means().features(torch.from_numpy(labelled.images).float() / 255 - 0.5)
    return float((fit.classifier.probabilities(features).argmax(1) == labelled.labels.numpy()).mean())


def test_lbfgs_tells_separable_images_apart(tmp_path: Path) -> None:
    fit = lbfgs.fit(material(tmp_path), LBFGS, context=CONTEXT)
    assert fit.values == {"train_top1": 100.0}
    assert top1(fit, coloured(90, 5)) == 1.0


@pytest.mark.parametrize("standardise", [True, False])
def test_lbfgs_finds_the_minimum_scipy_finds(standardise: bool, tmp_path: Path) -> None:
    train = coloured(60, 0, noise=120)
    recipe = dataclasses.replace(LBFGS, standardise=standardise, iterations=1000)
    fit = lbfgs.fit(material(tmp_path, train=train), recipe, context=CONTEXT)
    x = Means().features(torch.from_numpy(train.images).float() / 255 - 0.5).double().numpy()
    scaled = (x - x.mean(0)) / x.std(0) if standardise else x
    y = train.labels.numpy()

    def objective(flat: np.ndarray) -> float:
        w, b = flat[:18].reshape(3, 6), flat[18:]
        scores = scaled @ w.T + b
        log_sum = np.log(np.exp(scores - scores.max(1, keepdims=True)).sum(1)) + scores.max(1)
        return float(np.mean(log_sum - scores[np.arange(60), y]) + 0.5 * 1e-3 * np.sum(w**2))

    best = minimize(objective, np.zeros(21), method="BFGS", options={"gtol": 1e-7})
    scores = scaled @ best.x[:18].reshape(3, 6).T + best.x[18:]
    expected = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    found = fit.classifier.probabilities(torch.from_numpy(x))
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_sgd_tells_separable_images_apart_and_records_last_and_best(tmp_path: Path) -> None:
    recipe = dataclasses.replace(SGD, epochs=20, drops=(10, 15))
    fit = sgd.fit(material(tmp_path), recipe, context=CONTEXT)
    assert fit.values["epochs"] == 20
    assert fit.values["last_top1"] == pytest.approx(100 * top1(fit, coloured(30, 1)))
    assert fit.values["best_top1"] >= fit.values["last_top1"] > 90
    best = sgd.fit(material(tmp_path), dataclasses.replace(recipe, selection="best"), context=CONTEXT)
    assert best.values == fit.values
    assert 100 * top1(best, coloured(30, 1)) == pytest.approx(fit.values["best_top1"])
    assert list(tmp_path.iterdir()) == []


def test_sgd_steps_are_those_of_torch_sgd_on_the_cross_entropy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without augmentation, against nn.Linear, autograd and torch.optim.SGD with MultiStepLR."""
    plain = material(tmp_path, held_out=None)
    monkeypatch.setattr(descent, "shown", lambda load, *_, **__: plain.plain(Pack(*load.images).stacked))
    recipe = dataclasses.replace(SGD, weight_decay=0.01, lr=1.0)
    found = sgd.fit(plain, recipe, context=CONTEXT).classifier
    layer = nn.Linear(6, 3)
    start = sgd.start(plain, recipe, device="cpu")
    assert abs(float(start.weight.detach().std()) - 0.01) < 0.005
    layer.load_state_dict({"weight": start.weight, "bias": start.bias})
    optimizer = torch.optim.SGD(layer.parameters(), lr=1.0, momentum=0.9, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[3, 4, 5], gamma=0.1)
    for epoch in range(6):
        for chosen in descent.order(60, 0, epoch=epoch).split(16):  # the last batch has 12
            images = torch.from_numpy(plain.train.images)[chosen]
            loss = nn.functional.cross_entropy(layer(Means().features(plain.plain(images))), plain.train.labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
    torch.testing.assert_close(found.weight, layer.weight.detach(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found.bias, layer.bias.detach(), rtol=1e-4, atol=1e-5)


def test_adam_steps_are_those_of_the_cross_entropy_and_adam_s_own_equations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without augmentation, against autograd and Algorithm 1 of Kingma and Ba 2015 in float64."""
    plain = material(tmp_path, held_out=None)
    monkeypatch.setattr(descent, "shown", lambda load, *_, **__: plain.plain(Pack(*load.images).stacked))
    recipe = dataclasses.replace(ADAM, weight_decay=0.01)
    found = adam.fit(plain, recipe, context=CONTEXT).classifier
    start = adam.start(plain, recipe, device="cpu")
    layer = [part.detach().double().requires_grad_() for part in (start.weight, start.bias)]
    first, second = ([torch.zeros_like(part) for part in layer] for _ in range(2))
    step = 0
    for epoch in range(6):
        for chosen in descent.order(60, 0, epoch=epoch).split(16):  # the last batch has 12
            step += 1
            features = Means().features(plain.plain(torch.from_numpy(plain.train.images)[chosen])).double()
            loss = nn.functional.cross_entropy(features @ layer[0].T + layer[1], plain.train.labels[chosen])
            for part, gradient, m, v in zip(layer, torch.autograd.grad(loss, layer), first, second, strict=True):
                gradient = gradient + 0.01 * part.detach()
                m.copy_(0.9 * m + 0.1 * gradient)
                v.copy_(0.999 * v + 0.001 * gradient**2)
                part.data -= 0.05 * (m / (1 - 0.9**step)) / ((v / (1 - 0.999**step)).sqrt() + 1e-8)
    torch.testing.assert_close(found.weight.double(), layer[0].detach(), rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(found.bias.double(), layer[1].detach(), rtol=1e-3, atol=1e-4)


def test_adam_starts_as_torch_s_linear_layer_does_and_from_the_seed(tmp_path: Path) -> None:
    class Wide(Means):
        feature_size = 400

    starts = [
        adam.start(material(tmp_path, encoder=Wide(), classes=50, seed=seed), ADAM, device="cpu") for seed in (0, 0, 1)
    ]
    assert starts[0].weight.shape == (50, 400)
    theirs = nn.Linear(400, 50)
    for ours, given in ((starts[0].weight, theirs.weight), (starts[0].bias, theirs.bias)):
        assert float(ours.detach().abs().max()) <= 1 / 20
        assert float(ours.detach().std()) == pytest.approx(float(given.detach().std()), rel=0.3)
        assert abs(float(ours.detach().mean())) < 0.01
    assert torch.equal(starts[0].weight, starts[1].weight)
    assert not torch.equal(starts[0].weight, starts[2].weight)


def test_adam_tells_separable_images_apart(tmp_path: Path) -> None:
    fit = adam.fit(material(tmp_path), dataclasses.replace(ADAM, epochs=20), context=CONTEXT)
    assert fit.values["last_top1"] == pytest.approx(100 * top1(fit, coloured(30, 1)))
    assert fit.values["last_top1"] > 90
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("probe", "recipe"), DESCENTS)
@pytest.mark.parametrize("stop", [1, 4, 7, 23, 24])
def test_a_stopped_probe_resumes_where_it_was(probe: Any, recipe: Any, stop: int, tmp_path: Path) -> None:
    whole = probe.fit(material(tmp_path), recipe, context=CONTEXT)
    asked = []

    def stopping() -> bool:
        asked.append(None)
        return len(asked) == stop + 1  # asked once while the held-out features are computed

    with pytest.raises(Stopped, match=f"stopped after step {stop} of 24"):
        probe.fit(material(tmp_path), recipe, context=Context(device="cpu", stopping=stopping))
    resumed = probe.fit(material(tmp_path), recipe, context=CONTEXT)
    assert resumed.values == whole.values
    assert torch.equal(resumed.classifier.weight, whole.classifier.weight)
    assert torch.equal(resumed.classifier.bias, whole.classifier.bias)


@pytest.mark.parametrize(("probe", "recipe"), DESCENTS)
def test_a_damaged_checkpoint_is_told_and_the_probe_starts_again(probe: Any, recipe: Any, tmp_path: Path) -> None:
    whole = probe.fit(material(tmp_path), recipe, context=CONTEXT)
    (tmp_path / "checkpoint.safetensors").write_bytes(b"cut")
    notes: list[str] = []
    again = probe.fit(material(tmp_path), recipe, context=Context(device="cpu", note=notes.append))
    assert torch.equal(again.classifier.weight, whole.classifier.weight)
    [note] = notes
    assert note.startswith("checkpoint.safetensors cannot be read (")
    assert note.endswith("; the probe starts again from the first step")


@pytest.mark.parametrize(("probe", "recipe"), DESCENTS)
def test_best_needs_held_out_images(probe: Any, recipe: Any, tmp_path: Path) -> None:
    with pytest.raises(JobFailed) as caught:
        probe.fit(material(tmp_path, held_out=None), dataclasses.replace(recipe, selection="best"), context=CONTEXT)
    assert str(caught.value) == ('probe.selection: "best" needs held-out images and the job has none; set it to "last"')


def test_a_probe_that_diverges_is_told(tmp_path: Path) -> None:
    with pytest.raises(JobFailed) as caught:
        sgd.fit(material(tmp_path), dataclasses.replace(SGD, lr=1e38), context=CONTEXT)
    assert str(caught.value) in {
        f"loss of the probe is {loss} at step {step}; lower probe.lr" for loss in ("nan", "inf") for step in range(2, 6)
    }


@pytest.mark.parametrize("step", [1, 3])
def test_a_layer_that_is_no_number_is_told_and_not_kept(
    step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loss of a step is that of the layer before it: the last step's has nobody to find it out."""
    update, done = torch.optim.SGD.step, []

    def faulty(self: torch.optim.SGD) -> None:
        update(self)
        done.append(1)
        if len(done) == step:
            with torch.no_grad():
                self.param_groups[0]["params"][0][0, 0] = torch.inf

    monkeypatch.setattr(torch.optim.SGD, "step", faulty)
    with pytest.raises(JobFailed) as caught:
        sgd.fit(material(tmp_path), SGD, context=Context(device="cpu", stopping=lambda: len(done) == step))
    assert str(caught.value) == f"weights of the probe are no numbers after step {step}; lower probe.lr"
    assert list(tmp_path.iterdir()) == []
