"""Pretraining: what a run leaves, that it repeats, and that stopping, damage and divergence lose nothing."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

from repro.errors import JobFailed
from repro.lab import data, encoder
from repro.lab.jobs import Context, Outcome, Stopped, pretrain
from repro.lab.processes import ALONE
from repro.lab.recipes import build
from repro.lab.views import moco_v2

STEPS = 12  # 70 images, batch 16, 3 epochs: the last 6 images of each epoch are left out


class Told:
    """A context that remembers what it is told and asks to stop after so many steps."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.notes: list[str] = []
        self.progress: list[tuple[int, int, str]] = []
        self.asked = 0
        self.stop_after = stop_after

    def stopping(self) -> bool:
        self.asked += 1
        return self.asked == self.stop_after

    @property
    def context(self) -> Context:
        def progress(done: int, total: int, unit: str) -> None:
            self.progress.append((done, total, unit))

        return Context(device="cpu", progress=progress, note=self.notes.append, stopping=self.stopping)


def train(recipe: dict[str, Any], folder: Path, into: Path, *, told: Told | None = None, seed: int = 0) -> Outcome:
    into.mkdir(exist_ok=True)
    spec = {"recipe": recipe, "pixels": 16}
    return pretrain.run(spec, seed=seed, inputs={"data": folder}, folder=into, context=(told or Told()).context)


def weights(into: Path) -> bytes:
    return (into / "encoder.safetensors").read_bytes()


def test_a_run_leaves_its_encoder_and_plain_values(recipe: Any, folder: Path, tmp_path: Path) -> None:
    told = Told()
    outcome = train(recipe, folder, tmp_path / "run", told=told)
    assert outcome.files == ["encoder.safetensors"]
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["encoder.safetensors"]
    assert outcome.values["steps"] == STEPS
    assert json.loads(json.dumps(outcome.values)) == outcome.values
    assert 0 < outcome.values["loss"] < 10
    assert told.progress == [(step + 1, STEPS, "steps") for step in range(STEPS)]
    kept = load_file(tmp_path / "run" / "encoder.safetensors")
    assert kept["stem.0.weight"].shape == (8, 3, 3, 3)
    assert kept["head.3.weight"].shape == (8, 16)


def test_the_same_work_gives_the_same_bytes_and_another_seed_does_not(
    recipe: Any, folder: Path, tmp_path: Path
) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        first = train(recipe, folder, tmp_path / "a")
        torch.manual_seed(2)  # the global generator must not matter
        again = train(recipe, folder, tmp_path / "b")
        state = torch.get_rng_state()
    other = train(recipe, folder, tmp_path / "c", seed=1)
    assert first == again
    assert weights(tmp_path / "a") == weights(tmp_path / "b")
    assert weights(tmp_path / "a") != weights(tmp_path / "c")
    assert first.values != other.values
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        assert torch.equal(state, torch.get_rng_state())  # nor was it used


@pytest.mark.parametrize("stops", [(1,), (4,), (5, 2), (STEPS - 1,), (STEPS,), (1, 1, 1, 3, 4)])
def test_a_resumed_run_equals_one_never_interrupted(
    stops: tuple[int, ...], recipe: Any, folder: Path, tmp_path: Path
) -> None:
    whole = train(recipe, folder, tmp_path / "whole")
    for number, stop in enumerate(stops):
        with pytest.raises(Stopped, match=f"stopped after step {sum(stops[: number + 1])} of {STEPS}"):
            train(recipe, folder, tmp_path / "parts", told=Told(stop_after=stop))
        assert not (tmp_path / "parts" / "encoder.safetensors").exists()
    told = Told()
    resumed = train(recipe, folder, tmp_path / "parts", told=told)
    assert told.notes == [f"goes on from step {sum(stops)} of {STEPS}"]
    assert resumed == whole
    assert weights(tmp_path / "parts") == weights(tmp_path / "whole")


def test_an_encoder_whose_record_was_never_written_is_not_trained_again(
    recipe: Any, folder: Path, tmp_path: Path
) -> None:
    first = train(recipe, folder, tmp_path / "run")
    told = Told()
    assert train(recipe, folder, tmp_path / "run", told=told) == first
    assert told.progress == []


@pytest.mark.parametrize("damage", ["cut", "altered", "empty", "foreign"])
def test_a_damaged_checkpoint_is_told_and_left_aside(damage: str, recipe: Any, folder: Path, tmp_path: Path) -> None:
    whole = train(recipe, folder, tmp_path / "whole")
    into = tmp_path / "parts"
    other = copy.deepcopy(recipe)
    other["optimizer"]["lr"] = 0.01
    with pytest.raises(Stopped):
        train(other if damage == "foreign" else recipe, folder, into, told=Told(stop_after=3))
    path = into / "checkpoint.safetensors"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes({"cut": content[:-100], "altered": content, "empty": b"", "foreign": path.read_bytes()}[damage])
    told = Told()
    assert train(recipe, folder, into, told=told) == whole
    assert weights(into) == weights(tmp_path / "whole")
    [note] = told.notes
    reason = {
        "cut": "cannot be read (",
        "empty": "cannot be read (",
        "altered": "was changed after it was written",
        "foreign": "belongs to other work",
    }[damage]
    assert note.startswith(f"checkpoint.safetensors {reason}")
    assert note.endswith("; training starts again from the first step")


def test_a_loss_that_is_no_number_is_told_and_the_last_checkpoint_stays(
    recipe: Any, folder: Path, tmp_path: Path
) -> None:
    recipe["optimizer"]["lr"] = 1e30
    recipe["training"]["warmup_epochs"] = 0.0
    into = tmp_path / "run"
    with pytest.raises(Stopped):
        train(recipe, folder, into, told=Told(stop_after=1))
    kept = (into / "checkpoint.safetensors").read_bytes()
    with pytest.raises(JobFailed) as caught:
        train(recipe, folder, into)
    assert str(caught.value) in {
        f"loss is nan at step {step} of 12 (learning rate {rate}); lower optimizer.lr, now 1e+30"
        for step, rate in ((2, "9.83e+29"), (3, "9.33e+29"))
    }
    assert (into / "checkpoint.safetensors").read_bytes() == kept
    assert not (into / "encoder.safetensors").exists()


def test_a_loss_that_explodes_stops_the_run_though_it_is_a_number(recipe: Any, folder: Path, tmp_path: Path) -> None:
    recipe["method"], recipe["negatives"] = {"name": "supervised"}, {"name": "none"}
    recipe["optimizer"]["lr"] = 100.0
    with pytest.raises(JobFailed) as caught:
        train(recipe, folder, tmp_path / "run")
    told = r"loss has grown to (\d+) at step (\d+) of 12 \(learning rate \d+\); lower optimizer\.lr, now 100"
    found = re.fullmatch(told, str(caught.value))
    assert found
    assert int(found[1]) > 1000
    assert 1 < int(found[2]) < STEPS
    assert list((tmp_path / "run").iterdir()) == []


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_weights_that_are_no_numbers_never_take_the_last_good_checkpoints_place(
    value: float, recipe: Any, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a fault of a card: the loss of the step was a number, what it left is none."""
    whole, into, step = train(recipe, folder, tmp_path / "whole"), tmp_path / "run", pretrain._step
    with pytest.raises(Stopped):
        train(recipe, folder, into, told=Told(stop_after=2))
    kept = (into / "checkpoint.safetensors").read_bytes()

    def faulty(current: pretrain.Run) -> torch.Tensor:
        loss = step(current)
        if current.step == 5:
            with torch.no_grad():
                next(current.method.encoder.parameters())[1, 1, 1, 1] = value
        return loss

    monkeypatch.setattr(pretrain, "_step", faulty)
    with pytest.raises(JobFailed) as caught:
        train(recipe, folder, into, told=Told(stop_after=3))
    monkeypatch.setattr(pretrain, "_step", step)
    told = "the weights are no numbers after step 5 of 12 (learning rate 0.06); lower optimizer.lr, now 0.06"
    assert str(caught.value) == told
    assert (into / "checkpoint.safetensors").read_bytes() == kept
    again = Told()
    assert train(recipe, folder, into, told=again) == whole
    assert again.notes == ["goes on from step 2 of 12"]
    assert weights(into) == weights(tmp_path / "whole")


def test_negatives_can_be_left_out(recipe: Any, folder: Path, tmp_path: Path) -> None:
    with_patches = train(recipe, folder, tmp_path / "patch")
    recipe["negatives"] = {"name": "none"}
    without = train(recipe, folder, tmp_path / "none")
    assert without.values["loss"] < with_patches.values["loss"]  # one term less in the denominator


def test_bf16_trains(recipe: Any, folder: Path, tmp_path: Path) -> None:
    exact = train(recipe, folder, tmp_path / "fp32").values["loss"]
    recipe["training"]["precision"] = "bf16"
    assert train(recipe, folder, tmp_path / "bf16").values["loss"] == pytest.approx(exact, rel=0.05)


def test_training_draws_two_views_of_an_image_together(recipe: Any, folder: Path, tmp_path: Path) -> None:
    """How much nearer a view is to the other view of its image than to those of other images grows with training."""
    recipe["negatives"] = {"name": "none"}
    recipe["training"] |= {"epochs": 20, "warmup_epochs": 0.0}
    margins = []
    for lr in (1e-9, 0.06):
        recipe["optimizer"]["lr"] = lr
        train(recipe, folder, tmp_path / str(lr))
        net = encoder.load(tmp_path / str(lr), recipe["net"], device="cpu")
        shown = build(moco_v2.Recipe, recipe["views"])
        pictures = torch.from_numpy(np.array(data.read(folder).images))
        random = torch.Generator().manual_seed(0)
        views = moco_v2.make(pictures, shown, count=2, pixels=16, generator=random, share=ALONE)
        first, second = (F.normalize(net(view), dim=1) for view in views)
        likeness = first @ second.T
        margins.append(float(likeness.diagonal().mean() - likeness.mean()))
    assert margins[1] > 2 * margins[0]


def test_too_few_images_are_told(recipe: Any, tmp_path: Path) -> None:
    few = data.Images(np.zeros((10, 3, 16, 16), dtype=np.uint8), np.zeros(10, dtype=np.int64), ("one",))
    data.write(few, tmp_path / "few")
    with pytest.raises(JobFailed) as caught:
        train(recipe, tmp_path / "few", tmp_path / "run")
    assert str(caught.value) == "training.batch: 16 is more than the 10 images there are; lower it"


@pytest.mark.slow
def test_a_compiled_network_trains_and_resumes(recipe: Any, folder: Path, tmp_path: Path) -> None:
    """By torch.compile: the same weights but for rounding, under the same names."""
    recipe["method"]["shuffle_groups"] = 1
    eager = train(recipe, folder, tmp_path / "eager")
    recipe["training"]["compile"] = True
    with pytest.raises(Stopped):
        train(recipe, folder, tmp_path / "compiled", told=Told(stop_after=5))
    found = train(recipe, folder, tmp_path / "compiled")
    assert found.values["loss"] == pytest.approx(eager.values["loss"], rel=1e-3)
    one, other = (load_file(tmp_path / name / "encoder.safetensors") for name in ("eager", "compiled"))
    assert one.keys() == other.keys()
    for name, part in one.items():
        torch.testing.assert_close(other[name], part, rtol=1e-2, atol=1e-3)
