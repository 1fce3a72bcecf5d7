"""Textures in memory, and the kernels that look a block of fragments up in them.

Texels are linear light under a square root, a byte a channel, so that eight bits are fine enough in
the dark and decoding is one multiplication. Each texture is a pyramid of halved sizes (mip levels,
Williams 1983), averaged in linear light; a fragment reads the level whose texels are about as large
as its pixel, between four neighbours.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

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
"""A texel is at least this many pixels wide; below 0.7 distant textures shimmer."""


class Atlas(NamedTuple):
    """texels uint32 [N * PYRAMID], 0xBBGGRR; level_start int32 [LEVELS] within a pyramid."""

    texels: Array
    level_start: Array


def make_atlas(materials: Sequence[Material]) -> tuple[Atlas, Array]:
    """All textures of some materials, and each material's texture int32, -1 for none."""
    textures = sorted({m.texture for m in materials if m.texture}, key=repr)
    numbers = [textures.index(m.texture) if m.texture else -1 for m in materials]
    pyramids = [_pyramid(texture) for texture in textures] or [np.zeros(1, np.uint32)]
    sizes = [(SIZE >> level) ** 2 for level in range(LEVELS)]
    starts = np.cumsum([0, *sizes[:-1]]).astype(np.int32)
    return Atlas(np.concatenate(pyramids), starts), np.array(numbers, np.int32)


@functools.lru_cache(maxsize=64)
def _pyramid(texture: Texture) -> Array:
    """uint32 [PYRAMID]: the levels of a texture, finest first."""
    level = to_linear(np.arange(256) / 255)[build_texture(texture, SIZE)]
    levels = [level]
    while len(level) > 1:
        level = (level[::2, ::2] + level[1::2, ::2] + level[::2, 1::2] + level[1::2, 1::2]) / 4
        levels.append(level)
    codes = np.concatenate([np.floor(255 * np.sqrt(v) + 0.5).reshape(-1, 3) for v in levels])
    packed: Array = codes.astype(np.uint32) @ np.array([1, 1 << 8, 1 << 16], np.uint32)
    return packed


@kernel
def add_textures(block: Block, count: int, focal: np.float32, atlas: Atlas) -> None:
    """Multiply the base color of a block's textured fragments by their texture."""
    _find_texels(block.values, block.numbers, count, focal)
    _read_texels(block.numbers, count, atlas)
    _blend_texels(block.values, block.numbers, count)


@kernel
def _find_texels(block: Array, numbers: Array, count: int, focal: np.float32) -> None:
    """Level and column in CELL_0 and CELL_1, row in CELL_2, and the parts of a cell beyond them.

    A pixel covers depth / focal metres across, more along the slope of the surface; the level
    follows the geometric mean.
    """
    for i in range(count):
        texels = BLUR * block[DENSITY + i] * block[DEPTH + i] / (focal * np.sqrt(block[FACING + i]))
        level, limit = i32(0), f32(1.41421356)
        for _ in range(1, LEVELS):
            level += i32(texels >= limit)
            limit *= f32(2.0)
        side = i32(i32(SIZE) >> level)
        share = block[DENSITY + i] * f32(side) * f32(1.0 / SIZE)
        s = block[S + i] * share - f32(0.5)
        t = block[T + i] * share - f32(0.5)
        column, row = np.floor(s), np.floor(t)
        block[PART_A + i], block[PART_B + i] = s - column, t - row
        numbers[CELL_0 + i], numbers[CELL_1 + i], numbers[CELL_2 + i] = level, i32(column), i32(row)


@kernel
def _read_texels(numbers: Array, count: int, atlas: Atlas) -> None:
    """Replace level, column and row by the four texels around a place."""
    for i in range(count):
        image = numbers[IMAGE + i]
        if image < 0:
            continue
        level, column, row = numbers[CELL_0 + i], numbers[CELL_1 + i], numbers[CELL_2 + i]
        side = SIZE >> level
        start = image * PYRAMID + atlas.level_start[level]
        low, high = start + (row & (side - 1)) * side, start + ((row + 1) & (side - 1)) * side
        left, right = column & (side - 1), (column + 1) & (side - 1)
        numbers[CELL_0 + i] = i32(atlas.texels[low + left])
        numbers[CELL_1 + i] = i32(atlas.texels[low + right])
        numbers[CELL_2 + i] = i32(atlas.texels[high + left])
        numbers[CELL_3 + i] = i32(atlas.texels[high + right])


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
