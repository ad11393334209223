"""Ways to draw one object per image: filled with a pattern, as a sketch, as a flat rendition, or the pattern alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from repro.lab.drawing import colours, scene
from repro.lab.drawing.patterns import PATTERNS, tiles
from repro.lab.drawing.scene import Floats, Variation
from repro.lab.drawing.styles import CLUTTER, STYLES

Indices = NDArray[np.int64]
BLOCK = 1 << 14
"""Sample points drawn at a time: few enough that the arrays stay in the processor's cache and on the program's heap."""
CHROMA = 0.5
"""How far from grey colours go; grey itself is as likely as any."""
PATTERN_SEED, STYLE_SEED, CLUTTER_SEED = 1, 2, 3


@dataclass(frozen=True)
class Drawing:
    """n images before they are pixels: `colours` (n, layers, 3); `layers(part, x, y)`, their shares in rows `part`."""

    colours: NDArray[np.float64]
    layers: Callable[[slice, Floats, Floats], list[Floats]]

    def images(self, n: int, *, pixels: int) -> NDArray[np.uint8]:
        """The first n images: uint8 (n, 3, pixels, pixels)."""
        x, y = scene.frame(pixels)
        step = max(1, BLOCK // x.size)
        parts = [slice(start, min(start + step, n)) for start in range(0, n, step)]
        drawn = [scene.compose(self.layers(part, x, y), self.colours[part], pixels=pixels) for part in parts]
        return np.concatenate(drawn)


@lru_cache(maxsize=1)
def class_bank() -> NDArray[np.uint8]:
    """Tiles of the patterns that classes own, in the order of `patterns.PATTERNS`."""
    return tiles(PATTERNS, seed=PATTERN_SEED)


@lru_cache(maxsize=1)
def style_bank() -> NDArray[np.uint8]:
    """Tiles of the patterns that no class owns, in the order of `styles.STYLES`."""
    return tiles(STYLES, seed=STYLE_SEED)


@lru_cache(maxsize=1)
def clutter_bank() -> NDArray[np.uint8]:
    """Tiles of what surrounds objects, in the order of `styles.CLUTTER`."""
    return tiles(CLUTTER, seed=CLUTTER_SEED)


def filled(
    shape: Indices,
    texture: Indices,
    *,
    bank: NDArray[np.uint8],
    surround: float,
    variation: Variation,
    generator: np.random.Generator,
) -> Drawing:
    """Objects filled with a pattern of `bank`, on clutter.

    `surround` in 0 to 1 is the strength, in the clutter, of another sample of the object's own pattern.
    """
    n = len(shape)
    pose = scene.draw_pose(n, variation, generator=generator)
    inner = scene.draw_weave(n, variation, generator=generator)
    outer = scene.draw_weave(n, variation, generator=generator)
    spread = scene.draw_weave(n, variation, generator=generator)
    heap = generator.integers(0, len(CLUTTER), n)
    palette = colours.figure_and_ground(
        n, contrast=variation.contrast, figure=variation.figure, chroma=CHROMA, generator=generator
    )

    def layers(part: slice, x: Floats, y: Floats) -> list[Floats]:
        inside = _covered(scene.distance(scene.rows(pose, part), shape[part], x=x, y=y), x)
        fill = scene.tone(bank, scene.rows(inner, part), texture[part], x=x, y=y)
        around = scene.tone(clutter_bank(), scene.rows(spread, part), heap[part], x=x, y=y)
        if surround > 0:
            echo = scene.tone(bank, scene.rows(outer, part), texture[part], x=x, y=y)
            around += np.float32(surround) * (echo - around)
        outside = 1 - inside
        return [inside * (1 - fill), inside * fill, outside * (1 - around), outside * around]

    return Drawing(palette, layers)


def framed(
    texture: Indices, *, bank: NDArray[np.uint8], variation: Variation, generator: np.random.Generator
) -> Drawing:
    """A pattern of `bank` that fills the frame, without an object."""
    n = len(texture)
    weave = scene.draw_weave(n, variation, generator=generator)

    def layers(part: slice, x: Floats, y: Floats) -> list[Floats]:
        fill = scene.tone(bank, scene.rows(weave, part), texture[part], x=x, y=y)
        return [1 - fill, fill]

    return Drawing(colours.pair(n, contrast=variation.contrast, chroma=CHROMA, generator=generator), layers)


def sketched(
    shape: Indices,
    *,
    line: tuple[float, float],
    shading: float,
    variation: Variation,
    generator: np.random.Generator,
) -> Drawing:
    """Pencil on paper: a dark outline of uneven pressure, and light shading inside, none of which tells the class.

    `line` is the range of the outline's half width in halves of the frame; `shading` in 0 to 1 how dark the inside is.
    """
    n = len(shape)
    pose = scene.draw_pose(n, variation, generator=generator)
    strokes = scene.draw_weave(n, variation, generator=generator)
    width = generator.uniform(*line, (n, 1)).astype(np.float32)
    light = generator.uniform(0, 2 * np.pi, (n, 1)).astype(np.float32)
    ink, paper = generator.uniform(0.05, 0.3, n), generator.uniform(0.8, 0.97, n)
    shade = paper + generator.uniform(0.6, 1, n) * shading * (ink - paper)
    inks = [colours.tint(level, chroma=0.06, generator=generator) for level in (ink, shade, paper)]
    haze = np.full(n, list(CLUTTER).index("haze"))

    def layers(part: slice, x: Floats, y: Floats) -> list[Floats]:
        edge = scene.distance(scene.rows(pose, part), shape[part], x=x, y=y)
        pressure = scene.tone(clutter_bank(), scene.rows(strokes, part), haze[part], x=x, y=y)
        outline = _covered(np.abs(edge) - width[part], x) * (0.6 + 0.4 * pressure)
        slope = np.clip(0.75 + 0.5 * (np.cos(light[part]) * x + np.sin(light[part]) * y), 0.3, 1)
        inside = _covered(edge, x) * (1 - outline) * slope
        return [outline, inside, 1 - outline - inside]

    return Drawing(np.stack(inks, 1), layers)


def flattened(
    shape: Indices, *, line: tuple[float, float], variation: Variation, generator: np.random.Generator
) -> Drawing:
    """A cartoon: two flat tones of one colour inside a dark or light outline, before a flat ground and sky."""
    n = len(shape)
    pose = scene.draw_pose(n, variation, generator=generator)
    width = generator.uniform(*line, (n, 1)).astype(np.float32)
    light = generator.uniform(0, 2 * np.pi, (n, 1)).astype(np.float32)
    horizon = generator.uniform(-0.6, 0.9, (n, 1)).astype(np.float32)
    two = colours.pair(n, contrast=variation.contrast, chroma=CHROMA, generator=generator)
    lit = np.clip(two[:, 0] * generator.uniform(1.08, 1.25, (n, 1)), 0, 1)
    ground = np.clip(two[:, 1] * generator.uniform(0.85, 0.97, (n, 1)), 0, 1)
    level = np.where(generator.uniform(size=n) < 0.75, 0.06, 0.95)
    rim = colours.tint(level, chroma=0.1, generator=generator)

    def layers(part: slice, x: Floats, y: Floats) -> list[Floats]:
        edge = scene.distance(scene.rows(pose, part), shape[part], x=x, y=y)
        outline = _covered(np.abs(edge) - width[part], x)
        inside = _covered(edge, x) * (1 - outline)
        middle = pose.centre[part]
        side = np.cos(light[part]) * (x - middle[:, :1]) + np.sin(light[part]) * (y - middle[:, 1:])
        bright = _covered(side, x)
        outside = 1 - outline - inside
        low = _covered(horizon[part] - y, x)
        return [outline, inside * bright, inside * (1 - bright), outside * low, outside * (1 - low)]

    return Drawing(np.stack([rim, lit, two[:, 0], ground, two[:, 1]], 1), layers)


def _covered(edge: Floats, x: Floats) -> Floats:
    """Share of each sample's cell with a negative `edge` (n, S * S), a distance in halves of the frame."""
    side = np.float32(np.sqrt(x.size))
    return np.clip(0.5 - edge * (side / 2), 0, 1)
