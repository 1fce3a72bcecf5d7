"""Kernels that light a block of fragments: how surfaces reflect, and how much light arrives.

Lighting is linear; a light's radiance is scaled so that a white matte surface that faces it has
color 1. The reflection model is GGX with Smith's height-correlated masking and Schlick's Fresnel
(Walter et al. 2007, Heitz 2014); ambient light is a hemisphere, reflected with Schlick's Fresnel
reduced on rough surfaces (Lagarde 2011).
"""

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
    COSINE,
    FACING,
    GREEN,
    LIGHT_X,
    LIGHT_Y,
    LIGHT_Z,
    METALLIC,
    NEARNESS,
    NORMAL_X,
    NORMAL_Y,
    NORMAL_Z,
    PART_A,
    PART_B,
    POINT_X,
    POINT_Y,
    POINT_Z,
    RED,
    ROUGHNESS,
    SHARE,
    VIEWER_X,
    VIEWER_Y,
    VIEWER_Z,
    Block,
)  # fmt: skip
from robokiln.frames.jit import inlined, kernel
from robokiln.types import Array

f32, i32 = np.float32, np.int32


class Lights(NamedTuple):
    """A look's lights for the kernels; colors are linear.

    at float32 [N, 3]: the unit vector towards a directional light, or where a point light is;
    is_point bool [N]; radiance float32 [N, 3]; shadow int32 [N], an index into the maps or -1;
    maps, flat float32, of map i from map_start[i] on, map_size[i] squared texels, drawn from
    map_eye float32 [M, 3] along map_rotation [M, 3, 3] with focal length map_focal [M]; ambient
    and background float32 [2, 3]: from above, from below.
    """

    at: Array
    is_point: Array
    radiance: Array
    shadow: Array
    maps: Array
    map_start: Array
    map_size: Array
    map_rotation: Array
    map_eye: Array
    map_focal: Array
    ambient: Array
    background: Array


@kernel
def light_block(block: Block, count: int, lights: Lights) -> None:
    """Color of a block's fragments from all lights."""
    _add_ambient(block.values, count, lights.ambient)
    for light in range(lights.at.shape[0]):
        _aim(block.values, count, lights.at[light], lights.is_point[light])
        shadow = lights.shadow[light]
        if shadow >= 0:
            start, size = lights.map_start[shadow], lights.map_size[shadow]
            _find_shadow(block.values, block.numbers, count, lights, shadow, lights.is_point[light])
            _read_shadow(block.values, block.numbers, count, lights.maps[start:], size)
        _add_light(block.values, count, lights.radiance[light])


@kernel
def _add_ambient(block: Array, count: int, ambient: Array) -> None:
    """Sky and ground light, diffuse and mirrored."""
    one = f32(1.0)
    for i in range(count):
        nz, facing = block[NORMAL_Z + i], block[FACING + i]
        up = f32(0.5) + f32(0.5) * nz
        mirrored = f32(0.5) + f32(0.5) * (f32(2.0) * facing * nz - block[VIEWER_Z + i])
        metallic, smooth = block[METALLIC + i], one - block[ROUGHNESS + i]
        grazing = (one - facing) * (one - facing)
        grazing = grazing * grazing * (one - facing)
        block[RED + i] = _ambient_channel(
            block[BASE_R + i], metallic, smooth, grazing, up, mirrored, ambient[0, 0], ambient[1, 0]
        )
        block[GREEN + i] = _ambient_channel(
            block[BASE_G + i], metallic, smooth, grazing, up, mirrored, ambient[0, 1], ambient[1, 1]
        )
        block[BLUE + i] = _ambient_channel(
            block[BASE_B + i], metallic, smooth, grazing, up, mirrored, ambient[0, 2], ambient[1, 2]
        )


@inlined
def _ambient_channel(
    base: np.float32, metallic: np.float32, smooth: np.float32, grazing: np.float32,
    up: np.float32, mirrored: np.float32, sky: np.float32, ground: np.float32,
) -> np.float32:  # fmt: skip
    at_normal = f32(0.04) + metallic * (base - f32(0.04))
    mirror = at_normal + (max(smooth, at_normal) - at_normal) * grazing
    diffuse = (f32(1.0) - metallic) * base * (ground + up * (sky - ground))
    return diffuse + mirror * (ground + mirrored * (sky - ground))


@kernel
def _aim(block: Array, count: int, at: Array, is_point: bool) -> None:
    """Direction to a light, its cosine on the surface, and its share before shadows."""
    x, y, z = at[0], at[1], at[2]
    if is_point:
        for i in range(count):
            lx, ly, lz = x - block[POINT_X + i], y - block[POINT_Y + i], z - block[POINT_Z + i]
            squared = lx * lx + ly * ly + lz * lz + f32(1e-6)
            inverse = f32(1.0) / np.sqrt(squared)
            block[LIGHT_X + i], block[LIGHT_Y + i] = lx * inverse, ly * inverse
            block[LIGHT_Z + i] = lz * inverse
            block[SHARE + i] = f32(1.0) / squared
    else:
        for i in range(count):
            block[LIGHT_X + i], block[LIGHT_Y + i], block[LIGHT_Z + i] = x, y, z
            block[SHARE + i] = f32(1.0)
    for i in range(count):
        cosine = (
            block[NORMAL_X + i] * block[LIGHT_X + i]
            + block[NORMAL_Y + i] * block[LIGHT_Y + i]
            + block[NORMAL_Z + i] * block[LIGHT_Z + i]
        )
        block[COSINE + i] = max(cosine, f32(0.0))


@kernel
def _find_shadow(
    block: Array, numbers: Array, count: int, lights: Lights, shadow: int, is_point: bool
) -> None:
    """The place of fragments on a shadow map: column and row in CELL_0 and CELL_1 (-1 beyond it).

    The point is first lifted off its surface, more where light grazes it, by the size of a texel.
    """
    r, eye, focal = lights.map_rotation[shadow], lights.map_eye[shadow], lights.map_focal[shadow]
    size = f32(lights.map_size[shadow])
    a0, a1, a2 = r[0, 0], r[0, 1], r[0, 2]
    b0, b1, b2 = r[1, 0], r[1, 1], r[1, 2]
    c0, c1, c2 = r[2, 0], r[2, 1], r[2, 2]
    e0, e1, e2 = eye[0], eye[1], eye[2]
    middle, last, texel = f32(0.5) * size - f32(1.0), size - f32(2.0), f32(1.0) / focal
    parallel = not is_point
    for i in range(count):
        px, py, pz = block[POINT_X + i] - e0, block[POINT_Y + i] - e1, block[POINT_Z + i] - e2
        nx, ny, nz = block[NORMAL_X + i], block[NORMAL_Y + i], block[NORMAL_Z + i]
        width = texel if parallel else texel * (c0 * px + c1 * py + c2 * pz)
        lift = width * (f32(1.0) + f32(1.5) * (f32(1.0) - block[COSINE + i]))
        px, py, pz = px + lift * nx, py + lift * ny, pz + lift * nz
        forward = c0 * px + c1 * py + c2 * pz - f32(0.5) * width
        inverse = f32(1.0) if parallel else f32(1.0) / max(forward, f32(1e-6))
        x = focal * (a0 * px + a1 * py + a2 * pz) * inverse + middle
        y = focal * (b0 * px + b1 * py + b2 * pz) * inverse + middle
        inside = (x >= f32(0.0)) & (y >= f32(0.0)) & (x < last) & (y < last)
        inside = inside & (parallel | (forward > f32(1e-6)))
        x = x if inside else f32(0.0)
        y = y if inside else f32(0.0)
        column, row = np.floor(x), np.floor(y)
        numbers[CELL_0 + i] = i32(column) if inside else i32(-1)
        numbers[CELL_1 + i] = i32(row)
        block[PART_A + i], block[PART_B + i] = x - column, y - row
        block[NEARNESS + i] = -forward if parallel else inverse


@kernel
def _read_shadow(block: Array, numbers: Array, count: int, depths: Array, size: int) -> None:
    """Multiply SHARE by nine depth tests under a box two texels wide."""
    for i in range(count):
        column = numbers[CELL_0 + i]
        if column < 0 or block[COSINE + i] <= f32(0.0):
            continue
        at = int(numbers[CELL_1 + i]) * size + column
        a, nearness = block[PART_A + i], block[NEARNESS + i]
        b = block[PART_B + i]
        top = _row_share(depths, at, a, nearness)
        middle = _row_share(depths, at + size, a, nearness)
        bottom = _row_share(depths, at + 2 * size, a, nearness)
        block[SHARE + i] *= f32(0.25) * ((f32(1.0) - b) * top + middle + b * bottom)


@inlined
def _row_share(depths: Array, at: int, a: np.float32, nearness: np.float32) -> np.float32:
    """Three neighbouring depth tests, weighted for a box two texels wide that starts at a."""
    left, middle = f32(depths[at] <= nearness), f32(depths[at + 1] <= nearness)
    right = f32(depths[at + 2] <= nearness)
    return left + middle + a * (right - left)


@kernel
def _add_light(block: Array, count: int, radiance: Array) -> None:
    """Diffuse and specular reflection of a light, times pi."""
    red, green, blue = radiance[0], radiance[1], radiance[2]
    one = f32(1.0)
    for i in range(count):
        nx, ny, nz = block[NORMAL_X + i], block[NORMAL_Y + i], block[NORMAL_Z + i]
        vx, vy, vz = block[VIEWER_X + i], block[VIEWER_Y + i], block[VIEWER_Z + i]
        hx, hy, hz = vx + block[LIGHT_X + i], vy + block[LIGHT_Y + i], vz + block[LIGHT_Z + i]
        inverse = one / np.sqrt(hx * hx + hy * hy + hz * hz + f32(1e-20))
        nh = min(max((nx * hx + ny * hy + nz * hz) * inverse, f32(0.0)), one)
        vh = min(max((vx * hx + vy * hy + vz * hz) * inverse, f32(0.0)), one)
        nv, nl = block[FACING + i], block[COSINE + i]
        roughness = block[ROUGHNESS + i]
        a2 = roughness * roughness * roughness * roughness  # alpha = roughness^2, as is usual
        width = nh * nh * (a2 - one) + one
        masking = nl * np.sqrt(nv * nv * (one - a2) + a2) + nv * np.sqrt(nl * nl * (one - a2) + a2)
        specular = f32(0.5) * a2 / (width * width * masking)
        grazing = (one - vh) * (one - vh)
        grazing = grazing * grazing * (one - vh)
        metallic, lit = block[METALLIC + i], block[SHARE + i] * nl
        block[RED + i] += lit * red * _reflectance(block[BASE_R + i], metallic, specular, grazing)
        block[GREEN + i] += (
            lit * green * _reflectance(block[BASE_G + i], metallic, specular, grazing)
        )
        block[BLUE + i] += lit * blue * _reflectance(block[BASE_B + i], metallic, specular, grazing)


@inlined
def _reflectance(
    base: np.float32, metallic: np.float32, specular: np.float32, grazing: np.float32
) -> np.float32:
    at_normal = f32(0.04) + metallic * (base - f32(0.04))
    diffuse = (f32(1.0) - metallic) * base
    return diffuse + specular * (at_normal + (f32(1.0) - at_normal) * grazing)
