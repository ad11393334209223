"""Pretraining in two processes: what one process does, stopped and resumed together, written by the first alone."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Generator, Tensor

from repro.errors import JobFailed
from repro.lab.batch import Batch
from repro.lab.jobs import Context, Stopped, pretrain
from repro.lab.methods.moco import MoCo
from tests.lab.several import together

STEPS = 8  # in more of them, rounding takes some unit across the kink of its ReLU, and the weights part
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
ENCODER, CHECKPOINT = "encoder.safetensors", "checkpoint.safetensors"


@contextmanager
def watched() -> Iterator[list[Batch]]:
    """The batches that MoCo is given meanwhile."""
    seen: list[Batch] = []
    kept = MoCo.forward

    def forward(self: MoCo, batch: Batch, *, generator: Generator) -> Tensor:
        seen.append(batch)
        return kept(self, batch, generator=generator)

    MoCo.forward = forward  # type: ignore[method-assign]
    try:
        yield seen
    finally:
        MoCo.forward = kept  # type: ignore[method-assign]


def train(recipe: dict[str, Any], folder: Path, into: Path, *, stop_after: int | None = None) -> Any:
    """The values, or the sentence of what stopped it; asked to stop after so many steps."""
    into.mkdir(exist_ok=True, parents=True)
    asked = 0

    def stopping() -> bool:
        nonlocal asked
        asked += 1
        return asked == stop_after

    spec, context = {"recipe": recipe, "pixels": 16}, Context(device="cpu", stopping=stopping)
    try:
        return pretrain.run(spec, seed=0, inputs={"data": folder}, folder=into, context=context).values
    except (Stopped, JobFailed) as end:
        return f"{type(end).__name__}: {end}"


def whole(rank: int, recipe: dict[str, Any], folder: Path, into: Path) -> dict[str, Any]:
    """A run in which each process has a folder of its own."""
    with watched() as batches:
        values = train(recipe, folder, into / str(rank))
    return {"values": values, "batches": batches, "files": sorted(path.name for path in (into / str(rank)).iterdir())}


def with_groups(recipe: dict[str, Any], groups: int) -> dict[str, Any]:
    made = copy.deepcopy(recipe)
    made["method"]["shuffle_groups"] = groups
    made["training"]["epochs"] = 2
    return made


def weights(path: Path, *, statistics: bool) -> dict[str, Tensor]:
    found = load_file(path / ENCODER)
    return {name: value for name, value in found.items() if statistics or name.rpartition(".")[2] not in STATISTICS}


@pytest.mark.parametrize("groups", [1, 2])
def test_two_processes_train_the_encoder_that_one_does(groups: int, recipe: Any, folder: Path, tmp_path: Path) -> None:
    """Its running statistics too, but where each process has statistics of its own: there they are the first one's."""
    recipe = with_groups(recipe, groups)
    with watched() as batches:
        expected = train(recipe, folder, tmp_path / "one")
    first, second = together(whole, tmp_path / "two", recipe, folder, tmp_path)
    assert len(batches) == len(first["batches"]) == STEPS
    for together_, *parts in zip(batches, first["batches"], second["batches"], strict=True):
        for index, views in enumerate(together_.views):
            assert torch.equal(torch.cat([part.views[index] for part in parts]), views)
        [negative] = together_.negatives
        assert torch.equal(torch.cat([part.negatives[0].images for part in parts]), negative.images)
        assert torch.equal(torch.cat([part.places for part in parts]), together_.places)
        assert torch.equal(torch.cat([part.labels for part in parts]), together_.labels)
        assert {part.step for part in parts} == {together_.step}
    assert first["values"] == second["values"]
    assert first["values"]["loss"] == pytest.approx(expected["loss"], rel=1e-5)
    assert (first["files"], second["files"]) == ([ENCODER], [])
    one, two = (weights(tmp_path / where, statistics=groups == 1) for where in ("one", "0"))
    torch.testing.assert_close(two, one, rtol=1e-4, atol=1e-5)


def stopped(rank: int, recipe: dict[str, Any], folder: Path, into: Path) -> dict[str, Any]:
    """Stopped on request of the second process alone, and gone on with; then what is done is asked for again."""
    found = {"whole": train(recipe, folder, into / "whole")}
    ask = 5 if rank == 1 else None
    for name in ("resumed", "for one"):
        found[f"{name}, stopped"] = train(recipe, folder, into / name, stop_after=ask)
    found["resumed"] = train(recipe, folder, into / "resumed")
    found["begun by one"] = train(recipe, folder, into / "begun by one")
    found["again"] = train(recipe, folder, into / "resumed")
    found["apart"] = train(recipe, folder, into / "apart" / str(rank))
    found["done apart"] = train(recipe, folder, into / "done apart" / str(rank))
    return found


def test_processes_stop_together_and_go_on_in_two_or_in_one(recipe: Any, folder: Path, tmp_path: Path) -> None:
    recipe = with_groups(recipe, 1)
    early = f"Stopped: stopped after step 5 of {STEPS}"
    assert train(recipe, folder, tmp_path / "begun by one", stop_after=5) == early
    assert train(recipe, folder, tmp_path / "apart" / "1", stop_after=5) == early
    assert train(recipe, folder, tmp_path / "done apart" / "0")["steps"] == STEPS
    first, second = together(stopped, tmp_path / "two", recipe, folder, tmp_path)
    for found in (first, second):
        assert found["resumed, stopped"] == found["for one, stopped"] == early
        assert found["resumed"] == found["again"] == found["whole"] == first["whole"]
        assert found["begun by one"]["loss"] == pytest.approx(found["whole"]["loss"], rel=1e-5)
    assert (tmp_path / "resumed" / ENCODER).read_bytes() == (tmp_path / "whole" / ENCODER).read_bytes()
    assert (tmp_path / "for one" / CHECKPOINT).exists()
    in_one = train(recipe, folder, tmp_path / "for one")
    assert in_one["loss"] == pytest.approx(first["whole"]["loss"], rel=1e-5)
    for name in ("for one", "begun by one"):
        found = weights(tmp_path / name, statistics=True)
        torch.testing.assert_close(found, weights(tmp_path / "whole", statistics=True), rtol=1e-4, atol=1e-5)
    for rank, found in enumerate((first, second)):
        assert found["apart"] == (
            f"JobFailed: {tmp_path / 'apart' / str(rank)}: some of the 2 processes are at step 0 and some at step 5 of "
            f"{STEPS}, as they do not see the same files; put the results where all of them do"
        )
        assert found["done apart"] == (
            f"JobFailed: {tmp_path / 'done apart' / str(rank)}: some of the 2 processes are at step 0 and some at step "
            f"{STEPS} of {STEPS}, as they do not see the same files; put the results where all of them do"
        )


def failing(_rank: int, recipe: dict[str, Any], folder: Path, into: Path) -> dict[str, Any]:
    """Four kinds of failure one after the other, then a run in half precision."""
    found = {}
    wild = with_groups(recipe, 2)
    wild["optimizer"]["lr"], wild["training"]["warmup_epochs"] = 1e30, 0.0
    found["wild"] = train(wild, folder, into / "wild")
    wild["optimizer"] |= {"lr": 1e38, "weight_decay": 1e3}  # one step leaves more than a weight can be
    wild["training"] |= {"batch": 64, "epochs": 1}
    wild["method"]["queue"] = 64
    found["wild at last"] = train(wild, folder, into / "wild at last")
    three = with_groups(recipe, 1)
    three["training"]["batch"], three["method"]["queue"] = 15, 30
    found["odd batch"] = train(three, folder, into / "odd batch")
    three = with_groups(recipe, 3)
    three["training"]["batch"], three["method"]["queue"] = 18, 36
    found["odd groups"] = train(three, folder, into / "odd groups")
    half = with_groups(recipe, 1)
    half["training"]["precision"] = "bf16"
    found["half"] = train(half, folder, into / "half")
    return found


def test_what_fails_fails_in_all_processes_and_half_precision_trains(recipe: Any, folder: Path, tmp_path: Path) -> None:
    exact = train(with_groups(recipe, 1), folder, tmp_path / "exact")
    first, second = together(failing, tmp_path / "two", recipe, folder, tmp_path)
    assert first == second
    assert first["wild"] in {
        f"JobFailed: loss is nan at step {step} of {STEPS} (learning rate {rate}); lower optimizer.lr, now 1e+30"
        for step, rate in ((2, "9.619e+29"), (3, "8.536e+29"))
    }
    assert first["wild at last"] == (
        "JobFailed: the weights are no numbers after step 1 of 1 (learning rate 1e+38); lower optimizer.lr, now 1e+38"
    )
    assert first["odd batch"] == (
        "JobFailed: training.batch: a batch of 15 cannot be cut into 2 equal parts, one a process"
    )
    assert first["odd groups"] == (
        "JobFailed: method.shuffle_groups: 3 groups cannot be shared out evenly among 2 processes; start as many "
        "processes as divide it"
    )
    assert first["half"]["loss"] == pytest.approx(exact["loss"], rel=0.05)
    for name in ("wild", "wild at last", "odd batch", "odd groups"):
        assert list((tmp_path / name).iterdir()) == []
