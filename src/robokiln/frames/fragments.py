"""Kernels that cut a picture into fragments to shade, and put antialiased pixels together again."""

from __future__ import annotations

import numpy as np

from robokiln.frames.block import (
    BLOCK,
    BLUE,
    GREEN,
    PIXEL,
    RED,
    WEIGHT,
    Block,
    X,
    Y,
)
from robokiln.frames.jit import LOW_BITS, inlined
from robokiln.types import Array

f32 = np.float32


@inlined
def take_pixels(block: Block, labels: Array, pixel: int, width: int, height: int) -> int:
    """The next pixels, one fragment each."""
    count = min(BLOCK, height * width - pixel)
    for i in range(count):
        block.labels[i] = labels[pixel + i]
    done = 0
    while done < count:
        row, column = (pixel + done) // width, (pixel + done) % width
        length = min(width - column, count - done)
        _set_row(block.values, done, length, f32(column) + f32(0.5), f32(row) + f32(0.5))
        done += length
    return count


@inlined
def _set_row(block: Array, start: int, length: int, x: np.float32, y: np.float32) -> None:
    start = start & LOW_BITS
    for i in range(length):
        block[X + start + i], block[Y + start + i] = x + f32(np.int32(i)), y


@inlined
def take_fragments(
    block: Block, labels: Array, pixel: int, width: int, height: int, line: int
) -> int:
    """The next pixels' distinct triangles, each at its samples' centre, until the block is full.

    A pixel's color is a tent over the 3 x 3 samples round its centre, which it shares with its
    neighbours.
    """
    count = 0
    row, column = pixel // width, pixel % width
    while pixel < height * width and count + 9 <= BLOCK:
        x, y = 2 * column + 1, 2 * row + 1
        middle = y * line + x
        if _is_uniform(labels, middle, line):
            _add_fragment(block, count, labels[middle], pixel, f32(x), f32(y), f32(1.0))
            count += 1
        else:
            count = _split_pixel(block, count, labels, middle, line, pixel, f32(x), f32(y))
        pixel += 1
        column += 1
        if column == width:
            row, column = row + 1, 0
    return count


@inlined
def _is_uniform(labels: Array, middle: int, line: int) -> bool:
    """Whether the 3 x 3 samples round one all have its label."""
    label, different = labels[middle], 0
    for row in (middle - line, middle, middle + line):
        for column in range(-1, 2):
            different |= labels[row + column] ^ label
    return bool(different == 0)


@inlined
def _add_fragment(
    block: Block, i: int, label: int, pixel: int, x: np.float32, y: np.float32, weight: np.float32
) -> None:
    block.labels[i] = label
    block.numbers[PIXEL + i] = pixel
    block.values[X + i], block.values[Y + i] = x + f32(0.5), y + f32(0.5)
    block.values[WEIGHT + i] = weight


@inlined
def _split_pixel(
    block: Block, count: int, labels: Array, middle: int, line: int, pixel: int,
    x: np.float32, y: np.float32,
) -> int:  # fmt: skip
    """Add a fragment for each distinct label of a pixel; the new count."""
    first = count
    for dy in range(-1, 2):
        for dx in range(-1, 2):
            weight = f32((2 - abs(dx)) * (2 - abs(dy))) * f32(1 / 16)
            label = labels[middle + dy * line + dx]
            i = first
            while i < count and block.labels[i] != label:
                i += 1
            if i == count:
                _add_fragment(block, i, label, pixel, f32(-0.5), f32(-0.5), f32(0.0))
                count += 1
            block.values[WEIGHT + i] += weight
            block.values[X + i] += weight * f32(dx)
            block.values[Y + i] += weight * f32(dy)
    for i in range(first, count):
        weight = block.values[WEIGHT + i]
        block.values[X + i] = x + f32(0.5) + block.values[X + i] / weight
        block.values[Y + i] = y + f32(0.5) + block.values[Y + i] / weight
    return count


@inlined
def average(block: Array, numbers: Array, count: int) -> int:
    """Sum the weighted fragments of each pixel to the front of the block; the pixels' count."""
    pixels = 0
    start = 0
    while start < count:
        red, green, blue = f32(0.0), f32(0.0), f32(0.0)
        i = start
        while i < count and numbers[PIXEL + i] == numbers[PIXEL + start]:
            weight = block[WEIGHT + i]
            red += weight * min(block[RED + i], f32(1.0))
            green += weight * min(block[GREEN + i], f32(1.0))
            blue += weight * min(block[BLUE + i], f32(1.0))
            i += 1
        block[RED + pixels], block[GREEN + pixels], block[BLUE + pixels] = red, green, blue
        pixels += 1
        start = i
    return pixels
