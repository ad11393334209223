"""ResNet-50 as torchvision has it, with the head of MoCo-v1, MoCo-v2 or SimCLRv2.

Source: facebookresearch/moco@78b69ca moco/builder.py:16-27.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torchvision.models import resnet50

from repro.lab.blocks import heads
from repro.lab.seeds import derive


@dataclass(frozen=True)
class Recipe:
    """Stem and head around torchvision's ResNet-50."""

    outputs: int
    hidden: int
    head: Literal["linear", "mlp", "mlp3"]
    head_norm: bool
    stem: Literal["imagenet", "small"]  # small: 3 x 3, stride 1, no pooling, for images below about 100 pixels


class ResNet50(nn.Module):
    """The backbone without its classifier, and a projection head."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.backbone = resnet50(weights=None)
        self.feature_size = self.backbone.fc.in_features
        self.outputs = recipe.outputs
        self.backbone.fc = nn.Identity()
        if recipe.stem == "small":
            self.backbone.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
            nn.init.kaiming_normal_(self.backbone.conv1.weight, mode="fan_out", nonlinearity="relu")
            self.backbone.maxpool = nn.Identity()
        if recipe.head == "linear":
            self.head = heads.linear(self.feature_size, outputs=recipe.outputs)
        else:
            size = {"hidden": recipe.hidden, "outputs": recipe.outputs}
            layers = heads.mlp if recipe.head == "mlp" else heads.mlp3
            self.head = layers(self.feature_size, **size, norm=recipe.head_norm)

    def features(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) normalised images to (N, 2048)."""
        return self.backbone(images)

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) normalised images to (N, outputs), not normalised."""
        return self.head(self.features(images))


def build(recipe: Recipe, *, seed: int) -> ResNet50:
    """A network initialised from the seed alone, as torchvision does; the global generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "net"))
        net = ResNet50(recipe)
    return net.to(memory_format=torch.channels_last)
