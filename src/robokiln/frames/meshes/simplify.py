"""Fewer triangles within an error in metres: edges collapse, the cheapest first.

Quadric error metric: Garland and Heckbert, "Surface Simplification Using Quadric Error Metrics",
1997. Ours, because the bindings on PyPI know neither colors nor borders: where the color changes
and where the surface ends, vertices move along that curve alone, so that neither cracks nor new
holes open, and closed surfaces stay closed. All arithmetic is float64 in a fixed order: the same
bytes on every machine.
"""

from __future__ import annotations

import heapq
import math

import numpy as np

from robokiln.frames.jit import inlined, kernel
from robokiln.types import Array

SMOOTH, ON_CURVE, CORNER = 0, 1, 2
"""A vertex inside a surface, on a border or change of color, and where such curves meet or end."""
CURVE_WEIGHT = 9.0
"""Squared share of the error that is allowed across a border: a third, as gaps are easily seen."""
TURN = 0.5
"""Cosine of the angle by which a collapse may turn a triangle."""
SLIVER = 0.02
"""Shape of the worst triangle that a collapse may make: 1 is equilateral, 0.02 is 80 times as long
as high."""


def simplify(
    points: Array, faces: Array, groups: Array, max_error: float
) -> tuple[Array, Array, Array]:
    """Welded points [V, 3], faces [F, 3] and the color group of each [F] -> the same, fewer.

    `max_error` in metres: each new vertex lies that close (in the mean over the area) to the planes
    of the triangles that it stands for.
    """
    points, faces = points.astype(np.float64), faces.astype(np.int64)
    curve = _curve_edges(faces, groups)
    kinds = _vertex_kinds(len(points), curve)
    quadrics = _quadrics(points, faces, curve)
    _collapse_edges(points, faces, groups.astype(np.int64), kinds, quadrics, max_error**2)
    alive = faces[:, 0] >= 0
    used, index = np.unique(faces[alive], return_inverse=True)
    return points[used], index.reshape(-1, 3).astype(np.int32), groups[alive]


def edges_of(faces: Array) -> tuple[Array, Array]:
    """Each corner's edge to the next corner, as sorted pairs [3 F, 2], and its face [3 F]."""
    pairs = np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2)
    return np.sort(pairs, axis=1), np.repeat(np.arange(len(faces)), 3)


def _curve_edges(faces: Array, groups: Array) -> Array:
    """Rows (vertex, vertex, face) of all edges that don't lie between two faces of one group."""
    edges, owner = edges_of(faces)
    _, index, count = np.unique(edges, axis=0, return_inverse=True, return_counts=True)
    low, high = np.full(len(count), np.iinfo(np.int64).max), np.full(len(count), -1)
    np.minimum.at(low, index.ravel(), groups[owner])
    np.maximum.at(high, index.ravel(), groups[owner])
    special = ((count != 2) | (low != high))[index.ravel()]
    return np.concatenate([edges[special], owner[special, None]], axis=1)


def _vertex_kinds(size: int, curve: Array) -> Array:
    ends = np.unique(curve[:, :2], axis=0)
    count = np.bincount(ends.ravel(), minlength=size)
    return np.select([count == 0, count == 2], [SMOOTH, ON_CURVE], CORNER)


def _quadrics(points: Array, faces: Array, curve: Array) -> Array:
    """Of each vertex [V, 11]: the upper triangle of the 4 x 4 quadric, then its total weight."""
    edge = points[faces[:, 1:]] - points[faces[:, :1]]
    normal = np.cross(edge[:, 0], edge[:, 1])
    double_area = np.sqrt((normal * normal).sum(axis=1))
    normal = normal / double_area[:, None]
    quadrics = np.zeros((len(points), 11))
    planes = _plane_quadrics(normal, points[faces[:, 0]], double_area / 6)
    for k in range(3):
        np.add.at(quadrics, faces[:, k], planes)
    along = points[curve[:, 1]] - points[curve[:, 0]]
    length = np.sqrt((along * along).sum(axis=1))
    across = np.cross(along / length[:, None], normal[curve[:, 2]])
    walls = _plane_quadrics(across, points[curve[:, 0]], length * length / 2)
    walls[:, :10] *= CURVE_WEIGHT
    for k in range(2):
        np.add.at(quadrics, curve[:, k], walls)
    return quadrics


def _plane_quadrics(normal: Array, point: Array, weight: Array) -> Array:
    n = np.concatenate([normal, -(normal * point).sum(axis=1, keepdims=True)], axis=1)
    rows, columns = np.triu_indices(4)
    return np.concatenate([n[:, rows] * n[:, columns] * weight[:, None], weight[:, None]], axis=1)


@kernel
def _collapse_edges(
    points: Array, faces: Array, groups: Array, kinds: Array, quadrics: Array, limit: float
) -> None:
    """Collapse while an edge costs at most `limit` (squared metres); a dead face has corners -1.

    A vertex's corners (3 face + k) are a linked list, so that a collapse joins two in one step.
    """
    head = np.full(len(points), -1, np.int64)
    tail = np.full(len(points), -1, np.int64)
    following = np.full(faces.size, -1, np.int64)
    for corner in range(faces.size):
        v = faces[corner // 3, corner % 3]
        if head[v] < 0:
            head[v] = corner
        else:
            following[tail[v]] = corner
        tail[v] = corner
    version = np.zeros(len(points), np.int64)
    collapsed = 1
    while collapsed > 0:  # again, for what was refused may have become possible
        collapsed = 0
        heap = [(0.0, 0, 0, -1)]
        for f in range(len(faces)):
            for k in range(3):
                u, v = faces[f, k], faces[f, (k + 1) % 3]
                if u >= 0 and (u < v or _edge_kind(u, v, faces, groups, head, following) == 1):
                    _push(heap, u, v, points, kinds, quadrics, version, limit)
        while len(heap) > 0:
            _, u, v, stamp = heapq.heappop(heap)
            if stamp != version[u] + version[v] or head[u] < 0 or head[v] < 0:
                continue
            if kinds[u] > kinds[v]:
                u, v = v, u
            place = _place(u, v, points, kinds, quadrics)
            if not _may_collapse(u, v, place, points, faces, groups, kinds, head, following):
                continue
            collapsed += 1
            _collapse(u, v, faces, head, tail, following)
            points[v, 0], points[v, 1], points[v, 2] = place
            quadrics[v] += quadrics[u]
            version[v] += 1
            corner = head[v]
            while corner >= 0:
                f = corner // 3
                for k in range(3):
                    w = faces[f, k]
                    if w != v:
                        _push(heap, min(v, w), max(v, w), points, kinds, quadrics, version, limit)
                corner = following[corner]


@inlined
def _push(
    heap: list[tuple[float, int, int, int]], u: int, v: int, points: Array, kinds: Array,
    quadrics: Array, version: Array, limit: float,
) -> None:  # fmt: skip
    a, b = (v, u) if kinds[u] > kinds[v] else (u, v)
    place = _place(a, b, points, kinds, quadrics)
    cost = max(_error(quadrics[a], place), _error(quadrics[b], place))
    if cost <= limit:
        heapq.heappush(heap, (cost, u, v, version[u] + version[v]))


@inlined
def _error(q: Array, p: tuple[float, float, float]) -> float:
    """Weighted mean of the squared distances of p from a quadric's planes."""
    x, y, z = p
    total = (
        x * (q[0] * x + 2 * (q[1] * y + q[2] * z + q[3]))
        + y * (q[4] * y + 2 * (q[5] * z + q[6]))
        + z * (q[7] * z + 2 * q[8])
        + q[9]
    )
    return max(total, 0.0) / max(q[10], 1e-30)


@kernel
def _place(
    u: int, v: int, points: Array, kinds: Array, quadrics: Array
) -> tuple[float, float, float]:
    """Where u and v (of no lower kind) meet: at the quadric's minimum if it is near and both are
    free to move, else at the best of the ends and the middle."""
    there = (points[v, 0], points[v, 1], points[v, 2])
    if kinds[u] != kinds[v]:
        return there
    q = quadrics[u] + quadrics[v]
    here = (points[u, 0], points[u, 1], points[u, 2])
    middle = (
        (here[0] + there[0]) / 2,
        (here[1] + there[1]) / 2,
        (here[2] + there[2]) / 2,
    )
    best, least = there, _error(q, there)
    for p in (here, middle):
        cost = _error(q, p)
        if cost < least:
            best, least = p, cost
    c00, c01, c02 = q[4] * q[7] - q[5] * q[5], q[2] * q[5] - q[1] * q[7], q[1] * q[5] - q[2] * q[4]
    c11, c12, c22 = q[0] * q[7] - q[2] * q[2], q[1] * q[2] - q[0] * q[5], q[0] * q[4] - q[1] * q[1]
    determinant = q[0] * c00 + q[1] * c01 + q[2] * c02
    if determinant <= 1e-6 * (q[0] + q[4] + q[7]) ** 3:
        return best
    p = (
        -(c00 * q[3] + c01 * q[6] + c02 * q[8]) / determinant,
        -(c01 * q[3] + c11 * q[6] + c12 * q[8]) / determinant,
        -(c02 * q[3] + c12 * q[6] + c22 * q[8]) / determinant,
    )
    reach = (p[0] - middle[0]) ** 2 + (p[1] - middle[1]) ** 2 + (p[2] - middle[2]) ** 2
    length = (here[0] - there[0]) ** 2 + (here[1] - there[1]) ** 2 + (here[2] - there[2]) ** 2
    return p if reach < length and _error(q, p) < least else best


@kernel
def _edge_kind(
    u: int, v: int, faces: Array, groups: Array, head: Array, following: Array
) -> int:
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
def _may_collapse(
    u: int, v: int, place: tuple[float, float, float], points: Array, faces: Array, groups: Array,
    kinds: Array, head: Array, following: Array,
) -> bool:  # fmt: skip
    """Whether the surface keeps its topology, its curves and the way its triangles face."""
    kind = _edge_kind(u, v, faces, groups, head, following)
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
    seen = np.empty(64, np.int64)
    corner = head[u]
    while corner >= 0:
        for k in range(3):
            w = faces[corner // 3, k]
            if w == u or w == v or not _joined(v, w, faces, head, following):
                continue
            known = False
            for i in range(count):
                known = known or seen[i] == w
            if not known:
                if count == 64:
                    return 64
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
    squares = ex * ex + ey * ey + ez * ez + gx * gx + gy * gy + gz * gz + hx * hx + hy * hy + hz * hz
    return x, y, z, math.sqrt(x * x + y * y + z * z), squares / (2 * math.sqrt(3.0))


@kernel
def _collapse(
    u: int, v: int, faces: Array, head: Array, tail: Array, following: Array
) -> None:
    """Faces with both die; the others of u become v's. Dead corners leave v's and u's lists."""
    corner = head[u]
    while corner >= 0:
        f = corner // 3
        if faces[f, 0] == v or faces[f, 1] == v or faces[f, 2] == v:
            for k in range(3):
                w = faces[f, k]
                if w != u and w != v:
                    _unlink(w, 3 * f + k, head, tail, following)
            faces[f] = -1
        else:
            faces[f, corner % 3] = v
        corner = following[corner]
    following[tail[v]] = head[u]
    tail[v] = tail[u]
    head[u] = -1
    previous, corner = -1, head[v]
    while corner >= 0:
        if faces[corner // 3, 0] < 0:
            if previous < 0:
                head[v] = following[corner]
            else:
                following[previous] = following[corner]
        else:
            previous = corner
        corner = following[corner]
    tail[v] = previous


@kernel
def _unlink(v: int, gone: int, head: Array, tail: Array, following: Array) -> None:
    previous, corner = -1, head[v]
    while corner != gone:
        previous, corner = corner, following[corner]
    if previous < 0:
        head[v] = following[gone]
    else:
        following[previous] = following[gone]
    if tail[v] == gone:
        tail[v] = previous
