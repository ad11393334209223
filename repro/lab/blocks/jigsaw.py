"""An image cut into pieces, and one embedding of all of them in any order: the jigsaw of PIRL, as InfoMin takes it.

Source: Misra and van der Maaten 2020, section 3.2; HobbitLong/PyContrast@81b619b pycontrast/datasets/util.py JigsawCrop
and @d72bb9a pycontrast/networks/util.py JigsawHead with `head = "mlp"`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from repro.lab.blocks import heads


@dataclass(frozen=True)
class Draw:
    """Where the pieces of each image lie in their cells, and their order; int64 (N, cells) each."""

    tops: Tensor  # pixels from the top of the cell
    lefts: Tensor
    order: Tensor  # a permutation of the cells


def draw(count: int, *, grid: int, room: int, generator: Generator) -> Draw:
    """For `count` images of grid x grid cells: offsets uniform on 0 to `room`, both included, and an order."""
    shape, chance = (count, grid * grid), {"generator": generator, "device": generator.device}
    tops = torch.randint(room + 1, shape, **chance)
    lefts = torch.randint(room + 1, shape, **chance)
    return Draw(tops, lefts, torch.rand(shape, **chance).argsort(1))


def cut(images: Tensor, done: Draw, *, grid: int, piece: int) -> Tensor:
    """(N, C, S, S) to (N cells, C, piece, piece): of each image its cells row by row, a square out of each."""
    count, side = len(images), images.shape[-1]
    cell, numbers = side // grid, torch.arange(grid * grid)
    within = torch.arange(piece)
    rows = ((numbers // grid * cell + done.tops.cpu()).unsqueeze(2) + within).to(images.device)  # N x cells x piece
    columns = ((numbers % grid * cell + done.lefts.cpu()).unsqueeze(2) + within).to(images.device)
    image = torch.arange(count, device=images.device).view(-1, 1, 1, 1)
    pieces = images[image, :, rows.unsqueeze(3), columns.unsqueeze(2)]  # N x cells x piece x piece x C
    return pieces.flatten(0, 1).permute(0, 3, 1, 2)


class Head(nn.Module):
    """Each piece's features to D numbers, all the pieces' numbers in the order given to one embedding."""

    def __init__(self, features: int, *, outputs: int, cells: int) -> None:
        super().__init__()
        self.cells = cells
        self.each = heads.mlp(features, hidden=features, outputs=outputs, norm=False)
        self.together = nn.Linear(outputs * cells, outputs)

    def forward(self, features: Tensor, order: Tensor) -> Tensor:
        """(N cells, F) features of pieces and (N, cells) orders to (N, D) of unit length."""
        each = self.each(features).unflatten(0, (-1, self.cells))  # N x cells x D
        shuffled = each.gather(1, order.to(each.device).unsqueeze(2).expand_as(each))
        return F.normalize(self.together(shuffled.flatten(1)).float(), dim=1)
