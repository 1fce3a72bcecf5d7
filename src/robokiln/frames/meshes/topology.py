"""Whether an edge may collapse: kernels that look at the triangles round its two ends.

A vertex's corners (3 face + k) are a linked list: `head` [V] is the first, `following` [3 F] leads
from each to the next, -1 ends it.
"""

from __future__ import annotations

import math

import numpy as np

from robokiln.frames.jit import inlined, kernel
from robokiln.types import Array

SMOOTH, ON_CURVE, CORNER = 0, 1, 2
"""A vertex inside a surface, on a border or change of color, and where such curves meet or end."""
TURN = 0.5
"""Cosine of the angle by which a collapse may turn a triangle."""
SLIVER = 0.02
"""Shape of the worst triangle that a collapse may make: 1 is equilateral, 0.02 is 80 times as long
as high."""
MANY = 64
"""Common neighbours beyond which nobody counts."""


@kernel
def edge_kind(u: int, v: int, faces: Array, groups: Array, head: Array, following: Array) -> int:
    """How many faces have the edge; -1 where two of them differ in group."""
    count, group, differ = 0, -1, False
    corner = head[u]
    while corner >= 0:
        f = corner // 3
        if faces[f, 0] == v or faces[f, 1] == v or faces[f, 2] == v:
            differ = differ or (count > 0 and groups[f] != group)
            group = groups[f]
            count += 1
        corner = following[corner]
    return -1 if differ and count == 2 else count


@kernel
def may_collapse(
    u: int, v: int, place: tuple[float, float, float], points: Array, faces: Array, groups: Array,
    kinds: Array, head: Array, following: Array,
) -> bool:  # fmt: skip
    """Whether the surface keeps its topology, its curves and the way its triangles face."""
    kind = edge_kind(u, v, faces, groups, head, following)
    if kinds[u] == CORNER or kind == 0 or kind > 2:
        return False
    if kinds[u] == ON_CURVE and kind == 2:  # a chord between two curves, or across one
        return False
    if _common_neighbors(u, v, faces, head, following) != abs(2 if kind < 0 else kind):
        return False
    return not (
        _spoils(u, v, place, points, faces, head, following)
        or _spoils(v, u, place, points, faces, head, following)
    )


@kernel
def _common_neighbors(u: int, v: int, faces: Array, head: Array, following: Array) -> int:
    """Vertices joined to both; where there are more than the edge has faces, a collapse would
    glue two sheets of the surface together."""
    count = 0
    seen = np.empty(MANY, np.int64)
    corner = head[u]
    while corner >= 0:
        for k in range(3):
            w = faces[corner // 3, k]
            if w in (u, v) or not _joined(v, w, faces, head, following):
                continue
            known = False
            for i in range(count):
                known = known or seen[i] == w
            if not known:
                if count == MANY:
                    return MANY
                seen[count] = w
                count += 1
        corner = following[corner]
    return count


@kernel
def _joined(v: int, w: int, faces: Array, head: Array, following: Array) -> bool:
    corner = head[v]
    while corner >= 0:
        f = corner // 3
        if faces[f, 0] == w or faces[f, 1] == w or faces[f, 2] == w:
            return True
        corner = following[corner]
    return False


@kernel
def _spoils(
    u: int, v: int, place: tuple[float, float, float], points: Array, faces: Array, head: Array,
    following: Array,
) -> bool:  # fmt: skip
    """Whether moving u turns one of its faces (those with v vanish) or makes it a sliver."""
    corner = head[u]
    while corner >= 0:
        f, k = corner // 3, corner % 3
        a, b = faces[f, (k + 1) % 3], faces[f, (k + 2) % 3]
        if a != v and b != v:
            pa = (points[a, 0], points[a, 1], points[a, 2])
            pb = (points[b, 0], points[b, 1], points[b, 2])
            before = _normal((points[u, 0], points[u, 1], points[u, 2]), pa, pb)
            after = _normal(place, pa, pb)
            dot = before[0] * after[0] + before[1] * after[1] + before[2] * after[2]
            if dot < TURN * before[3] * after[3]:
                return True
            if after[3] < SLIVER * after[4] and after[3] * before[4] < before[3] * after[4]:
                return True
        corner = following[corner]
    return False


@inlined
def _normal(
    p: tuple[float, float, float], a: tuple[float, float, float], b: tuple[float, float, float]
) -> tuple[float, float, float, float, float]:
    """A triangle's normal, twice its area, and what that would be were it equilateral."""
    ex, ey, ez = a[0] - p[0], a[1] - p[1], a[2] - p[2]
    gx, gy, gz = b[0] - p[0], b[1] - p[1], b[2] - p[2]
    hx, hy, hz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    x, y, z = ey * gz - ez * gy, ez * gx - ex * gz, ex * gy - ey * gx
    squares = (
        ex * ex + ey * ey + ez * ez + gx * gx + gy * gy + gz * gz + hx * hx + hy * hy + hz * hz
    )
    return x, y, z, math.sqrt(x * x + y * y + z * z), squares / (2 * math.sqrt(3.0))
