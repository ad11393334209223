"""The official linear probe: a linear layer trained by SGD on augmented images through the frozen encoder.

Source: facebookresearch/moco@78b69ca main_lincls.py; settings of
SongweiGe/Contrastive-Learning-with-Non-Semantic-Negatives@5fbdc4d README.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from repro.errors import JobFailed
from repro.lab import augment, encoder, snapshot
from repro.lab.jobs import Context, Stopped
from repro.lab.probing import Classifier, Fit, Material, accuracy
from repro.lab.seeds import generator

CHECKPOINT = "checkpoint.safetensors"
_RATIO = (3 / 4, 4 / 3)  # RandomResizedCrop's, which the official probe leaves as it is
_FLIP = 0.5


@dataclass(frozen=True)
class Recipe:
    """How the layer is trained."""

    lr: float
    momentum: float
    weight_decay: float
    batch: int
    epochs: int
    drops: tuple[int, ...]  # epochs after which the learning rate falls
    drop_factor: float
    crop_scale: tuple[float, float]
    init_std: float
    selection: Literal["last", "best"]  # the epoch that is kept; best: on held-out images, as the official script saves


@dataclass
class State:
    """The layer and how far it is; `best` is the layer of the best epoch so far."""

    weight: Tensor
    bias: Tensor
    velocity: tuple[Tensor, Tensor]
    best: tuple[Tensor, Tensor]
    step: int = 0
    history: list[float] = field(default_factory=list)  # held-out top-1 after each epoch


def fit(material: Material, recipe: Recipe, *, context: Context) -> Fit:
    """Train the layer; the held-out images, where there are any, are looked at after each epoch."""
    if recipe.selection == "best" and material.held_out is None:
        raise JobFailed('probe.selection: "best" needs held-out images and the job has none; set it to "last"')
    held_out = material.held_out
    shown = held_out and encoder.features(material.encoder, held_out.images, show=material.plain, context=context)
    epoch_steps = -(-len(material.train.images) // recipe.batch)
    state, total, pace = _resume(material, recipe, context=context), epoch_steps * recipe.epochs, snapshot.Pace()
    while state.step < total:
        epoch, place = divmod(state.step, epoch_steps)
        _step(state, material, recipe=recipe, epoch=epoch, place=place)
        if held_out is not None and shown is not None and place + 1 == epoch_steps:
            _look(state, shown, labels=held_out.labels)
        context.progress(state.step, total, "steps")
        if context.stopping():
            _save(state, material.folder / CHECKPOINT)
            raise Stopped(f"stopped after step {state.step} of {total}")
        if pace.due():
            pace.time(lambda: _save(state, material.folder / CHECKPOINT))
    (material.folder / CHECKPOINT).unlink(missing_ok=True)
    return _chosen(state, material, recipe=recipe)


def _step(state: State, material: Material, *, recipe: Recipe, epoch: int, place: int) -> None:
    """One batch: random crop and flip, features of the frozen encoder, gradient of the layer alone, update."""
    images, labels = material.train.images, material.train.labels
    chosen = _order(len(images), material.seed, epoch=epoch)[place * recipe.batch : (place + 1) * recipe.batch]
    device = state.weight.device
    views = _augmented(torch.from_numpy(images[chosen.numpy()]).to(device), material, recipe=recipe, step=state.step)
    with torch.no_grad():
        features = material.encoder.features(views).float()
        scores = torch.addmm(state.bias, features, state.weight.T)
        loss = F.cross_entropy(scores, labels[chosen].to(device))
        if not math.isfinite(float(loss)):
            raise JobFailed(f"loss of the probe is {float(loss)} at step {state.step + 1}; lower probe.lr")
        error = scores.softmax(1) - F.one_hot(labels[chosen], material.classes).to(device)  # gradient of the scores
        gradients = (error.T @ features / len(chosen), error.mean(0))
        rate = recipe.lr * recipe.drop_factor ** sum(epoch >= drop for drop in recipe.drops)
        for part, speed, gradient in zip((state.weight, state.bias), state.velocity, gradients, strict=True):
            speed.mul_(recipe.momentum).add_(gradient).add_(part, alpha=recipe.weight_decay)
            part.sub_(speed, alpha=rate)
    state.step += 1


@lru_cache(maxsize=1)
def _order(images: int, seed: int, *, epoch: int) -> Tensor:
    return torch.randperm(images, generator=generator(seed, "probe order", step=epoch))


def _augmented(images: Tensor, material: Material, *, recipe: Recipe, step: int) -> Tensor:
    """Random crop and flip of (N, 3, H, W) uint8 images, normalised."""
    random, count = generator(material.seed, "probe views", step=step), len(images)
    size = (images.shape[2], images.shape[3])
    boxes = augment.draw_boxes(count, size, scale=recipe.crop_scale, ratio=_RATIO, generator=random)
    flipped = augment.draw_chance(count, _FLIP, generator=random)
    return material.normalise(augment.crop(images.float().div_(255), boxes, flipped=flipped, pixels=material.pixels))


def _look(state: State, features: Tensor, *, labels: Tensor) -> None:
    """Held-out accuracy after an epoch; the layer is kept where it is the best so far."""
    scores = torch.addmm(state.bias.cpu(), features, state.weight.cpu().T)
    state.history.append(accuracy(scores, labels))
    if state.history[-1] == max(state.history) and state.history.count(state.history[-1]) == 1:
        state.best = (state.weight.clone(), state.bias.clone())


def _chosen(state: State, material: Material, *, recipe: Recipe) -> Fit:
    values: dict[str, Any] = {"epochs": recipe.epochs}
    if material.held_out is not None:
        top = max(state.history)
        values |= {"last_top1": state.history[-1], "best_top1": top, "best_epoch": state.history.index(top) + 1}
    weight, bias = state.best if recipe.selection == "best" else (state.weight, state.bias)
    return Fit(Classifier(weight.cpu(), bias.cpu()), values)


def _fresh(material: Material, recipe: Recipe, *, device: str) -> State:
    size = (material.classes, material.encoder.feature_size)
    weight = torch.randn(size, generator=generator(material.seed, "probe")) * recipe.init_std
    weight, bias = weight.to(device), torch.zeros(material.classes, device=device)
    velocity = (torch.zeros_like(weight), torch.zeros_like(bias))
    return State(weight, bias, velocity, (weight.clone(), bias.clone()))


def _save(state: State, path: Path) -> None:
    parts = (state.weight, state.bias, *state.velocity, *state.best)
    about = {"step": state.step, "history": state.history}
    snapshot.save(path, dict(zip(_PARTS, parts, strict=True)), about=about)


def _resume(material: Material, recipe: Recipe, *, context: Context) -> State:
    """The state of a checkpoint where there is one; a damaged one is told and left aside."""
    state = _fresh(material, recipe, device=context.device)
    try:
        tensors, about = snapshot.load(material.folder / CHECKPOINT)
    except FileNotFoundError:
        return state
    except snapshot.Damaged as fault:
        context.note(f"{fault}; the probe starts again from the first step")
        return state
    weight, bias, *others = (tensors[name].to(context.device) for name in _PARTS)
    velocity, best = (others[0], others[1]), (others[2], others[3])
    return State(weight, bias, velocity, best, about["step"], about["history"])


_PARTS = ("weight", "bias", "velocity.weight", "velocity.bias", "best.weight", "best.bias")
