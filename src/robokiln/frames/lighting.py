"""Helpers of the shading kernels: how a surface reflects, and how much of a light reaches it.

Lighting is linear; a light's radiance is scaled so that a white matte surface that faces it has
color 1. The reflection model is GGX with Smith's height-correlated masking and Schlick's Fresnel
(Walter et al. 2007, Heitz 2014).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from robokiln.frames.jit import inlined
from robokiln.types import Array

f32 = np.float32
Rgb = tuple[np.float32, np.float32, np.float32]


class Lights(NamedTuple):
    """A look's lights for the kernels; colors are linear.

    direction (towards the light) and radiance float32 [N, 3]; shadow_map int32 [N], an index into
    maps or -1; maps float32 [M, S, S], seen along axes [M, 3, 3] (right, down, forward) about the
    point eye [3] at scale texels a metre; ambient and background [2, 3]: from above, from below.
    """

    direction: Array
    radiance: Array
    shadow_map: Array
    maps: Array
    axes: Array
    eye: Array
    scale: np.float32
    ambient: Array
    background: Array


@inlined
def blend(colors: Array, share: np.float32) -> Rgb:
    """Between row 1 (share 0) and row 0 (share 1)."""
    return (
        colors[1, 0] + share * (colors[0, 0] - colors[1, 0]),
        colors[1, 1] + share * (colors[0, 1] - colors[1, 1]),
        colors[1, 2] + share * (colors[0, 2] - colors[1, 2]),
    )


@inlined
def reflect(
    base: Rgb,
    roughness: np.float32,
    metallic: np.float32,
    n: Rgb,
    v: Rgb,
    light: Rgb,
    facing: np.float32,
) -> Rgb:
    """Diffuse and specular reflectance of a metallic-roughness surface, times pi."""
    nv = max(n[0] * v[0] + n[1] * v[1] + n[2] * v[2], f32(1e-3))
    hx, hy, hz = light[0] + v[0], light[1] + v[1], light[2] + v[2]
    inverse = f32(1.0) / math.sqrt(hx * hx + hy * hy + hz * hz + f32(1e-20))
    nh = min(max((n[0] * hx + n[1] * hy + n[2] * hz) * inverse, f32(0.0)), f32(1.0))
    vh = min(max((v[0] * hx + v[1] * hy + v[2] * hz) * inverse, f32(0.0)), f32(1.0))
    a2 = roughness * roughness * roughness * roughness  # alpha = roughness^2, as is usual
    width = nh * nh * (a2 - f32(1.0)) + f32(1.0)
    masking = facing * math.sqrt(nv * nv * (f32(1.0) - a2) + a2)
    masking += nv * math.sqrt(facing * facing * (f32(1.0) - a2) + a2)
    specular = f32(0.5) * a2 / (width * width * masking)
    grazing = (f32(1.0) - vh) * (f32(1.0) - vh)
    grazing = grazing * grazing * (f32(1.0) - vh)
    dielectric, diffuse = f32(0.04) * (f32(1.0) - metallic), f32(1.0) - metallic
    r0, g0, b0 = (
        dielectric + metallic * base[0],
        dielectric + metallic * base[1],
        dielectric + metallic * base[2],
    )
    return (
        diffuse * base[0] + specular * (r0 + (f32(1.0) - r0) * grazing),
        diffuse * base[1] + specular * (g0 + (f32(1.0) - g0) * grazing),
        diffuse * base[2] + specular * (b0 + (f32(1.0) - b0) * grazing),
    )


@inlined
def lit_share(
    lights: Lights, index: int, point: Rgb, normal: Rgb, facing: np.float32
) -> np.float32:
    """How much of a light reaches a point: nine depth tests under a box two texels wide.

    The point is first lifted off its surface, more where light grazes it, by the size of a texel.
    """
    axes, size = lights.axes, lights.maps.shape[1]
    lift = (f32(1.0) + f32(1.5) * (f32(1.0) - facing)) / lights.scale
    px = point[0] + lift * normal[0] - lights.eye[0]
    py = point[1] + lift * normal[1] - lights.eye[1]
    pz = point[2] + lift * normal[2] - lights.eye[2]
    middle = f32(0.5) * f32(size) - f32(1.0)
    x = (
        lights.scale * (axes[index, 0, 0] * px + axes[index, 0, 1] * py + axes[index, 0, 2] * pz)
        + middle
    )
    y = (
        lights.scale * (axes[index, 1, 0] * px + axes[index, 1, 1] * py + axes[index, 1, 2] * pz)
        + middle
    )
    if not (x >= 0 and y >= 0 and x < size - 2 and y < size - 2):
        return f32(1.0)
    height = (
        -(axes[index, 2, 0] * px + axes[index, 2, 1] * py + axes[index, 2, 2] * pz)
        + f32(0.5) / lights.scale
    )
    column, row = int(x), int(y)
    a, b = x - f32(column), y - f32(row)
    share = (f32(1.0) - b) * _row_share(lights.maps, index, row, column, a, height)
    share += _row_share(lights.maps, index, row + 1, column, a, height)
    share += b * _row_share(lights.maps, index, row + 2, column, a, height)
    return np.float32(f32(0.25) * share)


@inlined
def _row_share(
    maps: Array, index: int, row: int, column: int, a: np.float32, height: np.float32
) -> np.float32:
    """Three neighbouring depth tests, weighted for a box two texels wide that starts at a."""
    lit = f32(maps[index, row, column + 1] <= height)
    if maps[index, row, column] <= height:
        lit += f32(1.0) - a
    if maps[index, row, column + 2] <= height:
        lit += a
    return lit
