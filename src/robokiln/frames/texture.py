"""Textures in memory, and the kernels that look a block of fragments up in them.

Texels are linear light under a square root, a byte a channel, so that eight bits are fine enough in
the dark and decoding is one multiplication. Each texture is a pyramid of halved sizes (mip levels,
Williams 1983), averaged in linear light; a fragment reads the level whose texels are about as large
as its pixel, between four neighbours.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from robokiln.frames.block import (
    BASE_B,
    BASE_G,
    BASE_R,
    CELL_0,
    CELL_1,
    CELL_2,
    CELL_3,
    DENSITY,
    DEPTH,
    FACING,
    IMAGE,
    PART_A,
    PART_B,
    Block,
    S,
    T,
)  # fmt: skip
from robokiln.frames.color import to_linear
from robokiln.frames.jit import inlined, kernel
from robokiln.frames.looks.textures import build_texture
from robokiln.types import Array, Material, Texture

f32, i32 = np.float32, np.int32
SIZE = 256
"""Texels along a texture's side at its finest level."""
LEVELS = 9
PYRAMID = sum((SIZE >> level) ** 2 for level in range(LEVELS))
"""Texels of one texture, all levels."""
BLUR = f32(0.75)
"""Texels a pixel at which the next level is as good: levels are rounded, so 0.5 to 1.1 are seen."""


def make_atlas(materials: Sequence[Material]) -> tuple[Array, Array]:
    """All textures of some materials, int32 [N * PYRAMID] of 0xBBGGRR, and each material's texture
    int32, -1 for none."""
    textures = sorted({m.texture for m in materials if m.texture}, key=repr)
    numbers = [textures.index(m.texture) if m.texture else -1 for m in materials]
    pyramids = [_pyramid(texture) for texture in textures] or [np.zeros(1, np.int32)]
    return np.concatenate(pyramids), np.array(numbers, np.int32)


@functools.lru_cache(maxsize=64)
def _pyramid(texture: Texture) -> Array:
    """int32 [PYRAMID]: the levels of a texture, finest first."""
    level = to_linear(np.arange(256) / 255)[build_texture(texture, SIZE)]
    levels = [level]
    while len(level) > 1:
        level = (level[::2, ::2] + level[1::2, ::2] + level[::2, 1::2] + level[1::2, 1::2]) / 4
        levels.append(level)
    codes = np.concatenate([np.floor(255 * np.sqrt(v) + 0.5).reshape(-1, 3) for v in levels])
    packed: Array = codes.astype(np.int32) @ np.array([1, 1 << 8, 1 << 16], np.int32)
    return packed


@kernel
def add_textures(block: Block, count: int, focal: np.float32, atlas: Array) -> None:
    """Multiply the base color of a block's textured fragments by their texture."""
    _find_texels(block.values, block.numbers, count, focal)
    _read_texels(block.numbers, count, atlas)
    _blend_texels(block.values, block.numbers, count)


@kernel
def _find_texels(block: Array, numbers: Array, count: int, focal: np.float32) -> None:
    """Where the four texels around each place are, in CELL_0 to CELL_3, and the parts of a cell.

    A pixel covers depth / focal metres across, more along the slope of the surface; the level
    follows the geometric mean. Fragments without a texture read the first texel, for nothing.
    """
    for i in range(count):
        texels = BLUR * block[DENSITY + i] * block[DEPTH + i] / (focal * np.sqrt(block[FACING + i]))
        # The exponent of a float32 is the whole part of its logarithm.
        exponent = i32(np.float32(texels * f32(0.70710678)).view(np.int32) >> i32(23)) - i32(126)
        level = min(max(exponent, i32(0)), i32(LEVELS - 1))
        side = i32(i32(SIZE) >> level)
        share = block[DENSITY + i] * f32(side) * f32(1.0 / SIZE)
        s = block[S + i] * share - f32(0.5)
        t = block[T + i] * share - f32(0.5)
        column, row = np.floor(s), np.floor(t)
        block[PART_A + i], block[PART_B + i] = s - column, t - row
        # Levels before this one hold 4/3 (SIZE^2 - side^2) texels: a whole number, so exact.
        before = i32(i32(f32(i32(i32(SIZE * SIZE) - i32(side * side))) / f32(3.0)) << i32(2))
        image = numbers[IMAGE + i]
        start = i32(i32(image * i32(PYRAMID)) + before) if image >= i32(0) else i32(0)
        last = i32(side - i32(1)) if image >= i32(0) else i32(0)
        left, low = i32(i32(column) & last), i32(i32(row) & last)
        right, high = i32(i32(left + i32(1)) & last), i32(i32(low + i32(1)) & last)
        above, below = i32(start + i32(low * side)), i32(start + i32(high * side))
        numbers[CELL_0 + i], numbers[CELL_1 + i] = i32(above + left), i32(above + right)
        numbers[CELL_2 + i], numbers[CELL_3 + i] = i32(below + left), i32(below + right)


@kernel
def _read_texels(numbers: Array, count: int, texels: Array) -> None:
    """Replace places by the texels there."""
    for i in range(count):
        numbers[CELL_0 + i] = texels[numbers[CELL_0 + i]]
        numbers[CELL_1 + i] = texels[numbers[CELL_1 + i]]
        numbers[CELL_2 + i] = texels[numbers[CELL_2 + i]]
        numbers[CELL_3 + i] = texels[numbers[CELL_3 + i]]


@kernel
def _blend_texels(block: Array, numbers: Array, count: int) -> None:
    """Multiply the base color by the bilinear mean of four texels."""
    _blend_channel(block, numbers, count, i32(0), BASE_R)
    _blend_channel(block, numbers, count, i32(8), BASE_G)
    _blend_channel(block, numbers, count, i32(16), BASE_B)


@inlined
def _blend_channel(block: Array, numbers: Array, count: int, shift: np.int32, base: int) -> None:
    for i in range(count):
        t0 = f32(i32(numbers[CELL_0 + i] >> shift) & i32(255))
        t1 = f32(i32(numbers[CELL_1 + i] >> shift) & i32(255))
        t2 = f32(i32(numbers[CELL_2 + i] >> shift) & i32(255))
        t3 = f32(i32(numbers[CELL_3 + i] >> shift) & i32(255))
        low = t0 + (t1 - t0) * block[PART_A + i]
        high = t2 + (t3 - t2) * block[PART_A + i]
        root = (low + (high - low) * block[PART_B + i]) * f32(1 / 255)
        color = root * root if numbers[IMAGE + i] >= i32(0) else f32(1.0)
        block[base + i] *= color
