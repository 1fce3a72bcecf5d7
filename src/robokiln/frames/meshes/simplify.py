"""Fewer triangles within an error in metres: edges collapse, the cheapest first.

Quadric error metric: Garland and Heckbert, "Surface Simplification Using Quadric Error Metrics",
1997. Ours, because the bindings on PyPI know neither colors nor borders: where the color changes
and where the surface ends, vertices move along that curve alone, so that neither cracks nor new
holes open, and closed surfaces stay closed. All arithmetic is float64 in a fixed order: the same
bytes on every machine.
"""

from __future__ import annotations

import heapq

import numpy as np

from robokiln.frames.jit import kernel
from robokiln.frames.meshes.topology import CORNER, ON_CURVE, SMOOTH, edge_kind, may_collapse
from robokiln.frames.meshes.triangles import edges_of
from robokiln.types import Array

CURVE_WEIGHT = 9.0
"""Squared share of the error that is allowed across a border: a third, as gaps are easily seen."""


def simplify(
    points: Array, faces: Array, groups: Array, max_error: float
) -> tuple[Array, Array, Array]:
    """Welded points [V, 3], faces [F, 3] and the color group of each [F] -> the same, fewer.

    `max_error` in metres: each new vertex lies that close, in a weighted mean, to the planes of the
    triangles that it stands for; single points of the surface move up to three times as far.
    """
    points, faces = points.astype(np.float64), faces.astype(np.int64)
    curve = _curve_edges(faces, groups)
    kinds = _vertex_kinds(len(points), curve)
    quadrics = _quadrics(points, faces, curve)
    _collapse_edges(points, faces, groups.astype(np.int64), kinds, quadrics, max_error**2)
    alive = faces[:, 0] >= 0
    used, index = np.unique(faces[alive], return_inverse=True)
    return points[used], index.reshape(-1, 3).astype(np.int32), groups[alive]


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
    """Of each vertex [V, 11]: the upper triangle of the 4 x 4 quadric, then its total weight.

    Planes weigh as the root of their triangles' areas: by area itself a large flat face hides what
    is lost of the thin chamfer beside it (2.2 mm at a Panda's joint, now 0.7 mm).
    """
    edge = points[faces[:, 1:]] - points[faces[:, :1]]
    normal = np.cross(edge[:, 0], edge[:, 1])
    double_area = np.sqrt((normal * normal).sum(axis=1))
    normal = normal / double_area[:, None]
    quadrics = np.zeros((len(points), 11))
    planes = _plane_quadrics(normal, points[faces[:, 0]], np.sqrt(double_area / 6))
    for k in range(3):
        np.add.at(quadrics, faces[:, k], planes)
    along = points[curve[:, 1]] - points[curve[:, 0]]
    length = np.sqrt((along * along).sum(axis=1))
    across = np.cross(along / length[:, None], normal[curve[:, 2]])
    walls = _plane_quadrics(across, points[curve[:, 0]], length)
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
                if u >= 0 and (u < v or edge_kind(u, v, faces, groups, head, following) == 1):
                    _push(heap, u, v, points, kinds, quadrics, version, limit)
        while len(heap) > 0:
            _, u, v, stamp = heapq.heappop(heap)
            if stamp != version[u] + version[v] or head[u] < 0 or head[v] < 0:
                continue
            if kinds[u] > kinds[v]:
                u, v = v, u
            place = _place(u, v, points, kinds, quadrics)
            if not may_collapse(u, v, place, points, faces, groups, kinds, head, following):
                continue
            collapsed += 1
            _collapse(u, v, faces, head, tail, following)
            points[v, 0], points[v, 1], points[v, 2] = place
            for i in range(11):
                quadrics[v, i] += quadrics[u, i]
            version[v] += 1
            corner = head[v]
            while corner >= 0:
                f = corner // 3
                for k in range(3):
                    w = faces[f, k]
                    if w != v:
                        _push(heap, min(v, w), max(v, w), points, kinds, quadrics, version, limit)
                corner = following[corner]


@kernel
def _push(
    heap: list[tuple[float, int, int, int]], u: int, v: int, points: Array, kinds: Array,
    quadrics: Array, version: Array, limit: float,
) -> None:  # fmt: skip
    a, b = (v, u) if kinds[u] > kinds[v] else (u, v)
    place = _place(a, b, points, kinds, quadrics)
    cost = max(_error(quadrics[a], place), _error(quadrics[b], place))
    if cost <= limit:
        heapq.heappush(heap, (cost, u, v, version[u] + version[v]))


@kernel
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
    q = np.empty(11)
    for i in range(11):
        q[i] = quadrics[u, i] + quadrics[v, i]
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
def _collapse(u: int, v: int, faces: Array, head: Array, tail: Array, following: Array) -> None:
    """Faces with both die; the others of u become v's. Dead corners leave v's and u's lists."""
    corner = head[u]
    while corner >= 0:
        f = corner // 3
        if faces[f, 0] == v or faces[f, 1] == v or faces[f, 2] == v:
            for k in range(3):
                w = faces[f, k]
                if w != u and w != v:
                    _unlink(w, 3 * f + k, head, tail, following)
            faces[f, 0] = faces[f, 1] = faces[f, 2] = -1
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
