"""A small ResNet of basic blocks for images of 32 to 64 pixels; a CPU trains it in a minute.

Source: He et al. 2016, "Deep residual learning for image recognition", basic blocks with projection shortcuts.
Differs: a stand-in for ResNet-50 where there is no GPU; its numbers are never compared with the paper's.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repro.errors import JobFailed
from repro.lab.blocks import heads
from repro.lab.seeds import derive


@dataclass(frozen=True)
class Recipe:
    """Stem, one basic block for each width, head."""

    widths: tuple[int, ...]
    strides: tuple[int, ...]  # of each block
    stem_kernel: int
    stem_stride: int
    outputs: int
    hidden: int
    head_norm: bool


class Block(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut."""

    def __init__(self, inputs: int, outputs: int, *, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, H / stride, W / stride)."""
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = self.bn2(self.conv2(y))
        return F.relu(y.add_(self.shortcut(x)), inplace=True)


class SmallResNet(nn.Module):
    """Stem, blocks, mean over the image, projection head."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        width, kernel = recipe.widths[0], recipe.stem_kernel
        stem = nn.Conv2d(3, width, kernel, recipe.stem_stride, padding=kernel // 2, bias=False)
        self.stem = nn.Sequential(stem, nn.BatchNorm2d(width), nn.ReLU(inplace=True))
        inputs = (width, *recipe.widths[:-1])
        blocks = zip(inputs, recipe.widths, recipe.strides, strict=True)
        self.blocks = nn.Sequential(*(Block(i, o, stride=stride) for i, o, stride in blocks))
        self.feature_size = recipe.widths[-1]
        self.outputs = recipe.outputs
        self.head = heads.mlp(self.feature_size, hidden=recipe.hidden, outputs=recipe.outputs, norm=recipe.head_norm)

    def features(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) normalised images to (N, feature_size)."""
        return self.blocks(self.stem(images)).mean((2, 3))

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) normalised images to (N, outputs), not normalised."""
        return self.head(self.features(images))


def build(recipe: Recipe, *, seed: int) -> SmallResNet:
    """A network initialised from the seed alone; the global generator is left as it was."""
    if len(recipe.strides) != len(recipe.widths):
        found = f"{len(recipe.widths)} widths and {len(recipe.strides)} strides"
        raise JobFailed(f"net.strides: expected one for each of net.widths, found {found}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "net"))
        net = SmallResNet(recipe)
        for module in net.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return net.to(memory_format=torch.channels_last)  # a quarter faster on a CPU than channels first
