"""Learn an encoder without labels; stops and resumes at any step with the same result to the last bit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from repro.errors import JobFailed
from repro.files import digest
from repro.lab import data, encoder, probing, processes, snapshot, training
from repro.lab import input as input_
from repro.lab.batch import Setting
from repro.lab.blocks import norm
from repro.lab.input import Input, Want
from repro.lab.jobs import Context, Outcome, Stopped
from repro.lab.recipes import build, member
from repro.lab.seeds import generator

CHECKPOINT = "checkpoint.safetensors"
_SMOOTHING = 0.98  # of the loss that is reported: about the mean of the last 50 steps
_EXPLODED = 1000.0  # of the reported loss: the worst guess costs every method here less than a tenth of it
_GPU_CHECKS = 20  # steps between looks at the loss where each look waits for the device


@dataclass
class Run:
    """A training run: what it is made of, and how far it is."""

    input: Input
    seed: int
    recipe: dict[str, Any]  # group -> typed recipe
    schedule: training.Schedule
    method: nn.Module
    optimizer: torch.optim.Optimizer
    device: str
    share: processes.Share
    identity: str  # of the work, so that no other's checkpoint is taken up
    step: int = 0
    loss: Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.float64))  # smoothed


def run(spec: Mapping[str, Any], *, seed: int, inputs: Mapping[str, Path], folder: Path, context: Context) -> Outcome:
    """Train as `spec["recipe"]` says on the images of `inputs["data"]` and leave the encoder in `folder`.

    `inputs["textures"]` holds the textures of the same images, where the negatives ask for them. A method that learns
    a classifier leaves that too. Under torchrun each process takes its share of every batch and the first one writes;
    see `processes.joined` for what starts them. All of them return the same, once everything is written.

    Raises `JobFailed` where the recipe does not fit the data or the loss is no number, `Stopped` on request, in all
    processes at the same step.
    """
    with processes.joined(context.device):
        return _run(spec, seed=seed, inputs=inputs, folder=folder, context=context)


def _run(spec: Mapping[str, Any], *, seed: int, inputs: Mapping[str, Path], folder: Path, context: Context) -> Outcome:
    images = data.read(inputs["data"])
    textures = _paired(images, data.read(inputs["textures"])) if "textures" in inputs else None
    current = _prepare(spec, seed=seed, images=images, textures=textures, context=context)
    finished = _finished(folder / encoder.FILE, current)
    if finished is None:
        _resume(current, folder / CHECKPOINT, context=context)
    _check_start(current, folder, is_finished=finished is not None)
    if finished is None:
        with closing(current.input):
            _train(current, folder, context=context)
        finished = {"loss": float(current.loss), "steps": current.step}
        if current.share.rank == 0:
            _leave(current, folder, finished, classes=images.classes)
        processes.agreed(True)  # nobody returns before the files are there
    learned = [] if current.method.classifier is None else [probing.FILE]
    return Outcome(values=finished, files=[encoder.FILE, *learned])


def _leave(current: Run, folder: Path, values: dict[str, Any], *, classes: tuple[str, ...]) -> None:
    """Write what the run is for, the encoder last; then the checkpoint is not needed any more."""
    learned = current.method.classifier
    if learned is not None:
        layer = probing.Classifier(learned.weight.detach().cpu(), learned.bias.detach().cpu())
        layer.save(folder, classes=classes)
    about = {"work": current.identity, "values": values}
    snapshot.save(folder / encoder.FILE, current.method.encoder.state_dict(), about=about)
    (folder / CHECKPOINT).unlink(missing_ok=True)


def _paired(images: data.Images, textures: data.Images) -> data.Pictures:
    """The textures, once it is sure that each is that of the image in its place."""
    if images.names is None or textures.names is None:
        raise JobFailed("negatives.images: these images have no names, so their textures cannot be told apart")
    if len(images) != len(textures):
        raise JobFailed(f"negatives.images: expected a texture of each of {len(images)} images, found {len(textures)}")
    differ = np.flatnonzero(images.names != textures.names)
    if len(differ):
        first = int(differ[0])
        raise JobFailed(
            f"negatives.images: {len(differ)} of {len(images)} textures are not those of their images: at place "
            f"{first} the image is {images.names[first]} and the texture that of {textures.names[first]}; make the "
            "textures again from these images"
        )
    return textures.images


def _prepare(
    spec: Mapping[str, Any],
    *,
    seed: int,
    images: data.Images,
    context: Context,
    textures: data.Pictures | None = None,
) -> Run:
    groups = spec["recipe"]
    family = {group: member(folder, groups[group]["name"]) for group, folder in _FOLDERS.items()}
    recipe = {group: build(module.Recipe, groups[group]) for group, module in family.items()}
    recipe |= {group: build(module.Recipe, groups[group]) for group, module in _PLAIN.items()}
    training.settle(recipe["training"])
    schedule = training.Schedule(recipe["training"], recipe["optimizer"].lr, len(images), seed)
    method = _method(family, recipe, schedule, classes=len(images.classes), device=context.device)
    trained = [parameter for parameter in method.parameters() if parameter.requires_grad]
    want = Want(
        recipe=recipe["input"],
        views=family["views"],
        shown=recipe["views"],
        negatives=family["negatives"],
        added=recipe["negatives"],
        count=method.views,
        pixels=spec["pixels"],
        seed=seed,
        device=context.device,
        share=processes.share(),
    )
    labels = torch.from_numpy(images.labels)
    return Run(
        input=Input(want, images.images, textures, labels, schedule.batch, schedule.steps, context.loaders),
        seed=seed,
        recipe=recipe,
        schedule=schedule,
        method=method,
        optimizer=family["optimizer"].build(trained, recipe["optimizer"]),
        device=context.device,
        share=want.share,
        identity=digest({"spec": dict(spec), "seed": seed, "images": len(images)}),
    )


def _method(
    family: Mapping[str, Any], recipe: Mapping[str, Any], schedule: training.Schedule, *, classes: int, device: str
) -> nn.Module:
    """The method around its network, ready to train on the device."""
    setting = Setting(
        batch=recipe["training"].batch,
        images=schedule.images,
        classes=classes,
        epoch_steps=schedule.epoch_steps,
        steps=schedule.steps,
        seed=schedule.seed,
    )
    network = family["net"].build(recipe["net"], seed=schedule.seed)
    method = family["method"].build(recipe["method"], network, setting=setting)
    processes.check(batch=setting.batch, groups=method.groups)
    if method.groups == 1:
        method = norm.synchronise(method, device=device)
    method = method.to(device).train()
    if recipe["training"].compile:
        for part in method.children():  # networks; what has no forward pass is left alone until it is called, so never
            part.compile()
    return method


_FOLDERS = {
    "net": "nets",
    "views": "views",
    "method": "methods",
    "negatives": "negatives",
    "optimizer": "optimizers",
}
_PLAIN = {"training": training, "input": input_}


def _train(current: Run, folder: Path, *, context: Context) -> None:
    """From the step the run is at to its end, with checkpoints on the way."""
    total, first = current.schedule.steps, current.share.rank == 0
    look_every = 1 if torch.device(current.device).type == "cpu" else _GPU_CHECKS
    pace = snapshot.Pace()
    while current.step < total:
        loss = _step(current)
        stopping, due = processes.agreed(context.stopping(), first and pace.due())
        if stopping or due or current.step % look_every == 0 or current.step == total:
            _check(current, loss)
        if stopping or due:
            _check_weights(current)
        if first and (stopping or due):
            pace.time(lambda: _save(current, folder / CHECKPOINT))
        if stopping:
            raise Stopped(f"stopped after step {current.step} of {total}")
        context.progress(current.step, total, "steps")
    _check_weights(current)


def _step(current: Run) -> Tensor:
    """One batch: views, negatives, loss, gradient, update. All random numbers come from the seed and the step."""
    step = current.step
    batch = current.input.batch(step)
    for group in current.optimizer.param_groups:
        group["lr"] = current.schedule.learning_rate(step)
    with training.precision(current.recipe["training"], current.device):
        loss = current.method(batch, generator=generator(current.seed, "method", step=step))
    current.optimizer.zero_grad(set_to_none=True)
    loss.backward()
    processes.average_gradients(current.method)
    current.optimizer.step()
    latest = processes.average(loss.detach().double())
    current.loss = latest if step == 0 else current.loss.to(latest.device).lerp(latest, 1 - _SMOOTHING)
    current.step = step + 1
    return latest


def _check(current: Run, loss: Tensor) -> None:
    """Stop a run whose loss is no number, as the smoothed loss then stays, or has exploded."""
    found = float(current.loss)
    if not abs(found) <= _EXPLODED:
        told = f"has grown to {found:.4g}" if math.isfinite(found) else f"is {float(loss)}"
        raise JobFailed(f"loss {told} at {_place(current)}")


def _check_weights(current: Run) -> None:
    """Stop a run whose weights are no numbers, in all processes, before they take the last good checkpoint's place."""
    parts = (*current.method.parameters(), *current.method.encoder.state_dict().values())
    if processes.agreed(not all(bool(part.isfinite().all()) for part in parts))[0]:
        raise JobFailed(f"the weights are no numbers after {_place(current)}")


def _place(current: Run) -> str:
    rate = current.schedule.learning_rate(current.step - 1)
    return (
        f"step {current.step} of {current.schedule.steps} (learning rate {rate:.4g}); lower optimizer.lr, now "
        f"{current.schedule.lr:g}"
    )


def _save(current: Run, path: Path) -> None:
    tensors = {f"method.{name}": tensor for name, tensor in current.method.state_dict().items()}
    for index, state in current.optimizer.state_dict()["state"].items():
        tensors.update({f"optimizer.{index}.{name}": part for name, part in state.items() if isinstance(part, Tensor)})
    tensors["loss"] = current.loss
    snapshot.save(path, tensors, about={"work": current.identity, "step": current.step})


def _resume(current: Run, path: Path, *, context: Context) -> None:
    """Take up a checkpoint where there is one of this work; a damaged one is told and left aside."""
    try:
        tensors, about = snapshot.load(path)
        if about["work"] != current.identity:
            raise snapshot.Damaged(f"{path.name} belongs to other work")
    except FileNotFoundError:
        return
    except snapshot.Damaged as fault:
        context.note(f"{fault}; training starts again from the first step")
        return
    prefix = "method."
    method = {name.removeprefix(prefix): part for name, part in tensors.items() if name.startswith(prefix)}
    current.method.load_state_dict(method)
    states: dict[int, dict[str, Tensor]] = {}
    for name, part in tensors.items():
        if name.startswith("optimizer."):
            _, index, key = name.split(".")
            states.setdefault(int(index), {})[key] = part
    current.optimizer.load_state_dict({**current.optimizer.state_dict(), "state": states})
    current.loss, current.step = tensors["loss"], about["step"]
    context.note(f"goes on from step {current.step} of {current.schedule.steps}")


def _check_start(current: Run, folder: Path, *, is_finished: bool) -> None:
    """Stop processes that would not begin at the same step, as they do not see the same files."""
    total = current.schedule.steps
    least, most = processes.span(total + 1 if is_finished else current.step)
    if least < most:
        raise JobFailed(
            f"{folder}: some of the {current.share.size} processes are at step {least} and some at step "
            f"{min(most, total)} of {total}, as they do not see the same files; put the results where all of them do"
        )


def _finished(path: Path, current: Run) -> dict[str, Any] | None:
    """The values of an encoder that this very work wrote before its worker was killed, if there is one."""
    try:
        _, about = snapshot.load(path)
    except (FileNotFoundError, snapshot.Damaged):
        return None
    return about["values"] if about["work"] == current.identity else None
