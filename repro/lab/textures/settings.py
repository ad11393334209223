"""How textures are grown: the settings of ImageNet-Texture, and those of small drawn images.

They were chosen by eye and by the two distances of `repro.lab.textures.statistics`, on eight photographs and eight
cue-conflict stimuli; docs/textures.md has the figures.
"""

from __future__ import annotations

from repro.lab.textures.synthesis import Recipe

PIXELS = 224
"""Side of a texture of ImageNet-Texture. Source: paper, section 2.2."""
SIDES = (96, 48)
"""Sides of its patches: the first that the image's shorter side allows. Source: paper, section 2.2."""

IMAGENET = Recipe(
    # Four stages: the coarsest resolves one pixel in eight, whose 25 nearest lie within 8 pixels. With five stages and
    # the program's 50 neighbours, 22 pixels, whole heads come through; with fewer, bricks and stripes break.
    neighbours=(25, 25, 25, 30),
    guesses=(100, 40, 5, 2),  # where to copy from is decided early; late guesses only tear what fits
    passes=(3, 3, 3, 4),  # a second and third look closes most seams; the last stage's are the ones that are seen
    share=0.5,  # as the program's --backtrack-pct
    blur=1.0,
    outside=0.5,  # at 1 and above the middle of a patch is preferred and its edges never come; below, seams are cheap
    evenness=0.3,  # without it smooth regions take over; at 1 and above seams are accepted to be even
    cell=8,
)
"""The settings of ImageNet-Texture: 224 x 224 from two patches of 96 x 96 or 48 x 48."""

SMALL = Recipe(
    neighbours=(12, 12, 12),  # a patch of 14 pixels has no more structure to keep
    guesses=(40, 10, 2),
    passes=(2, 1, 2),
    share=0.5,
    blur=0.5,
    outside=0.5,
    evenness=0.3,
    cell=4,
)
"""For drawn images of about 32 x 32, from two patches of about 14 x 14; profiles/mini.toml writes the same."""
