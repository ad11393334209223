"""Data, pretraining, probe and evaluation one after the other, as a worker runs them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from repro.errors import DataMissing, JobFailed
from repro.lab import data, encoder, evaluation
from repro.lab.jobs import Context, Stopped, evaluate, pretrain, probe
from repro.lab.jobs import data as make

CONTEXT = Context(device="cpu")
LBFGS = {"name": "lbfgs", "weight_decay": 1e-3, "iterations": 100, "standardise": True}
SGD = {
    "name": "sgd",
    "lr": 1.0,
    "momentum": 0.9,
    "weight_decay": 0.0,
    "batch": 16,
    "epochs": 2,
    "drops": [1],
    "drop_factor": 0.1,
    "crop_scale": [0.5, 1.0],
    "init_std": 0.01,
    "selection": "last",
}


@pytest.fixture
def trained(recipe: Any, folder: Path, tmp_path: Path) -> Path:
    (tmp_path / "pretrain").mkdir()
    spec = {"recipe": recipe, "pixels": 16}
    pretrain.run(spec, seed=0, inputs={"data": folder}, folder=tmp_path / "pretrain", context=CONTEXT)
    return tmp_path


def run_probe(recipe: Any, root: Path, into: str, *, kind: Any = LBFGS, held_out: bool = False) -> dict[str, Any]:
    groups = {"net": recipe["net"], "views": recipe["views"], "input": recipe["input"], "probe": kind}
    inputs = {"pretrain": root / "pretrain", "data": root / "data"}
    inputs |= {"held_out": root / "data"} if held_out else {}
    (root / into).mkdir()
    spec = {"recipe": groups, "pixels": 16}
    outcome = probe.run(spec, seed=0, inputs=inputs, folder=root / into, context=CONTEXT)
    assert outcome.files == ["probe.safetensors"]
    return outcome.values


def run_evaluation(
    recipe: Any, root: Path, into: str, *, evaluator: str = "accuracy", limit: int | None = None, on: str = "data"
) -> dict[str, Any]:
    groups = {"net": recipe["net"], "views": recipe["views"], "evaluation": {"precision": "fp32"}}
    inputs = {"pretrain": root / "pretrain", "probe": root / "probe", "data": root / on}
    spec = {"evaluator": evaluator, "recipe": groups, "limit": limit}
    outcome = evaluate.run(spec, seed=None, inputs=inputs, folder=root / into, context=CONTEXT)
    assert outcome.files == ["predictions.npz"]
    return outcome.values


def test_the_whole_way(recipe: Any, trained: Path, images: data.Images) -> None:
    fitted = run_probe(recipe, trained, "probe")
    found = run_evaluation(recipe, trained, "a")
    assert found == run_evaluation(recipe, trained, "b")
    assert found["top1"] == pytest.approx(fitted["train_top1"])  # the same images
    assert found["top1"] > 80
    assert found["n"] == 70
    assert (trained / "a" / "predictions.npz").read_bytes() == (trained / "b" / "predictions.npz").read_bytes()
    with np.load(trained / "a" / "predictions.npz") as kept:
        assert kept["predictions"].dtype == np.int16
        assert 100 * (kept["predictions"] == images.labels).mean() == pytest.approx(found["top1"])


def test_a_probe_of_features_that_are_no_numbers_has_failed(
    recipe: Any, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it would answer is the first class, whatever it is shown."""
    features = encoder.features

    def overflowing(*given: Any, **more: Any) -> torch.Tensor:
        found = features(*given, **more)
        found[3, 1] = torch.inf
        return found

    monkeypatch.setattr(encoder, "features", overflowing)
    with pytest.raises(JobFailed) as caught:
        run_probe(recipe, trained, "probe")
    told = "the probe's weights are no numbers, as the encoder's features of these images are none"
    assert str(caught.value) == told
    assert list((trained / "probe").iterdir()) == []


def test_the_official_probe_through_the_same_job(recipe: Any, trained: Path) -> None:
    values = run_probe(recipe, trained, "probe", kind=SGD, held_out=True)
    assert set(values) == {"epochs", "last_top1", "best_top1", "best_epoch"}
    assert run_evaluation(recipe, trained, "a")["top1"] == pytest.approx(values["last_top1"])


def test_the_probe_repeats_to_the_byte(recipe: Any, trained: Path) -> None:
    for kind in (LBFGS, SGD):
        run_probe(recipe, trained, f"{kind['name']}-1", kind=kind)
        run_probe(recipe, trained, f"{kind['name']}-2", kind=kind)
        first, second = (trained / f"{kind['name']}-{i}" / "probe.safetensors" for i in (1, 2))
        assert first.read_bytes() == second.read_bytes()


def test_unlabelled_images_are_left_out_of_the_probe(recipe: Any, trained: Path, images: data.Images) -> None:
    whole = run_probe(recipe, trained, "probe")
    some = images.labels.copy()
    some[10:] = -1
    data.write(replace(images, labels=some), trained / "data")
    assert run_probe(recipe, trained, "few")["train_top1"] == 100.0 >= whole["train_top1"]
    data.write(replace(images, labels=np.full(70, -1)), trained / "data")
    with pytest.raises(JobFailed) as caught:
        run_probe(recipe, trained, "none")
    assert str(caught.value) == "the probe needs labelled images, and none of 70 has a label"


def test_a_limit_takes_part_of_the_images_and_of_each_condition(
    recipe: Any, trained: Path, images: data.Images
) -> None:
    run_probe(recipe, trained, "probe")
    assert run_evaluation(recipe, trained, "a", limit=30)["n"] == 30
    conditions = tuple(f"fog/{severity}" for severity in range(1, 6))
    corrupted = replace(images, condition=np.arange(70) // 14, conditions=conditions)
    data.write(corrupted, trained / "corrupted")
    found = run_evaluation(recipe, trained, "b", limit=20, on="corrupted", evaluator="corruption")
    assert found["n"] == 20
    with np.load(trained / "b" / "predictions.npz") as kept:
        assert np.bincount(kept["condition"]).tolist() == [4, 4, 4, 4, 4]


def test_mce_divides_by_the_errors_of_a_stored_evaluation(recipe: Any, trained: Path, images: data.Images) -> None:
    """The reference is wrong on 1, 2, 3, 4 and 5 of 14 images of the five severities: 15 errors in all."""
    run_probe(recipe, trained, "probe")
    conditions = tuple(f"fog/{severity}" for severity in range(1, 6))
    condition, wrong = np.arange(70) // 14, np.arange(70) % 14 <= np.arange(70) // 14
    data.write(replace(images, condition=condition, conditions=conditions), trained / "corrupted")
    (trained / "reference").mkdir()
    columns = {"predictions": np.where(wrong, 1 - images.labels, images.labels), "labels": images.labels}
    said = evaluation.About(images.classes, images.classes, conditions)
    evaluation.write(trained / "reference", {**columns, "condition": condition}, said)
    plain = run_evaluation(recipe, trained, "plain", on="corrupted", evaluator="corruption")
    assert "mce" not in plain
    mistakes = round(sum(plain["errors"]["fog"]) * 14 / 100)
    groups = {"net": recipe["net"], "views": recipe["views"], "evaluation": {"precision": "fp32"}}
    spec = {"evaluator": "corruption", "recipe": groups, "limit": None, "reference": "table1/some-row"}
    inputs = {"pretrain": trained / "pretrain", "probe": trained / "probe", "data": trained / "corrupted"}
    inputs["reference"] = trained / "reference"
    found = evaluate.run(spec, seed=None, inputs=inputs, folder=trained / "mce", context=CONTEXT)
    assert found.values["mce"] == pytest.approx(100 * mistakes / 15)


def test_weights_of_another_network_are_told(recipe: Any, trained: Path) -> None:
    recipe["net"]["widths"] = [8, 8]
    with pytest.raises(DataMissing, match=r"encoder\.safetensors: expected the weights of a small network \("):
        run_probe(recipe, trained, "probe")


def test_an_evaluation_stops_on_request(recipe: Any, trained: Path) -> None:
    run_probe(recipe, trained, "probe")
    groups = {"net": recipe["net"], "views": recipe["views"], "evaluation": {"precision": "fp32"}}
    inputs = {"pretrain": trained / "pretrain", "probe": trained / "probe", "data": trained / "data"}
    spec = {"evaluator": "accuracy", "recipe": groups, "limit": None}
    context = Context(device="cpu", stopping=lambda: True)
    with pytest.raises(Stopped, match="stopped after 0 of 70 images"):
        evaluate.run(spec, seed=None, inputs=inputs, folder=trained / "a", context=context)


def test_a_data_job_writes_what_its_module_builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    from dataclasses import dataclass
    from types import ModuleType

    @dataclass(frozen=True)
    class Recipe:
        count: int

    def build(recipe: Recipe) -> data.Images:
        return data.Images(np.zeros((recipe.count, 3, 4, 4), np.uint8), np.zeros(recipe.count, np.int64), ("one",))

    module = ModuleType("repro.lab.datasets.blank")
    module.Recipe, module.build = Recipe, build  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    outcome = make.run({"name": "blank", "count": 3}, seed=None, inputs={}, folder=tmp_path, context=CONTEXT)
    read = data.read(tmp_path)
    assert outcome.values == {"images": 3, "digest": read.digest}
    assert sorted(outcome.files) == sorted(path.name for path in tmp_path.iterdir())
