"""Two ResNet-50 of other width, one for lightness and one for colour, each with a linear head.

Source: HobbitLong/CMC@c3b36d3 models/resnet.py ResNetV1: its `width` leaves the 64 channels of the stem as they are.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torchvision.models.resnet import Bottleneck

from repro.lab.blocks import heads
from repro.lab.blocks.pair import COLOUR, LIGHTNESS, Pair
from repro.lab.seeds import derive

_STEM = 64  # channels
_BLOCKS = (3, 4, 6, 3)  # of the four stages


@dataclass(frozen=True)
class Recipe:
    """The size of each of the two."""

    width: float  # channels of each stage, as a share of ResNet-50's
    outputs: int  # of each; the pair has twice as many


class ResNet50(nn.Module):
    """One of the two: the backbone without classifier, and a linear head."""

    def __init__(self, recipe: Recipe, *, channels: int) -> None:
        super().__init__()
        width = int(_STEM * recipe.width)
        self.backbone = backbone(width, channels=channels)
        self.feature_size = 8 * width * Bottleneck.expansion
        self.outputs = recipe.outputs
        self.head = heads.linear(self.feature_size, outputs=recipe.outputs)

    def features(self, images: Tensor) -> Tensor:
        """(N, channels, H, W) to (N, feature_size)."""
        return self.backbone(images)

    def forward(self, images: Tensor) -> Tensor:
        """(N, channels, H, W) to (N, outputs), not normalised."""
        return self.head(self.features(images))


def backbone(width: int, *, channels: int) -> nn.Sequential:
    """A ResNet-50 whose first stage is `width` wide, 64 in torchvision's, with its names and its initialisation."""
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=nn.Conv2d(channels, _STEM, 7, stride=2, padding=3, bias=False),
        bn1=nn.BatchNorm2d(_STEM),
        relu=nn.ReLU(inplace=True),
        maxpool=nn.MaxPool2d(3, stride=2, padding=1),
    )
    inputs = _STEM
    for stage, blocks in enumerate(_BLOCKS):
        planes = width * 2**stage
        layers[f"layer{stage + 1}"] = _stage(inputs, planes, blocks=blocks, stride=1 if stage == 0 else 2)
        inputs = planes * Bottleneck.expansion
    layers |= OrderedDict(avgpool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten())
    net = nn.Sequential(layers)
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return net


def _stage(inputs: int, planes: int, *, blocks: int, stride: int) -> nn.Sequential:
    outputs, shortcut = planes * Bottleneck.expansion, None
    if stride != 1 or inputs != outputs:
        shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
    first = Bottleneck(inputs, planes, stride, shortcut)
    return nn.Sequential(first, *(Bottleneck(outputs, planes) for _ in range(blocks - 1)))


def build(recipe: Recipe, *, seed: int) -> Pair:
    """A pair initialised from the seed alone; the global generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "net"))
        net = Pair(ResNet50(recipe, channels=LIGHTNESS), ResNet50(recipe, channels=COLOUR))
    return net.to(memory_format=torch.channels_last)
