"""The compiled part of texture synthesis: one pixel after the other is given the colour of its best candidate.

Source and differences: as of `repro.lab.textures.synthesis`, which is the way in. The arrays that describe a texture go
from function to function one by one, and the functions are put into one: else numba counts references to every array,
which takes as long as the work itself.

Legend, as the same names recur: `made` int32 (N, 6), of each of the N = pixels x pixels pixels the example, row and
column it was copied from and its colour; `known` uint8, flat, the texture with a rim as wide as one sees, 1 where
resolved; `uses` int64 (E, rows of cells, columns of cells), pixels copied from each cell; `tried` int64 (E * H * W),
the turn at which a place was last a candidate; `count` int64 (2), pixels resolved and turns taken; `state` uint64 (1),
of the random numbers; `near` int64 (8, K), of each of the nearest resolved pixels what the constants below name.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

_ROW, _COLUMN, _STEP, _PIXEL, _WEIGHT, _RED, _GREEN, _BLUE = range(8)
"""Offsets from the pixel; the offset in a flat patch of four bytes a pixel; index in `made`; weight; colour."""
_MOST = np.int64(1) << np.int64(62)
"""More than any cost."""


class Stage(NamedTuple):
    """A stage's numbers as the compiled code takes them; costs are in squared grey levels."""

    neighbours: int
    guesses: int
    outside: int
    evenness: int
    cell: int
    cells: int  # squares in all patches together


@njit(cache=True, nogil=True)
def grow(levels, sizes, pixels, numbers, shares, offsets, weights, state):
    """A texture's `made`: the stages in turn, each over the first of `shares` pixels in one random order.

    `levels` is uint8 (stages, E, H, W, 4), the examples at each stage's blur, padded to one size; `sizes` (E, 2) their
    rows and columns that are no padding; `numbers` int64 (stages, 7), a `Stage` and the number of passes each;
    `offsets` (M, 2) those of the pixels in sight, nearest first; `weights` those of squared distances in 64ths of
    their mean.
    """
    _, number, height, width, _ = levels.shape
    cell, sight = numbers[0, 4], offsets[:, 0].max()
    side = pixels + 2 * sight
    made, known = np.zeros((pixels**2, 6), np.int32), np.zeros(side**2, np.uint8)
    uses = np.zeros((number, (height + cell - 1) // cell, (width + cell - 1) // cell), np.int64)
    tried, count = np.zeros(number * height * width, np.int64), np.zeros(2, np.int64)
    near = np.empty((8, numbers[:, 0].max()), np.int64)
    steps = offsets[:, 0] * side + offsets[:, 1]
    order = _shuffled(pixels**2, state)
    for i in range(len(shares)):
        stage = Stage(numbers[i, 0], numbers[i, 1], numbers[i, 2], numbers[i, 3], numbers[i, 4], numbers[i, 5])
        level = levels[i]
        _recolour(level, made, order[: count[0]])
        for _ in range(numbers[i, 6]):
            for q in order[: shares[i]]:
                here = (q // pixels + sight) * side + q % pixels + sight
                found, reach = _look_around(q, here, made, known, near, stage, steps, offsets, width, pixels)
                weight = _weigh(near, found, weights)
                _resolve(
                    q, here, level, sizes, made, known, uses, tried, count, state, near, stage, found, reach, weight
                )
    return made


@njit(cache=True, nogil=True, inline="always")
def _draw(state, bound):
    """A random number from 0 to bound - 1 (xorshift64*)."""
    x = state[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    state[0] = x
    return np.int64(((x * np.uint64(0x2545F4914F6CDD1D)) >> np.uint64(33)) % np.uint64(bound))


@njit(cache=True, nogil=True)
def _shuffled(count, state):
    """The numbers from 0 to count - 1 in random order."""
    order = np.arange(count)
    for i in range(count - 1, 0, -1):
        j = _draw(state, i + 1)
        order[i], order[j] = order[j], order[i]
    return order


@njit(cache=True, nogil=True)
def _recolour(level, made, resolved):
    """Give resolved pixels the colours that their places have at this stage's blur."""
    for q in resolved:
        for c in range(3):
            made[q, 3 + c] = level[made[q, 0], made[q, 1], made[q, 2], c]


@njit(cache=True, nogil=True, inline="always")
def _look_around(q, here, made, known, near, stage, steps, offsets, width, pixels):
    """Fill `near` with the nearest resolved pixels of pixel q; how many were found, and how far along an axis."""
    found, reach = 0, 0
    for s in range(len(steps)):
        if known[here + steps[s]]:
            row, column = offsets[s, 0], offsets[s, 1]
            r = q + row * pixels + column
            near[_ROW, found], near[_COLUMN, found] = row, column
            near[_STEP, found] = (row * width + column) * 4
            near[_PIXEL, found] = r
            near[_RED, found], near[_GREEN, found], near[_BLUE, found] = made[r, 3], made[r, 4], made[r, 5]
            reach = max(reach, abs(row), abs(column))
            found += 1
            if found == stage.neighbours:
                break
    return found, reach


@njit(cache=True, nogil=True, inline="always")
def _weigh(near, found, weights):
    """Give each neighbour its weight, exp(-d²/mean d²) in 4096ths; their sum."""
    total = np.int64(0)
    for a in range(found):
        total += near[_ROW, a] ** 2 + near[_COLUMN, a] ** 2
    weight = np.int64(0)
    for a in range(found):
        far = (near[_ROW, a] ** 2 + near[_COLUMN, a] ** 2) * found * 64 // total
        near[_WEIGHT, a] = weights[min(far, len(weights) - 1)]
        weight += near[_WEIGHT, a]
    return weight


@njit(cache=True, nogil=True, inline="always")
def _resolve(q, here, level, sizes, made, known, uses, tried, count, state, near, stage, found, reach, weight):
    """Copy pixel q from the best of its candidates: one for each neighbour, then guesses, then more while none fits."""
    _, height, width, _ = level.shape
    flat, cell = level.reshape(-1), stage.cell
    count[1] += 1
    if known[here]:
        uses[made[q, 0], made[q, 1] // cell, made[q, 2] // cell] -= 1
        count[0] -= 1
    rate = stage.evenness * weight * stage.cells // (count[0] + stage.cells)
    best, example, row, column = _MOST, np.int64(0), np.int64(0), np.int64(0)
    a = 0
    while a < found + stage.guesses or best == _MOST:
        if a < found:
            r = near[_PIXEL, a]
            e, y, x = np.int64(made[r, 0]), made[r, 1] - near[_ROW, a], made[r, 2] - near[_COLUMN, a]
        else:
            e = _draw(state, len(sizes))
            y, x = _draw(state, sizes[e, 0]), _draw(state, sizes[e, 1])
        a += 1
        bottom, right = sizes[e, 0], sizes[e, 1]
        if y < 0 or x < 0 or y >= bottom or x >= right:
            continue
        at = (e * height + y) * width + x
        if tried[at] == count[1]:
            continue
        tried[at] = count[1]
        cost = rate * uses[e, y // cell, x // cell]
        if y >= reach and x >= reach and y + reach < bottom and x + reach < right:
            cost = _inside(flat, at * 4, near, found, cost, best)
        else:
            cost = _at_edge(flat, at * 4, y, x, bottom, right, near, found, cost, best, stage.outside)
        if cost < best:
            best, example, row, column = cost, e, y, x
    made[q, 0], made[q, 1], made[q, 2] = example, row, column
    for c in range(3):
        made[q, 3 + c] = level[example, row, column, c]
    uses[example, row // cell, column // cell] += 1
    count[0] += 1
    known[here] = 1


@njit(cache=True, nogil=True, inline="always")
def _inside(flat, at, near, found, cost, best):
    """The cost of a place all of whose neighbours are in the patch, or of its part from which on it exceeds `best`."""
    for b in range(found):
        if cost >= best:
            break
        o = at + near[_STEP, b]
        red = flat[o] - near[_RED, b]
        green = flat[o + 1] - near[_GREEN, b]
        blue = flat[o + 2] - near[_BLUE, b]
        cost += (red * red + green * green + blue * blue) * near[_WEIGHT, b]
    return cost


@njit(cache=True, nogil=True, inline="always")
def _at_edge(flat, at, y, x, height, width, near, found, cost, best, outside):
    """As `_inside`, where a neighbour that the patch does not have costs `outside`."""
    for b in range(found):
        if cost >= best:
            break
        row, column = y + near[_ROW, b], x + near[_COLUMN, b]
        if row < 0 or column < 0 or row >= height or column >= width:
            cost += outside * near[_WEIGHT, b]
            continue
        o = at + near[_STEP, b]
        red = flat[o] - near[_RED, b]
        green = flat[o + 1] - near[_GREEN, b]
        blue = flat[o + 2] - near[_BLUE, b]
        cost += (red * red + green * green + blue * blue) * near[_WEIGHT, b]
    return cost


@njit(cache=True, nogil=True)
def blurred(image, taps):
    """An image (H, W, 3) blurred along rows and columns by half a bell in 4096ths, its edge repeated outwards."""
    height, width, _ = image.shape
    across, result = np.empty(image.shape, np.int64), np.empty(image.shape, np.uint8)
    for y in range(height):
        for x in range(width):
            for c in range(3):
                total = taps[0] * image[y, x, c]
                for i in range(1, len(taps)):
                    total += taps[i] * (np.int64(image[y, max(x - i, 0), c]) + image[y, min(x + i, width - 1), c])
                across[y, x, c] = total
    for y in range(height):
        for x in range(width):
            for c in range(3):
                total = taps[0] * across[y, x, c]
                for i in range(1, len(taps)):
                    total += taps[i] * (across[max(y - i, 0), x, c] + across[min(y + i, height - 1), x, c])
                result[y, x, c] = min(255, max(0, (total + (1 << 23)) >> 24))
    return result
