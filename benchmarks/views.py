"""The two views of MoCo-v2: whole batches, beside torchvision's transforms on one Pillow image after the other.

Source of the reference: facebookresearch/moco@78b69ca main_moco.py:225-240 and moco/loader.py.
"""

from __future__ import annotations

import random

import recipe
import timing
import torch
from PIL import Image, ImageFilter
from torchvision import transforms

from repro.lab.processes import ALONE
from repro.lab.views import moco_v2

COUNTS = {32: 64, 64: 64, 224: 8}
"""Images in a batch, by their side."""


class Blur:
    """Gaussian blur of a random width, as the official code has it."""

    def __init__(self, sigma: tuple[float, float]) -> None:
        self.sigma = sigma

    def __call__(self, image: Image.Image) -> Image.Image:
        return image.filter(ImageFilter.GaussianBlur(radius=random.uniform(*self.sigma)))


def official(values: moco_v2.Recipe, *, pixels: int) -> transforms.Compose:
    """The official steps in the official order, with the numbers of a recipe of ours."""
    return transforms.Compose(
        [
            transforms.RandomResizedCrop(pixels, scale=values.crop_scale, ratio=values.crop_ratio),
            transforms.RandomApply([transforms.ColorJitter(*values.jitter)], p=values.jitter_probability),
            transforms.RandomGrayscale(p=values.grayscale_probability),
            transforms.RandomApply([Blur(values.blur_sigma)], p=values.blur_probability),
            transforms.RandomHorizontalFlip(p=values.flip_probability),
            transforms.ToTensor(),
            transforms.Normalize(values.mean, values.std),
        ]
    )


def compare(profile: str) -> timing.Row:
    """Two views of a batch by ours, beside two of each image in turn."""
    pixels, generator = recipe.PROFILES[profile], torch.Generator().manual_seed(0)
    values, count = recipe.typed("views", recipe.row(recipe.PATCH, profile=profile)["views"]), COUNTS[pixels]
    images = torch.randint(0, 256, (count, 3, pixels, pixels), generator=generator, dtype=torch.uint8)
    pictures = [Image.fromarray(image.permute(1, 2, 0).numpy()) for image in images]
    augment = official(values, pixels=pixels)
    ours, theirs = timing.medians(
        lambda: moco_v2.make(images, values, count=2, pixels=pixels, generator=generator, share=ALONE),
        lambda: [torch.stack([augment(picture) for picture in pictures]) for _ in range(2)],
    )
    return f"{pixels} px, batch of {count}", ours / count, theirs / count


def main() -> None:
    random.seed(0)
    torch.manual_seed(0)
    rows = [compare(profile) for profile in recipe.PROFILES]
    timing.write("two views of MoCo-v2", rows, unit="image", reference="torchvision")


if __name__ == "__main__":
    main()
