"""Kernels that color what the rasteriser found: one shading for each triangle in a pixel."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from robokiln.frames.jit import inlined, kernel
from robokiln.frames.lighting import Lights, Rgb, blend, lit_share, reflect
from robokiln.frames.model import Triangles
from robokiln.frames.raster import View
from robokiln.types import Array

f32 = np.float32


class Paints(NamedTuple):
    """surface float32 [P, 5]: linear base color, roughness, metallic; owner uint16 [P]: the
    segmentation id."""

    surface: Array
    owner: Array


@kernel
def shade_picture(
    triangles: Triangles,
    vertices: Array,
    normals: Array,
    paints: Paints,
    lights: Lights,
    view: View,
    labels: Array,
    supersample: int,
    srgb: Array,
    rgb: Array,
    depth: Array,
    segmentation: Array,
) -> None:
    """Write rgb uint8 [H, W, 3], depth float32 [H, W] and segmentation uint16 [H, W].

    With `supersample` s a pixel's color is a tent over the (2 s - 1)^2 samples round its centre;
    depth and segmentation are those of the centre itself. `srgb` is `srgb_table()`.
    """
    height, width = depth.shape
    reach = supersample - 1
    seen = np.empty(((2 * reach + 1) ** 2, 4), np.float32)  # weight and its sums over x and y
    seen_labels = np.empty((2 * reach + 1) ** 2, np.int32)
    last = srgb.shape[0] - 1
    for row in range(height):
        for column in range(width):
            x, y = supersample * column + reach, supersample * row + reach
            _write_geometry(
                triangles, vertices, paints, view, labels, x, y, row, column, depth, segmentation
            )
            count = _gather(labels, x, y, reach, seen_labels, seen)
            red, green, blue = f32(0.0), f32(0.0), f32(0.0)
            for i in range(count):
                weight = seen[i, 0]
                sample_x, sample_y = seen[i, 1] / weight, seen[i, 2] / weight
                r, g, b = _shade(
                    triangles,
                    vertices,
                    normals,
                    paints,
                    lights,
                    view,
                    seen_labels[i],
                    sample_x,
                    sample_y,
                )
                red, green, blue = red + weight * r, green + weight * g, blue + weight * b
            rgb[row, column, 0] = srgb[int(min(red, f32(1.0)) * last + f32(0.5))]
            rgb[row, column, 1] = srgb[int(min(green, f32(1.0)) * last + f32(0.5))]
            rgb[row, column, 2] = srgb[int(min(blue, f32(1.0)) * last + f32(0.5))]


@inlined
def _gather(labels: Array, x: int, y: int, reach: int, seen_labels: Array, seen: Array) -> int:
    """List the distinct triangles round sample (x, y) with their weight and weighted centre."""
    count = 0
    total = f32((reach + 1) ** 4)
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            weight = f32((reach + 1 - abs(dx)) * (reach + 1 - abs(dy))) / total
            label = labels[y + dy, x + dx]
            i = 0
            while i < count and seen_labels[i] != label:
                i += 1
            if i == count:
                seen_labels[i] = label
                seen[i, 0], seen[i, 1], seen[i, 2] = f32(0.0), f32(0.0), f32(0.0)
                count += 1
            seen[i, 0] += weight
            seen[i, 1] += weight * (f32(x + dx) + f32(0.5))
            seen[i, 2] += weight * (f32(y + dy) + f32(0.5))
    return count


@inlined
def _ray(view: View, x: np.float32, y: np.float32) -> Rgb:
    """World direction through a point of the sample grid, of length 1 along the optical axis."""
    r = view.rotation
    a, b = (x - view.center_x) / view.focal, (y - view.center_y) / view.focal
    return (
        a * r[0, 0] + b * r[1, 0] + r[2, 0],
        a * r[0, 1] + b * r[1, 1] + r[2, 1],
        a * r[0, 2] + b * r[1, 2] + r[2, 2],
    )


@inlined
def _intersect(triangles: Triangles, vertices: Array, face: int, view: View, ray: Rgb) -> Rgb:
    """Barycentric u, v (kept inside the triangle) and depth where a ray meets a triangle's plane.

    Moeller and Trumbore, "Fast, minimum storage ray/triangle intersection", 1997.
    """
    i, j, k = triangles.faces[face, 0], triangles.faces[face, 1], triangles.faces[face, 2]
    ax, ay, az = vertices[i, 0], vertices[i, 1], vertices[i, 2]
    bx, by, bz = vertices[j, 0] - ax, vertices[j, 1] - ay, vertices[j, 2] - az
    cx, cy, cz = vertices[k, 0] - ax, vertices[k, 1] - ay, vertices[k, 2] - az
    sx, sy, sz = view.eye[0] - ax, view.eye[1] - ay, view.eye[2] - az
    dx, dy, dz = ray
    hx, hy, hz = dy * cz - dz * cy, dz * cx - dx * cz, dx * cy - dy * cx
    qx, qy, qz = sy * bz - sz * by, sz * bx - sx * bz, sx * by - sy * bx
    scale = f32(1.0) / (bx * hx + by * hy + bz * hz)
    u = min(max((sx * hx + sy * hy + sz * hz) * scale, f32(0.0)), f32(1.0))
    v = min(max((dx * qx + dy * qy + dz * qz) * scale, f32(0.0)), f32(1.0) - u)
    return u, v, (cx * qx + cy * qy + cz * qz) * scale


@inlined
def _write_geometry(
    triangles: Triangles,
    vertices: Array,
    paints: Paints,
    view: View,
    labels: Array,
    x: int,
    y: int,
    row: int,
    column: int,
    depth: Array,
    segmentation: Array,
) -> None:
    """Depth and segmentation of one pixel from the sample (x, y) at its centre."""
    label = labels[y, x]
    if label == 0:
        depth[row, column], segmentation[row, column] = f32(0.0), 0
        return
    ray = _ray(view, f32(x) + f32(0.5), f32(y) + f32(0.5))
    _, _, distance = _intersect(triangles, vertices, label - 1, view, ray)
    depth[row, column] = distance
    segmentation[row, column] = paints.owner[triangles.paint[label - 1]]


@inlined
def _shade(
    triangles: Triangles,
    vertices: Array,
    normals: Array,
    paints: Paints,
    lights: Lights,
    view: View,
    label: int,
    x: np.float32,
    y: np.float32,
) -> Rgb:
    """Linear color of a triangle (or, with label 0, of the background) at a point of the grid."""
    ray = _ray(view, x, y)
    dx, dy, dz = ray
    inverse = f32(1.0) / math.sqrt(dx * dx + dy * dy + dz * dz)
    if label == 0:
        return blend(lights.background, f32(0.5) + f32(0.5) * dz * inverse)
    face = label - 1
    u, v, distance = _intersect(triangles, vertices, face, view, ray)
    normal = _normal(triangles, normals, face, u, v)
    point = (
        view.eye[0] + distance * dx,
        view.eye[1] + distance * dy,
        view.eye[2] + distance * dz,
    )
    paint = triangles.paint[face]
    base = (paints.surface[paint, 0], paints.surface[paint, 1], paints.surface[paint, 2])
    roughness, metallic = paints.surface[paint, 3], paints.surface[paint, 4]
    to_viewer = (-dx * inverse, -dy * inverse, -dz * inverse)
    red, green, blue = blend(lights.ambient, f32(0.5) + f32(0.5) * normal[2])
    red, green, blue = red * base[0], green * base[1], blue * base[2]
    for i in range(lights.direction.shape[0]):
        light = (lights.direction[i, 0], lights.direction[i, 1], lights.direction[i, 2])
        facing = normal[0] * light[0] + normal[1] * light[1] + normal[2] * light[2]
        if facing <= 0:
            continue
        lit = facing
        if lights.shadow_map[i] >= 0:
            lit *= lit_share(lights, lights.shadow_map[i], point, normal, facing)
        if lit > 0:
            r, g, b = reflect(base, roughness, metallic, normal, to_viewer, light, facing)
            red += lit * lights.radiance[i, 0] * r
            green += lit * lights.radiance[i, 1] * g
            blue += lit * lights.radiance[i, 2] * b
    return red, green, blue


@inlined
def _normal(triangles: Triangles, normals: Array, face: int, u: np.float32, v: np.float32) -> Rgb:
    """The interpolated unit normal."""
    i, j, k = triangles.faces[face, 0], triangles.faces[face, 1], triangles.faces[face, 2]
    w = f32(1.0) - u - v
    x = w * normals[i, 0] + u * normals[j, 0] + v * normals[k, 0]
    y = w * normals[i, 1] + u * normals[j, 1] + v * normals[k, 1]
    z = w * normals[i, 2] + u * normals[j, 2] + v * normals[k, 2]
    inverse = f32(1.0) / math.sqrt(x * x + y * y + z * z + f32(1e-20))
    return x * inverse, y * inverse, z * inverse
