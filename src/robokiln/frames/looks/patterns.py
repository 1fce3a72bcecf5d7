"""Textures that people make: each (rng, colors [K, 3], size) -> float32 [3, size, size], sRGB."""

from __future__ import annotations

import numpy as np

from robokiln.frames.looks.noise import (
    cell,
    each,
    f32,
    filled,
    fract,
    fractal,
    mix,
    pick,
    plane,
    step,
    triangle,
    value_noise,
)
from robokiln.types import Array

GLYPHS = (
    *(0x2BED, 0x6BAE, 0x3923, 0x6B6E, 0x79A7, 0x79A4, 0x396B, 0x5BED, 0x7497, 0x126A),
    *(0x5BAD, 0x4927, 0x5FED, 0x6B6D, 0x2B6A, 0x6BA4, 0x2B73, 0x6BAD, 0x388E, 0x7492),
    *(0x5B6F, 0x5B6A, 0x5BFD, 0x5AAD, 0x5A92, 0x72A7, 0x2C97, 0x62A7, 0x7BEF, 0x7BCF),
)
"""Letters and a few digits of a 3 x 5 font, 15 bits each, the top left pixel first."""
PAGE = 128
"""Sides of the page that text is set on, in its own pixels."""


def fabric(rng: np.random.Generator, colors: Array, size: int) -> Array:
    """Plain weave: warp over weft, then under it."""
    u, v = plane(size)
    threads = 2 * int(rng.integers(12, 21))
    warp, weft = _threads(rng, colors, threads, 0), _threads(rng, colors, threads, 1)
    i, j = cell(u, threads), cell(v, threads)
    across, along = triangle(u * f32(threads)), triangle(v * f32(threads))
    over = (i + j) % 2 == 0
    cloth = np.where(over, each(warp, i), each(weft, j))
    round_ = np.where(over, across * (f32(1.3) + along), along * (f32(1.3) + across))
    return cloth * (f32(0.62) + f32(0.19) * round_)


def _threads(rng: np.random.Generator, colors: Array, count: int, index: int) -> Array:
    """Colors of `count` threads, a little uneven: [count, 3]."""
    uneven = f32(0.92) + f32(0.14) * rng.random(count, np.float32)
    return colors[index % len(colors)] * uneven[:, None]


def plaid(rng: np.random.Generator, colors: Array, size: int) -> Array:
    """Tartan: one mirrored sequence of stripes across and along, woven as twill."""
    u, v = plane(size)
    half = rng.integers(0, max(len(colors), 2), 12)
    half[:4] = 0
    sett = colors[np.concatenate([half, half[::-1]]) % len(colors)]
    repeat = 2
    across = each(sett, cell(fract(u * f32(repeat)), len(sett)))
    along = each(sett, cell(fract(v * f32(repeat)), len(sett)))
    twill = (fract((u + v) * f32(64)) < f32(0.5)).astype(np.float32)
    return mix(across, along, f32(0.25) + f32(0.5) * twill) * (f32(0.93) + f32(0.1) * twill)


def checker(rng: np.random.Generator, colors: Array, size: int) -> Array:
    """Squares of two colors."""
    u, v = plane(size)
    count = 2 * int(rng.integers(2, 5))
    odd = ((cell(u, count) + cell(v, count)) % 2).astype(np.float32)
    worn = f32(0.92) + f32(0.14) * fractal(rng, size, 8, 8, 3)
    return mix(pick(colors, 0), pick(colors, 1), odd) * worn


def stripes(rng: np.random.Generator, colors: Array, size: int) -> Array:
    """Bands of several widths along u, along v, or aslant."""
    u, v = plane(size)
    turns = ((1, 0), (0, 1), (1, 1), (1, -1))[int(rng.integers(4))]
    repeat, bands = int(rng.integers(2, 5)), rng.integers(0, 8, 8)
    bands[0::4] = 0
    at = fract((u * f32(turns[0]) + v * f32(turns[1])) * f32(repeat))
    return np.broadcast_to(each(colors, bands[cell(at, len(bands))]), (3, size, size))


def chevron(rng: np.random.Generator, colors: Array, size: int) -> Array:
    """Zigzag bands."""
    u, v = plane(size)
    teeth, bands = int(rng.integers(3, 7)), int(rng.integers(4, 9))
    at = fract(v * f32(bands) + f32(0.9) * triangle(u * f32(teeth)))
    return mix(pick(colors, 0), pick(colors, 1), step(triangle(at), 0.5, 0.10))


def dots(rng: np.random.Generator, colors: Array, size: int) -> Array:
    """Polka dots in rows that are shifted by half."""
    u, v = plane(size)
    count, radius = int(rng.integers(4, 8)), float(rng.uniform(0.18, 0.30))
    ground = filled(pick(colors, 0), size)
    for i, shift in enumerate((0.0, 0.5)):
        x = fract(u * f32(count) + f32(shift)) - f32(0.5)
        y = fract(v * f32(count) + f32(shift)) - f32(0.5)
        distance = np.sqrt(x * x + y * y)
        ground = mix(pick(colors, 1 + i), ground, step(distance, radius, 0.06))
    return ground


def tiles(rng: np.random.Generator, colors: Array, size: int) -> Array:
    """Square glazed tiles of uneven tone with joints of the last color."""
    u, v = plane(size)
    count = int(rng.integers(3, 7))
    return _laid(rng, colors, size, (count, count), (u, v), 0.06)


def brick(rng: np.random.Generator, colors: Array, size: int) -> Array:
    """Running bond: rows shifted by half a brick, mortar of the last color."""
    u, v = plane(size)
    rows, columns = 2 * int(rng.integers(3, 6)), int(rng.integers(2, 5))
    shift = (cell(v, rows) % 2).astype(np.float32) / f32(2 * columns)
    return _laid(rng, colors, size, (rows, columns), (fract(u + shift), v), 0.10)


def _laid(
    rng: np.random.Generator,
    colors: Array,
    size: int,
    counts: tuple[int, int],
    at: tuple[Array, Array],
    joint: float,
) -> Array:
    """Blocks in rows and columns; `joint` is the joints' width, a share of a block's height."""
    (rows, columns), (u, v) = counts, at
    tone = rng.random((rows, columns), np.float32)[cell(v, rows), cell(u, columns)]
    grain = fractal(rng, size, 12, 12, 4)
    face = mix(pick(colors, 0), pick(colors, 1), f32(0.8) * tone)
    face = face * (f32(0.88) + f32(0.2) * grain)
    width = joint * columns / rows
    inside = np.minimum(
        step(triangle(u * f32(columns)), width, width / 2),
        step(triangle(v * f32(rows)), joint, joint / 2),
    )
    mortar = pick(colors, -1) * (f32(0.8) + f32(0.2) * grain)
    return mix(mortar, face, inside)


def text(rng: np.random.Generator, colors: Array, size: int) -> Array:
    """Printed clutter: boxes of color under lines of words in a small font."""
    page = filled(pick(colors, 0), PAGE).copy()
    for i in range(1, 6):
        top, left = (8 * int(n) for n in rng.integers(0, PAGE // 8, 2))
        high, wide = (8 * int(n) for n in rng.integers(2, 8, 2))
        rows, columns = (top + np.arange(high)) % PAGE, (left + np.arange(wide)) % PAGE
        page[:, rows[:, None], columns] = pick(colors, i % max(len(colors) - 1, 1))
    page = np.where(_words(rng), pick(colors, -1), page)
    at = np.arange(size) * PAGE // size
    worn = f32(0.95) + f32(0.07) * value_noise(rng, size, 16, 16)
    return page[:, at[:, None], at] * worn


def _words(rng: np.random.Generator) -> Array:
    """Which pixels of the page are ink: bool [PAGE, PAGE], a cell of 4 x 8 pixels a letter."""
    letters = rng.integers(0, len(GLYPHS), (PAGE // 8, PAGE // 4))
    blank = rng.random(letters.shape) < 0.2
    blank |= (rng.random(len(letters)) < 0.25)[:, None]
    bits = (np.array(GLYPHS)[letters][..., None] >> np.arange(14, -1, -1)) & 1
    bits[blank] = 0
    cells = np.zeros((*letters.shape, 8, 4), bool)
    cells[:, :, 1:6, :3] = bits.reshape(*letters.shape, 5, 3)
    return cells.transpose(0, 2, 1, 3).reshape(PAGE, PAGE)
