"""Two small ResNets, one for lightness and one for colour: the stand-in for `resnet50_pair` where there is no GPU."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import torch
from torch import nn

from repro.lab.blocks.pair import COLOUR, LIGHTNESS, Pair
from repro.lab.nets import small
from repro.lab.seeds import derive


@dataclass(frozen=True)
class Recipe:
    """Of each of the two; the fields of `small`."""

    widths: tuple[int, ...]
    strides: tuple[int, ...]  # of each block
    stem_kernel: int
    stem_stride: int
    outputs: int  # of each; the pair has twice as many
    hidden: int
    head_norm: bool


def build(recipe: Recipe, *, seed: int) -> Pair:
    """A pair initialised from the seed alone; the global generator is left as it was."""
    lightness = _one(recipe, channels=LIGHTNESS, seed=derive(seed, "net of lightness"))
    return Pair(lightness, _one(recipe, channels=COLOUR, seed=derive(seed, "net of colour")))


def _one(recipe: Recipe, *, channels: int, seed: int) -> small.SmallResNet:
    """A small network whose stem takes so many channels."""
    net = small.build(small.Recipe(**dataclasses.asdict(recipe)), seed=seed)
    old = net.stem[0]
    assert isinstance(old, nn.Conv2d)
    kernel, stride = recipe.stem_kernel, recipe.stem_stride
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "stem"))
        stem = nn.Conv2d(channels, old.out_channels, kernel, stride, padding=kernel // 2, bias=False)
        nn.init.kaiming_normal_(stem.weight, mode="fan_out", nonlinearity="relu")
    net.stem[0] = stem.to(memory_format=torch.channels_last)
    return net
