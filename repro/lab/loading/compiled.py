"""The augmentations of `repro.lab.loading.augment` compiled for a processor: image after image, in a core's cache.

Each is the same arithmetic as its namesake there, on one image; a whole batch of large images goes through main memory
at every step, and a crop of them is a product with a matrix that is nearly all zeros.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

_FAST = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "reassoc", "nsz", "arcp"}}
_RED, _GREEN, _BLUE = np.float32(0.2989), np.float32(0.587), np.float32(0.114)  # as `augment.gray`
_ZERO, _ONE, _TWO, _THREE, _FOUR, _SIX = (np.float32(number) for number in (0, 1, 2, 3, 4, 6))
_LEAST, _BYTE = np.float32(1e-12), np.float32(1 / 255)
_Index = np.uint32  # numba looks at the sign of an index before it uses it, but not of these
_REACH = 5.5  # standard deviations of a bell beyond which nothing is left in single precision


@njit(**_FAST)
def views(flat, places, sizes, boxes, flipped, factors, order, grey, sigmas, radius, means, scales, result):
    """Crop, mirror, jitter, make grey, blur and normalise each image; `result` float32 (N, 3, P, P) is filled.

    `flat` uint8 holds image i as (3, h, w) from `places[i]` on, `sizes[i]` its h and w; `boxes` int64 (N, 4) top, left,
    height and width; `factors` float32 (N, 4) brightness, contrast, saturation and turn of the hue, changed in the
    order of `order[i]`, 1, 1, 1, 0 left out; `sigmas` (N,), 0 where nothing is blurred; `means` are taken off and the
    rest multiplied by `scales`, both (3,).
    """
    pixels = result.shape[2]
    plane = np.empty((pixels, pixels), np.float32)
    line = np.empty(pixels + 2 * radius + 2, np.float32)
    for i in range(len(places)):
        height, width = sizes[i, 0], sizes[i, 1]
        image = flat[places[i] : places[i] + 3 * height * width].reshape(3, height, width)
        view = result[i]
        _crop(image, boxes[i], flipped[i], view)
        for kind in order[i]:
            _jitter(view, kind, factors[i, kind])
        if grey[i]:
            _grey(view)
        if sigmas[i] > 0:
            _blur(view, sigmas[i], radius, plane, line)
        for channel in range(3):
            mean, scale = means[channel], scales[channel]
            for row in range(pixels):
                for column in range(pixels):
                    view[channel, row, column] = (view[channel, row, column] - mean) * scale


@njit(**_FAST)
def _taps(start, length, pixels, flipped):
    """For each pixel of the result the first pixel it takes from, and how much of it and of those that follow."""
    scale = length / pixels
    reach = max(scale, 1.0)
    count = math.ceil(2 * reach) + 1
    first, weights = np.empty(pixels, _Index), np.zeros((count, pixels), np.float32)
    for place in range(pixels):
        centre = (place + 0.5) * scale
        at = max(math.floor(centre - reach + 0.5), 0)
        into = pixels - 1 - place if flipped else place
        total = 0.0
        for k in range(count):
            if at + k < length:
                total += max(0.0, 1.0 - abs(at + k + 0.5 - centre) / reach)
        for k in range(count):
            if at + k < length:
                weights[k, into] = max(0.0, 1.0 - abs(at + k + 0.5 - centre) / reach) / total
        first[into] = start + at
    return first, weights


@njit(**_FAST)
def _crop(image, box, flipped, view):
    """A box of a uint8 (3, h, w) image at the size of `view`, in [0, 1]: bilinear, antialiased; rows, then columns."""
    pixels, left, width = view.shape[1], box[1], box[3]
    rows, row_weights = _taps(box[0], box[2], pixels, False)
    columns, column_weights = _taps(0, width, pixels, flipped)
    line = np.zeros(width + len(column_weights), np.float32)  # what is beyond the box has no weight
    for channel in range(3):
        for row in range(pixels):
            first = rows[row]
            source, weight = image[channel, first, left : left + width], row_weights[0, row] * _BYTE
            for x in range(width):
                line[x] = weight * np.float32(source[x])
            for k in range(1, len(row_weights)):
                weight = row_weights[k, row] * _BYTE
                if weight > 0:
                    source = image[channel, first + k, left : left + width]
                    for x in range(width):
                        line[x] += weight * np.float32(source[x])
            target, part = view[channel, row], column_weights[0]
            for q in range(pixels):
                target[q] = part[q] * line[columns[q]]
            for k in range(1, len(column_weights)):
                part, beyond = column_weights[k], line[k:]
                for q in range(pixels):
                    target[q] += part[q] * beyond[columns[q]]


@njit(**_FAST)
def _jitter(view, kind, factor):
    """Brightness, contrast, saturation or hue of a float32 (3, P, P) image, in place."""
    red, green, blue = view[0].reshape(-1), view[1].reshape(-1), view[2].reshape(-1)
    if kind == 0 and factor != _ONE:
        every = view.reshape(-1)
        for i in range(len(every)):
            every[i] = min(every[i] * factor, _ONE)
    elif kind == 1 and factor != _ONE:
        _contrast(view, red, green, blue, factor)
    elif kind == 2 and factor != _ONE:
        for i in range(len(red)):
            luma = _RED * red[i] + _GREEN * green[i] + _BLUE * blue[i]
            red[i] = min(max(luma + factor * (red[i] - luma), _ZERO), _ONE)
            green[i] = min(max(luma + factor * (green[i] - luma), _ZERO), _ONE)
            blue[i] = min(max(luma + factor * (blue[i] - luma), _ZERO), _ONE)
    elif kind == 3 and factor != _ZERO:
        _hue(red, green, blue, factor)


@njit(**_FAST)
def _contrast(view, red, green, blue, factor):
    total = 0.0
    for row in range(view.shape[1]):
        part = _ZERO
        for column in range(view.shape[2]):
            part += _RED * view[0, row, column] + _GREEN * view[1, row, column] + _BLUE * view[2, row, column]
        total += part
    every, shift = view.reshape(-1), np.float32(total / len(red)) * (_ONE - factor)
    for i in range(len(every)):
        every[i] = min(max(every[i] * factor + shift, _ZERO), _ONE)


@njit(**_FAST)
def _hue(red, green, blue, turn):
    """As `augment.hue`: value and chroma stay, each channel is the value less chroma times a trapezium of the hue."""
    shift = _SIX * turn
    for i in range(len(red)):
        r, g, b = red[i], green[i], blue[i]
        value = max(r, max(g, b))
        chroma = value - min(r, min(g, b))
        sixth = _FOUR * chroma + r - g
        sixth = _TWO * chroma + b - r if g == value else sixth
        sixth = g - b if r == value else sixth
        sixth = sixth / max(chroma, _LEAST) + shift
        sixth = sixth - _SIX * np.floor(sixth / _SIX)
        red[i] = value - chroma * min(max(_TWO - abs(sixth - _THREE), _ZERO), _ONE)
        green[i] = value - chroma * min(max(abs(sixth - _TWO) - _ONE, _ZERO), _ONE)
        blue[i] = value - chroma * min(max(abs(sixth - _FOUR) - _ONE, _ZERO), _ONE)


@njit(**_FAST)
def _grey(view):
    red, green, blue = view[0].reshape(-1), view[1].reshape(-1), view[2].reshape(-1)
    for i in range(len(red)):
        luma = _RED * red[i] + _GREEN * green[i] + _BLUE * blue[i]
        red[i] = luma
        green[i] = luma
        blue[i] = luma


@njit(**_FAST)
def _blur(view, sigma, radius, plane, line):
    """A Gaussian blur up to `radius` pixels away, borders mirrored; `plane` and `line` are room to work in."""
    pixels = view.shape[1]
    bell = np.exp(-0.5 * (np.arange(radius + 1) / sigma) ** 2)
    weights = (bell / (2 * bell.sum() - bell[0])).astype(np.float32)
    reach = min(radius, math.ceil(_REACH * sigma))
    for channel in range(3):
        for row in range(pixels):
            source, target = view[channel, row], plane[row]
            line[reach : reach + pixels] = source
            for x in range(1, reach + 1):
                line[reach - x] = source[x]
                line[reach + pixels - 1 + x] = source[pixels - 1 - x]
            for x in range(pixels):
                target[x] = weights[0] * source[x]
            for k in range(1, reach + 1):
                _add(target, weights[k], line[reach - k : reach - k + pixels], line[reach + k : reach + k + pixels])
        for row in range(pixels):
            source, target = plane[row], view[channel, row]
            for x in range(pixels):
                target[x] = weights[0] * source[x]
            for k in range(1, reach + 1):
                _add(target, weights[k], plane[abs(row - k)], plane[pixels - 1 - abs(pixels - 1 - (row + k))])


@njit(**_FAST)
def _add(target, weight, before, after):
    for x in range(len(target)):
        target[x] += weight * (before[x] + after[x])


@njit(**_FAST)
def tile(images, sides, tops, lefts, result):
    """Fill each image of `result` with squares of `images`, both (N, C, H, W) of any type, as `negatives.patch` says.

    `sides` int64 (N,); `tops` and `lefts` int64 (N, R, C) of each square.
    """
    count, channels, height, width = images.shape
    for i in range(count):
        d = sides[i]
        for channel in range(channels):
            source, target = images[i, channel], result[i, channel]
            for y in range(height):
                row, inner = y // d, y % d
                line = target[y]
                for column in range((width + d - 1) // d):
                    start = column * d
                    length = min(d, width - start)
                    left = lefts[i, row, column]
                    into, out_of = line[start:], source[tops[i, row, column] + inner, left:]
                    for x in range(length):
                        into[x] = out_of[x]
