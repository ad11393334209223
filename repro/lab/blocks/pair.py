"""Two networks side by side, one that sees the lightness of an image and one that sees its colours.

Source: Tian et al. 2019, section 3.4; HobbitLong/CMC@bd28553 models/resnet.py ResNetV1.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

LIGHTNESS, COLOUR = 1, 2  # channels of each; L comes before a and b


class Pair(nn.Module):
    """An encoder of two halves; what it gives is that of lightness, then that of colour."""

    def __init__(self, lightness: nn.Module, colour: nn.Module) -> None:
        super().__init__()
        self.lightness, self.colour = lightness, colour
        self.feature_size = int(lightness.feature_size) + int(colour.feature_size)
        self.outputs = int(lightness.outputs) + int(colour.outputs)

    def features(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) normalised Lab images to (N, feature_size)."""
        lightness, colour = images.split([LIGHTNESS, COLOUR], dim=1)
        return torch.cat([self.lightness.features(lightness), self.colour.features(colour)], dim=1)

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) normalised Lab images to (N, outputs), not normalised."""
        lightness, colour = images.split([LIGHTNESS, COLOUR], dim=1)
        return torch.cat([self.lightness(lightness), self.colour(colour)], dim=1)
