"""A linear layer learned batch by batch on augmented images through a frozen encoder: what some probes share.

Source: facebookresearch/moco@78b69ca main_lincls.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repro.errors import JobFailed
from repro.lab import encoder, snapshot
from repro.lab import input as input_
from repro.lab.jobs import Context, Stopped
from repro.lab.loading import augment, crops, sources
from repro.lab.loading.feed import Feed
from repro.lab.loading.pack import Pack
from repro.lab.loading.sources import Errand, Load
from repro.lab.probing import Classifier, Fit, Material, accuracy
from repro.lab.seeds import generator

CHECKPOINT = "checkpoint.safetensors"
_RATIO = (3 / 4, 4 / 3)  # RandomResizedCrop's, which the official probe leaves as it is
_FLIP = 0.5


@dataclass(frozen=True)
class Course:
    """What the layer is shown, how fast it learns from it, and which epoch is kept."""

    batch: int
    epochs: int
    crop_scale: tuple[float, float]
    selection: Literal["last", "best"]
    rate: Callable[[int], float]  # the learning rate of each epoch, from 0


@dataclass
class State:
    """The layer and how far it is; `best` is the layer of the best epoch so far."""

    weight: nn.Parameter  # classes x F
    bias: nn.Parameter  # (classes,)
    optimizer: torch.optim.Optimizer  # over these two; its state is tensors alone
    best: tuple[Tensor, Tensor]
    step: int = 0
    history: list[float] = field(default_factory=list)  # held-out top-1 after each epoch


def start(
    weight: Tensor, bias: Tensor, *, optimizer: Callable[[Sequence[nn.Parameter]], torch.optim.Optimizer]
) -> State:
    """The state before the first step."""
    layer = [nn.Parameter(part.clone()) for part in (weight, bias)]
    return State(layer[0], layer[1], optimizer(layer), (weight.clone(), bias.clone()))


def fit(material: Material, course: Course, *, state: State, context: Context) -> Fit:
    """Train the layer; the held-out images, where there are any, are looked at after each epoch."""
    if course.selection == "best" and material.held_out is None:
        raise JobFailed('probe.selection: "best" needs held-out images and the job has none; set it to "last"')
    held_out = material.held_out
    seen = held_out and encoder.features(material.encoder, held_out.images, show=material.plain, context=context)
    epoch_steps = _epoch_steps(material, course)
    _resume(state, material.folder / CHECKPOINT, context=context)
    total, pace = epoch_steps * course.epochs, snapshot.Pace()
    with closing(_feed(material, course, steps=total, context=context)) as feed:
        while state.step < total:
            _step(state, material, course=course, load=feed.at(state.step))
            if held_out is not None and seen is not None and state.step % epoch_steps == 0:
                _look(state, seen, labels=held_out.labels)
            context.progress(state.step, total, "steps")
            if context.stopping():
                _save(state, material.folder / CHECKPOINT)
                raise Stopped(f"stopped after step {state.step} of {total}")
            if pace.due():
                pace.time(lambda: _save(state, material.folder / CHECKPOINT))
    (material.folder / CHECKPOINT).unlink(missing_ok=True)
    return _chosen(state, material, course=course)


def _epoch_steps(material: Material, course: Course) -> int:
    return -(-len(material.train.images) // course.batch)


def _places(material: Material, course: Course, step: int) -> Tensor:
    """Which images a step learns from; the last of an epoch has what is left."""
    epoch, place = divmod(step, _epoch_steps(material, course))
    whole = order(len(material.train.images), material.seed, epoch=epoch)
    return whole[place * course.batch : (place + 1) * course.batch]


def _feed(material: Material, course: Course, *, steps: int, context: Context) -> Feed:
    """What each step needs: whole images, or crops made one by one as the official code does."""
    images = material.train.images

    def errand(step: int) -> Errand:
        return Errand(step, 0, sources.some(images, _places(material, course, step)), None)

    make = sources.whole if material.mode == "batched" else _maker(material, course)
    return input_.opened(errand, make, images, steps=steps, loaders=context.loaders, device=context.device)


def _maker(material: Material, course: Course) -> Callable[[Errand], Load]:
    from repro.lab.loading import official  # torchvision takes a second to import, and only this needs it

    size = {"scale": course.crop_scale, "ratio": _RATIO, "flip_probability": _FLIP, "pixels": material.pixels}
    return official.Maker(
        steps=official.cropped(**size),
        count=1,
        pixels=material.pixels,
        seed=material.seed,
        purpose="probe views",
        negatives=None,
        recipe=None,
    )


@torch.no_grad()
def _step(state: State, material: Material, *, course: Course, load: Load) -> None:
    """One batch: random crop and flip, features of the frozen encoder, gradient of the layer alone, update."""
    device = state.weight.device
    labels = material.train.labels[_places(material, course, state.step)].to(device)
    features = material.encoder.features(shown(load, material, course, step=state.step, device=device)).float()
    scores = torch.addmm(state.bias, features, state.weight.T)
    loss = F.cross_entropy(scores, labels)
    if not math.isfinite(float(loss)):
        raise JobFailed(f"loss of the probe is {float(loss)} at step {state.step + 1}; lower probe.lr")
    error = scores.softmax(1) - F.one_hot(labels, material.classes)  # gradient of the scores
    state.weight.grad, state.bias.grad = error.T @ features / len(labels), error.mean(0)
    for group in state.optimizer.param_groups:
        group["lr"] = course.rate(state.step // _epoch_steps(material, course))
    state.optimizer.step()
    state.step += 1
    if not bool(state.weight.isfinite().all()):
        raise JobFailed(f"weights of the probe are no numbers after step {state.step}; lower probe.lr")


@lru_cache(maxsize=1)
def order(images: int, seed: int, *, epoch: int) -> Tensor:
    """Indices of the images in the order of an epoch."""
    return torch.randperm(images, generator=generator(seed, "probe order", step=epoch))


def shown(load: Load, material: Material, course: Course, *, step: int, device: torch.device) -> Tensor:
    """Random crops and flips of a step's images, normalised."""
    if load.images is None:
        [views] = load.views
        return material.normalise(input_.floats(views, device))
    images = Pack(*load.images).to(device)
    random, count = generator(material.seed, "probe views", step=step), len(images)
    boxes = augment.draw_boxes(count, images.sizes, scale=course.crop_scale, ratio=_RATIO, generator=random)
    flipped = augment.draw_chance(count, _FLIP, generator=random)
    return material.normalise(crops.cut(images, boxes, flipped=flipped, pixels=material.pixels))


def _look(state: State, features: Tensor, *, labels: Tensor) -> None:
    """Held-out accuracy after an epoch; the layer is kept where it is the best so far."""
    weight, bias = state.weight.detach(), state.bias.detach()
    state.history.append(accuracy(torch.addmm(bias.cpu(), features, weight.cpu().T), labels))
    if state.history[-1] == max(state.history) and state.history.count(state.history[-1]) == 1:
        state.best = (weight.clone(), bias.clone())


def _chosen(state: State, material: Material, *, course: Course) -> Fit:
    values: dict[str, Any] = {"epochs": course.epochs}
    if material.held_out is not None:
        top = max(state.history)
        values |= {"last_top1": state.history[-1], "best_top1": top, "best_epoch": state.history.index(top) + 1}
    weight, bias = state.best if course.selection == "best" else (state.weight.detach(), state.bias.detach())
    return Fit(Classifier(weight.cpu(), bias.cpu()), values)


def _save(state: State, path: Path) -> None:
    tensors = {"weight": state.weight, "bias": state.bias, "best.weight": state.best[0], "best.bias": state.best[1]}
    for index, parts in state.optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{key}": part for key, part in parts.items() if isinstance(part, Tensor)}
    snapshot.save(path, tensors, about={"step": state.step, "history": state.history})


def _resume(state: State, path: Path, *, context: Context) -> None:
    """Take up a checkpoint where there is one; a damaged one is told and left aside."""
    try:
        tensors, about = snapshot.load(path)
    except FileNotFoundError:
        return
    except snapshot.Damaged as fault:
        context.note(f"{fault}; the probe starts again from the first step")
        return
    states: dict[int, dict[str, Tensor]] = {}
    for name, part in tensors.items():
        if name.startswith("optimizer."):
            _, index, key = name.split(".")
            states.setdefault(int(index), {})[key] = part
    state.optimizer.load_state_dict({**state.optimizer.state_dict(), "state": states})
    with torch.no_grad():
        state.weight.copy_(tensors["weight"])
        state.bias.copy_(tensors["bias"])
    device = state.weight.device
    state.best = (tensors["best.weight"].to(device), tensors["best.bias"].to(device))
    state.step, state.history = about["step"], about["history"]
