"""Kernels that color what the rasteriser found, a block of fragments at a time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from robokiln.frames.block import (
    BASE_B,
    BASE_G,
    BASE_R,
    BLUE,
    CELL_0,
    CELL_1,
    CELL_2,
    DENSITY,
    DEPTH,
    FACING,
    GREEN,
    IMAGE,
    METALLIC,
    NORMAL_X,
    NORMAL_Y,
    NORMAL_Z,
    POINT_X,
    POINT_Y,
    POINT_Z,
    RED,
    ROUGHNESS,
    VIEWER_X,
    VIEWER_Y,
    VIEWER_Z,
    Block,
    S,
    T,
    X,
    Y,
)  # fmt: skip
from robokiln.frames.color import CODES
from robokiln.frames.fragments import average, take_fragments, take_pixels
from robokiln.frames.jit import LOW_BITS, inlined, kernel
from robokiln.frames.lighting import Lights, light_block
from robokiln.frames.model import Triangles
from robokiln.frames.placing import View
from robokiln.frames.texture import add_textures
from robokiln.frames.visible import (
    COLUMNS,
    NORMAL,
    PLANE_K,
    PLANE_U,
    PLANE_V,
    REFERENCE,
    TEXTURE_S,
    TEXTURE_T,
    Visible,
)  # fmt: skip
from robokiln.types import Array

f32, i32 = np.float32, np.int32


class Paints(NamedTuple):
    """What surfaces are made of, by paint.

    surface float32 [P, 5]: linear base color, roughness, metallic; image int32 [P]: the texture,
    -1 for none; density float32 [P]: its texels a metre; owner uint16 [P]: the segmentation id.
    """

    surface: Array
    image: Array
    density: Array
    owner: Array


@kernel
def shade_picture(
    triangles: Triangles,
    paints: Paints,
    atlas: Array,
    lights: Lights,
    view: View,
    supersample: int,
    labels: Array,
    visible: Visible,
    block: Block,
    codes: Array,
    rgb: Array,
) -> None:
    """Write rgb uint8 [H, W, 3] from the labels of samples; `codes` is `color.srgb_codes()`."""
    height, width = rgb.shape[0], rgb.shape[1]
    flat = rgb.reshape(height * width * 3)
    pixel = 0
    while pixel < height * width:
        if supersample == 1:
            count = take_pixels(block, labels, pixel, width, height)
        else:
            count = take_fragments(block, labels, pixel, width, height, view.width)
        textured = _interpolate(triangles.paint, paints, visible, block, count)
        _find_points(block.values, count, view)
        if textured:
            add_textures(block, count, view.focal_x / f32(supersample), atlas)
        light_block(block, count, lights)
        _add_background(block, count, lights.background)
        if supersample > 1:
            count = average(block.values, block.numbers, count)
        _encode(block.values, block.numbers, count, codes, flat[3 * pixel : 3 * (pixel + count)])
        pixel += count


@kernel
def _interpolate(
    paint_of: Array, paints: Paints, visible: Visible, block: Block, count: int
) -> bool:
    """Depth, normal and surface of each fragment, run by run; whether one has a texture."""
    textured = False
    start = 0
    while start < count:
        label = block.labels[start]
        stop = start + 1
        while stop < count and block.labels[stop] == label:
            stop += 1
        if label == 0:
            _set_nothing(block, start, stop - start)
        else:
            slot = visible.slot[label - 1]
            paint = paint_of[label - 1]
            padded = (stop - start + 7) & ~7
            _set_surface(block, start, padded, paints, paint)
            _evaluate(block.values, start, padded, visible.table, slot * COLUMNS)
            textured = textured or paints.image[paint] >= 0
        start = stop
    return textured


@inlined
def _set_nothing(block: Block, start: int, count: int) -> None:
    """The background: a surface that the later passes can compute with."""
    values, start = block.values, start & LOW_BITS
    for i in range(count):
        j = start + i
        values[DEPTH + j], values[ROUGHNESS + j], values[METALLIC + j] = (
            f32(1.0),
            f32(1.0),
            f32(0.0),
        )
        values[NORMAL_X + j], values[NORMAL_Y + j] = f32(0.0), f32(0.0)
        values[NORMAL_Z + j] = f32(1.0)
        values[BASE_R + j], values[BASE_G + j], values[BASE_B + j] = f32(0.0), f32(0.0), f32(0.0)
        values[S + j], values[T + j], values[DENSITY + j] = f32(0.0), f32(0.0), f32(0.0)
    for i in range(count):
        block.numbers[IMAGE + start + i] = -1


@inlined
def _set_surface(block: Block, start: int, count: int, paints: Paints, paint: int) -> None:
    surface = paints.surface
    red, green, blue = surface[paint, 0], surface[paint, 1], surface[paint, 2]
    roughness, metallic = surface[paint, 3], surface[paint, 4]
    density, image = paints.density[paint], paints.image[paint]
    values, start = block.values, start & LOW_BITS
    for i in range(count):
        j = start + i
        values[BASE_R + j], values[BASE_G + j], values[BASE_B + j] = red, green, blue
        values[ROUGHNESS + j], values[METALLIC + j] = roughness, metallic
        values[DENSITY + j] = density
    for i in range(count):
        block.numbers[IMAGE + start + i] = image


@inlined
def _evaluate(block: Array, start: int, count: int, table: Array, row: int) -> None:
    """Depth, unit normal and place on the texture of fragments on one triangle."""
    x0, y0 = table[row + REFERENCE], table[row + REFERENCE + 1]
    kx, ky, k0 = _three(table, row + PLANE_K)
    ux, uy, u0 = _three(table, row + PLANE_U)
    vx, vy, v0 = _three(table, row + PLANE_V)
    nx, nxu, nxv = _three(table, row + NORMAL)
    ny, nyu, nyv = _three(table, row + NORMAL + 3)
    nz, nzu, nzv = _three(table, row + NORMAL + 6)
    s, su, sv = _three(table, row + TEXTURE_S)
    t, tu, tv = _three(table, row + TEXTURE_T)
    zero, one = f32(0.0), f32(1.0)
    start = start & LOW_BITS
    for i in range(count):
        j = start + i
        dx, dy = block[X + j] - x0, block[Y + j] - y0
        depth = one / (kx * dx + ky * dy + k0)
        u = min(max((ux * dx + uy * dy + u0) * depth, zero), one)
        v = min(max((vx * dx + vy * dy + v0) * depth, zero), one - u)
        x, y, z = nx + u * nxu + v * nxv, ny + u * nyu + v * nyv, nz + u * nzu + v * nzv
        inverse = one / np.sqrt(x * x + y * y + z * z + f32(1e-20))
        block[DEPTH + j] = depth
        block[NORMAL_X + j], block[NORMAL_Y + j] = x * inverse, y * inverse
        block[NORMAL_Z + j] = z * inverse
        block[S + j], block[T + j] = s + u * su + v * sv, t + u * tu + v * tv


@inlined
def _three(table: Array, at: int) -> tuple[np.float32, np.float32, np.float32]:
    return table[at], table[at + 1], table[at + 2]


@kernel
def _find_points(block: Array, count: int, view: View) -> None:
    """The point in the world, the direction to the viewer, and the cosine on the surface."""
    r, eye = view.rotation, view.eye
    a0, a1, a2 = r[0, 0] / view.focal_x, r[0, 1] / view.focal_x, r[0, 2] / view.focal_x
    b0, b1, b2 = r[1, 0] / view.focal_y, r[1, 1] / view.focal_y, r[1, 2] / view.focal_y
    c0, c1, c2 = r[2, 0], r[2, 1], r[2, 2]
    e0, e1, e2 = eye[0], eye[1], eye[2]
    center_x, center_y = view.center_x, view.center_y
    for i in range(count):
        a, b, depth = block[X + i] - center_x, block[Y + i] - center_y, block[DEPTH + i]
        x, y, z = a * a0 + b * b0 + c0, a * a1 + b * b1 + c1, a * a2 + b * b2 + c2
        block[POINT_X + i], block[POINT_Y + i] = e0 + depth * x, e1 + depth * y
        block[POINT_Z + i] = e2 + depth * z
        inverse = f32(-1.0) / np.sqrt(x * x + y * y + z * z)
        x, y, z = x * inverse, y * inverse, z * inverse
        block[VIEWER_X + i], block[VIEWER_Y + i], block[VIEWER_Z + i] = x, y, z
        facing = x * block[NORMAL_X + i] + y * block[NORMAL_Y + i] + z * block[NORMAL_Z + i]
        block[FACING + i] = max(facing, f32(1e-3))


@inlined
def _add_background(block: Block, count: int, background: Array) -> None:
    """The sky, where nothing stands: a gradient from straight below to straight above."""
    values = block.values
    for i in range(count):
        if block.labels[i] == 0:
            share = f32(0.5) - f32(0.5) * values[VIEWER_Z + i]
            values[RED + i] = background[1, 0] + share * (background[0, 0] - background[1, 0])
            values[GREEN + i] = background[1, 1] + share * (background[0, 1] - background[1, 1])
            values[BLUE + i] = background[1, 2] + share * (background[0, 2] - background[1, 2])


@kernel
def _encode(block: Array, numbers: Array, count: int, codes: Array, rgb: Array) -> None:
    """sRGB bytes of linear colors; `rgb` is flat."""
    last, half = f32(CODES - 1), f32(0.5)
    for i in range(count):
        numbers[CELL_0 + i] = i32(
            np.sqrt(min(max(block[RED + i], f32(0.0)), f32(1.0))) * last + half
        )
        numbers[CELL_1 + i] = i32(
            np.sqrt(min(max(block[GREEN + i], f32(0.0)), f32(1.0))) * last + half
        )
        numbers[CELL_2 + i] = i32(
            np.sqrt(min(max(block[BLUE + i], f32(0.0)), f32(1.0))) * last + half
        )
    for i in range(count):
        rgb[3 * i] = codes[numbers[CELL_0 + i]]
        rgb[3 * i + 1] = codes[numbers[CELL_1 + i]]
        rgb[3 * i + 2] = codes[numbers[CELL_2 + i]]
