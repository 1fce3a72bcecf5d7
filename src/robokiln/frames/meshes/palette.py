"""Textures as a few colors: the mean of the image under each face.

Faces are never cut along an image: robots' textures are mostly plain patches or baked shadows, a
face of a robot is a few pixels, and big plain faces (a table's top) get their patterns from a
look's procedural textures. So a mesh stays vertices, normals, faces and colors.
"""

from __future__ import annotations

import numpy as np

from robokiln.frames.color import to_linear, to_srgb
from robokiln.frames.meshes.triangles import barycentric_grid
from robokiln.types import Array

ROWS = 12
"""Rows of samples in a face's triangle of the image: 78 samples."""
PALETTE = 16
"""Colors that a texture becomes at most: where the color changes, triangles must stay."""
BIN = 32
"""sRGB levels that count as alike."""


def area_mean(texels: Array, uv: Array) -> Array:
    """uint8 [H, W, 3] under the triangles uv [F, 3, 2] (v upwards, repeating) -> uint8 [F, 3].

    The mean is that of linear light.
    """
    linear = to_linear(np.arange(256) / 255)
    height, width = texels.shape[:2]
    total = np.zeros((len(uv), 3))
    weights = barycentric_grid(ROWS)
    for weight in weights:
        point = (uv * weight[:, None]).sum(axis=1)
        column = np.floor(point[:, 0] * width).astype(np.int64) % width
        row = np.floor((1 - point[:, 1]) * height).astype(np.int64) % height
        total += linear[texels[row, column]]
    return to_srgb(total / len(weights))


def limited(colors: Array, areas: Array) -> Array:
    """uint8 [F, 3] with at most PALETTE different rows: means over bins of like colors; colors of
    the bins with the least area become the nearest of the others."""
    _, label = np.unique(colors // BIN, axis=0, return_inverse=True)
    label = label.ravel()
    area = np.bincount(label, areas)
    sums = np.stack([np.bincount(label, areas * colors[:, k]) for k in range(3)], axis=1)
    means = sums / np.maximum(area, 1e-30)[:, None]
    kept = np.sort(np.argsort(-area, kind="stable")[:PALETTE])
    distance = ((means[:, None] - means[None, kept]) ** 2).sum(axis=2)
    return np.round(means[kept[np.argmin(distance, axis=1)]]).astype(np.uint8)[label]
