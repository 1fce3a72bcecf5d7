"""Scratch for shading: a few hundred points at a time, one array row for each quantity.

A fragment is a point on the sample grid where one triangle (or the background) is to be shaded. All
rows lie in one flat array at fixed distances, so the compiler knows that they do not overlap and
turns every pass over a block into vector code: `block[NORMAL_X + i]`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from robokiln.types import Array

BLOCK = 256
"""Fragments shaded together: all rows stay in a core's nearest cache."""
STRIDE = BLOCK + 16
"""Not a power of two, whose multiples would compete for the same cache lines."""

# Where on the grid, how far, and with which weight in its pixel.
X, Y, DEPTH, WEIGHT = (STRIDE * i for i in range(4))
# Unit normal, point and unit vector to the viewer (world), and the cosine between them.
NORMAL_X, NORMAL_Y, NORMAL_Z = (STRIDE * i for i in range(4, 7))
POINT_X, POINT_Y, POINT_Z = (STRIDE * i for i in range(7, 10))
VIEWER_X, VIEWER_Y, VIEWER_Z, FACING = (STRIDE * i for i in range(10, 14))
# Place on the texture in metres, texels a metre (0 for none).
S, T, DENSITY = (STRIDE * i for i in range(14, 17))
# The surface: linear base color, roughness, metallic.
BASE_R, BASE_G, BASE_B, ROUGHNESS, METALLIC = (STRIDE * i for i in range(17, 22))
# The light being added: unit vector towards it, its cosine, its share that arrives.
LIGHT_X, LIGHT_Y, LIGHT_Z, COSINE, SHARE = (STRIDE * i for i in range(22, 27))
# Two fractions of a grid cell and a distance, for lookups in textures and shadow maps.
PART_A, PART_B, NEARNESS = (STRIDE * i for i in range(27, 30))
# Linear color on its way to the viewer.
RED, GREEN, BLUE = (STRIDE * i for i in range(30, 33))
ROWS = 33

# Rows of whole numbers: the picture's pixel, the texture, and what lookups compute.
PIXEL, IMAGE, CELL_0, CELL_1, CELL_2, CELL_3 = (STRIDE * i for i in range(6))
INT_ROWS = 6


class Block(NamedTuple):
    """values float32 [ROWS * STRIDE]; numbers int32 [INT_ROWS * STRIDE]; labels int32 [STRIDE]."""

    values: Array
    numbers: Array
    labels: Array


def make_block() -> Block:
    """Scratch for one picture at a time."""
    return Block(
        np.zeros(ROWS * STRIDE, np.float32),
        np.zeros(INT_ROWS * STRIDE, np.int32),
        np.zeros(STRIDE, np.int32),
    )
