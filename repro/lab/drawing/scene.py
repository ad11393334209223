"""Scenes: where each object lies, what fills it, and in which colours; drawn in batches as a sum of coloured layers."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from repro.lab.drawing import patterns, silhouettes

Floats = NDArray[np.float32]
SUPERSAMPLE = 2
"""Samples per pixel along each direction."""


@dataclass(frozen=True)
class Variation:
    """How much scenes differ: lengths in halves of the frame, angles in degrees, luminances in 0 to 1.

    `object_size` is the range of an object's radius, `aspect` the largest log ratio of its sides, `rotation` the
    largest turn, `shift` the largest move from the middle, `warp` the depth of its bending, `texture_size` the range of
    a pattern's period, `texture_turn` its largest turn, `contrast` the range of the difference of luminance between the
    two colours of a pattern, `figure` that of the difference between an object and its surroundings.
    """

    object_size: tuple[float, float]
    aspect: float
    rotation: float
    shift: float
    warp: float
    texture_size: tuple[float, float]
    texture_turn: float
    contrast: tuple[float, float]
    figure: tuple[float, float]


@dataclass(frozen=True)
class Pose:
    """Of n objects: `inverse` (n, 2, 2) and `centre` (n, 2) take the frame to object units, `warp` (n, 4) bends them.

    `radius` (n,) is the object's size, `variant` (n,) its proportions.
    """

    inverse: Floats
    centre: Floats
    warp: Floats
    radius: Floats
    variant: NDArray[np.int64]


@dataclass(frozen=True)
class Weave:
    """Of n pattern samples: `turn` (n, 2, 2) takes the frame to periods, `offset` (n, 2), `variant` (n,)."""

    turn: Floats
    offset: Floats
    variant: NDArray[np.int64]


Drawn = TypeVar("Drawn", Pose, Weave)


def rows(drawn: Drawn, part: slice) -> Drawn:
    """The poses or weaves of some of the images."""
    return type(drawn)(**{field.name: getattr(drawn, field.name)[part] for field in fields(drawn)})


def draw_pose(n: int, variation: Variation, *, generator: np.random.Generator) -> Pose:
    """Draw where n objects lie and how they are deformed."""
    low, high = variation.object_size
    radius = generator.uniform(low, high, n)
    stretch = np.exp(generator.uniform(-0.5, 0.5, n) * variation.aspect)
    angle = np.deg2rad(generator.uniform(-variation.rotation, variation.rotation, n))
    shear = generator.uniform(-0.5, 0.5, n) * variation.aspect
    flip = generator.choice([-1.0, 1.0], n)
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.stack([np.stack([cos, sin], -1), np.stack([-sin, cos], -1)], 1)
    skew = np.zeros((n, 2, 2))
    skew[:, 0, 0], skew[:, 0, 1], skew[:, 1, 1] = flip / stretch, shear, stretch
    inverse = skew @ turn / radius[:, None, None]
    centre = generator.uniform(-variation.shift, variation.shift, (n, 2))
    depth = variation.warp * generator.uniform(0.3, 1, (n, 2)) * generator.choice([-1.0, 1.0], (n, 2))
    phase = generator.uniform(0, 2 * np.pi, (n, 2))
    warp = np.concatenate([depth, phase], 1)
    variant = generator.integers(0, silhouettes.VARIANTS, n)
    return Pose(_single(inverse), _single(centre), _single(warp), _single(radius), variant)


def draw_weave(n: int, variation: Variation, *, generator: np.random.Generator) -> Weave:
    """Draw how n patterns lie in the frame: scale, direction, place, proportions."""
    low, high = variation.texture_size
    period = np.exp(generator.uniform(np.log(low), np.log(high), n))
    most = np.deg2rad(variation.texture_turn)
    angle = generator.uniform(-most, most, n)
    stretch = np.exp(generator.uniform(-0.15, 0.15, n))
    cos, sin = np.cos(angle), np.sin(angle)
    matrix = np.stack([np.stack([cos * stretch, sin * stretch], -1), np.stack([-sin / stretch, cos / stretch], -1)], 1)
    offset = generator.uniform(0, patterns.PERIODS, (n, 2))
    return Weave(_single(matrix / period[:, None, None]), _single(offset), generator.integers(0, patterns.VARIANTS, n))


def frame(pixels: int) -> tuple[Floats, Floats]:
    """Sample points of a frame of `pixels` x `pixels`, x and y in [-1, 1]: each (S * S,), S = SUPERSAMPLE * pixels."""
    side = SUPERSAMPLE * pixels
    line = (np.arange(side) + 0.5) * 2 / side - 1
    y, x = np.meshgrid(line, line, indexing="ij")
    return _single(x.ravel()), _single(y.ravel())


def distance(pose: Pose, which: NDArray[np.int64], *, x: Floats, y: Floats) -> Floats:
    """Signed distance to the edge of each object, negative inside, in halves of the frame: (n, S * S).

    `which` (n,) indexes `silhouettes.SILHOUETTES`; x and y are sample points of `frame`.
    """
    dx, dy = x - pose.centre[:, :1], y - pose.centre[:, 1:]
    inverse = pose.inverse[..., None]
    u = inverse[:, 0, 0] * dx + inverse[:, 0, 1] * dy
    v = inverse[:, 1, 0] * dx + inverse[:, 1, 1] * dy
    depth_u, depth_v, phase_u, phase_v = (pose.warp[:, i : i + 1] for i in range(4))
    bent_u = u + depth_u * np.sin(2.5 * v + phase_u)
    bent_v = v + depth_v * np.sin(2.5 * u + phase_v)
    side, extent = silhouettes.SIDE, silhouettes.EXTENT
    scale = np.float32(side / (2 * extent))
    column = np.clip((bent_u + extent) * scale, 0, side - 1).astype(np.int64)
    row = np.clip((bent_v + extent) * scale, 0, side - 1).astype(np.int64)
    first = ((which * silhouettes.VARIANTS + pose.variant) * side * side)[:, None]
    return silhouettes.distance_maps().ravel().take(first + row * side + column, mode="clip") * pose.radius[:, None]


def tone(bank: NDArray[np.uint8], weave: Weave, which: NDArray[np.int64], *, x: Floats, y: Floats) -> Floats:
    """Tone in 0 to 1 of each pattern at each sample point: (n, S * S); `which` (n,) indexes the patterns of `bank`."""
    turn, offset = weave.turn[..., None], weave.offset
    scale = np.float32(patterns.SIDE / patterns.PERIODS)
    u = (turn[:, 0, 0] * x + turn[:, 0, 1] * y + offset[:, :1]) * scale
    v = (turn[:, 1, 0] * x + turn[:, 1, 1] * y + offset[:, 1:]) * scale
    wrap = patterns.SIDE - 1
    column = np.floor(u).astype(np.int64) & wrap
    row = np.floor(v).astype(np.int64) & wrap
    first = ((which * patterns.VARIANTS + weave.variant) * patterns.SIDE**2)[:, None]
    tones = bank.ravel().take(first + row * patterns.SIDE + column, mode="clip")
    return tones.astype(np.float32) * np.float32(1 / 255)


def compose(layers: list[Floats], colours: Floats, *, pixels: int) -> NDArray[np.uint8]:
    """Add up coloured layers and average the samples of each pixel: uint8 (n, 3, pixels, pixels).

    Each layer (n, S * S) is the share of its colour at each sample point, shares add up to 1; `colours` is
    (n, layers, 3) in 0 to 1.
    """
    n, s = len(colours), SUPERSAMPLE
    shares = np.empty((n, len(layers), pixels * pixels), np.float32)
    for k, layer in enumerate(layers):
        samples = layer.reshape(n, pixels, s, pixels, s)
        total = samples[:, :, 0, :, 0].copy()
        for i in range(1, s * s):
            total += samples[:, :, i // s, :, i % s]
        shares[:, k] = total.reshape(n, -1) / (s * s)
    mixed = np.matmul(colours.transpose(0, 2, 1).astype(np.float32), shares)
    return np.rint(np.clip(mixed, 0, 1) * 255).astype(np.uint8).reshape(n, 3, pixels, pixels)


def _single(values: NDArray[np.float64]) -> Floats:
    return np.ascontiguousarray(values, np.float32)
