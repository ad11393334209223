"""Images of any size in one tensor, so that a batch of them moves as one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Pack:
    """N images, one after the other.

    >>> two = pack([torch.zeros(3, 2, 4, dtype=torch.uint8), torch.ones(3, 5, 1, dtype=torch.uint8)])
    >>> len(two), two.sizes.tolist(), two.starts.tolist(), two[1].shape
    (2, [[2, 4], [5, 1]], [0, 24], torch.Size([3, 5, 1]))
    """

    flat: Tensor  # uint8, each image as (3, height, width)
    sizes: Tensor  # int64 (N, 2), height and width; on the processor

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, place: int) -> Tensor:
        """One of them, uint8 (3, height, width), not a copy."""
        height, width = self.sizes[place].tolist()
        return self.flat.narrow(0, int(self.starts[place]), 3 * height * width).view(3, height, width)

    def __iter__(self) -> Iterator[Tensor]:
        pieces = self.flat.split(self._lengths.tolist())
        return (piece.view(3, *size) for piece, size in zip(pieces, self.sizes.tolist(), strict=True))

    @property
    def _lengths(self) -> Tensor:
        return 3 * self.sizes[:, 0] * self.sizes[:, 1]

    @property
    def starts(self) -> Tensor:
        """Where in `flat` each image begins, int64 (N,)."""
        return self._lengths.cumsum(0) - self._lengths

    @property
    def device(self) -> torch.device:
        """Where the images are."""
        return self.flat.device

    @property
    def stacked(self) -> Tensor | None:
        """uint8 (N, 3, H, W), not a copy, where all are of one size."""
        if not len(self) or bool((self.sizes != self.sizes[0]).any()):
            return None
        return self.flat.view(len(self), 3, *self.sizes[0].tolist())

    def to(self, device: torch.device | str) -> Pack:
        """The same on another device; one copy, which the processor does not wait for where the memory is pinned."""
        return Pack(self.flat.to(device, non_blocking=True), self.sizes)


def pack(images: Tensor | Sequence[Tensor] | Pack) -> Pack:
    """A batch uint8 (N, 3, H, W), which is not copied, or images (3, h, w) of any size, which are."""
    if isinstance(images, Pack):
        return images
    if isinstance(images, Tensor):
        return Pack(images.reshape(-1), torch.tensor(images.shape[2:]).expand(len(images), 2))
    sizes = torch.tensor([image.shape[1:] for image in images], dtype=torch.int64).view(-1, 2)
    return Pack(torch.cat([image.reshape(-1) for image in images]), sizes)
