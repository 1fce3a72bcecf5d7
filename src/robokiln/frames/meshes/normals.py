"""Smooth normals with creases, and which way a surface faces."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, connected_components
from scipy.spatial import cKDTree

from robokiln.frames.meshes.triangles import (
    Surface,
    area_normals,
    double_areas,
    edges_of,
    inner_samples,
)
from robokiln.types import Array

CREASE = np.cos(np.radians(40.0))
"""Normals that differ by more than this angle are not blended."""
SPACING = 0.002
"""Metres between samples of the original surface, from which simpler ones take their normals."""
NEIGHBORS = 32
LEAN = 0.006
"""Metres of distance that outweigh a normal at right angles to the triangle's own: where less is
left of a rounded edge than about this radius needs, the edge becomes a crease."""
LEAST_AGREEMENT = 0.2
"""Cosine between a triangle's own normal and one that it may take over."""


def drawn_vertices(surface: Surface, original: Surface) -> tuple[Array, Array, Array]:
    """Vertices [V, 3], unit normals [V, 3] and faces [F, 3]; a vertex has one normal.

    The normals are the original's nearby, so that a few triangles are shaded like many.
    """
    if surface is original:
        flat = _unit(area_normals(surface.points[surface.faces]))
        return _blended(surface, np.repeat(flat, 3, axis=0))
    return _blended(surface, original_normals(surface, original))


def original_normals(surface: Surface, original: Surface) -> Array:
    """For each corner [3 F, 3], the original's normal near there that faces most like the face."""
    positions, normals = surface_samples(original)
    corners = surface.points[surface.faces]
    flat = _unit(area_normals(corners))
    count = min(NEIGHBORS, len(positions))
    distance, index = cKDTree(positions).query(surface.points, count)
    at, own = surface.faces.ravel(), np.repeat(flat, 3, axis=0)
    best, found = np.full(len(at), -np.inf), own.copy()
    for apart, sample in zip(
        distance.reshape(-1, count).T, index.reshape(-1, count).T, strict=True
    ):
        candidate = normals[sample[at]]
        agreement = (candidate * own).sum(axis=1)
        # In whole steps, so that no machine's rounding ever decides between two.
        score = np.round((agreement - apart[at] / LEAN) * 1e6)
        better = (score > best) & (agreement > LEAST_AGREEMENT)
        best[better], found[better] = score[better], candidate[better]
    return found


def surface_samples(surface: Surface) -> tuple[Array, Array]:
    """Points [N, 3] at most about SPACING apart, every vertex among them, and the smooth normals
    there."""
    corners = surface.points[surface.faces]
    flat = np.repeat(_unit(area_normals(corners)), 3, axis=0)
    vertices, at_vertices, faces = _blended(surface, flat)
    positions, owner, share = inner_samples(corners, SPACING)
    inside = (at_vertices[faces[owner]] * share[:, :, None]).sum(axis=1)
    return np.concatenate([vertices, positions]), np.concatenate([at_vertices, _unit(inside)])


def _blended(surface: Surface, hints: Array) -> tuple[Array, Array, Array]:
    """Vertices, unit normals and faces: `hints` [3 F, 3] averaged over each smooth group."""
    vertex = _smooth_groups(surface, hints)
    weight = np.repeat(double_areas(surface.points[surface.faces]), 3)[:, None]
    normals = np.zeros((vertex.max() + 1, 3))
    np.add.at(normals, vertex, hints * weight)
    lost = (normals[vertex] ** 2).sum(axis=1) < 1e-24  # they cancel out: any of them will do
    normals[vertex[lost]] = hints[lost]
    points = np.empty_like(normals)
    points[vertex] = surface.points[surface.faces.ravel()]
    return points, _unit(normals), vertex.reshape(-1, 3)


def _smooth_groups(surface: Surface, hints: Array) -> Array:
    """A number for each corner [3 F], shared by corners of a point that an uncreased edge joins."""
    edges, owner = edges_of(surface.faces)
    order = np.lexsort((owner, edges[:, 1], edges[:, 0]))
    edges, owner = edges[order], owner[order]
    same = (edges[1:] == edges[:-1]).all(axis=1)
    a, b, ends = owner[:-1][same], owner[1:][same], edges[1:][same]
    links = []
    for k in range(2):
        one = 3 * a + np.argmax(surface.faces[a] == ends[:, k, None], axis=1)
        two = 3 * b + np.argmax(surface.faces[b] == ends[:, k, None], axis=1)
        smooth = (hints[one] * hints[two]).sum(axis=1) > CREASE
        links.append(np.stack([one[smooth], two[smooth]]))
    rows, columns = np.concatenate(links, axis=1)
    size = surface.faces.size
    graph = coo_array((np.ones(len(rows), np.int8), (rows, columns)), shape=(size, size))
    return connected_components(graph, directed=False)[1]


def facing_outwards(surface: Surface) -> Surface:
    """The same with one winding in each connected part, and closed parts not inside out.

    An open part is turned by its majority: whichever winding more of its area has in the file.
    """
    a, b, agree = _neighbors(surface.faces)
    size = len(surface.faces)
    graph = coo_array((np.ones(len(a), np.int8), (a, b)), shape=(size, size)).tocsr()
    count, part = connected_components(graph, directed=False)
    corners = surface.points[surface.faces]
    turn = np.zeros(size, np.bool_)
    if not agree.all():
        for root in np.unique(part[a[~agree]], return_index=True)[1]:
            _agree_with(int(a[~agree][root]), graph, surface.faces, turn)
        areas = double_areas(corners)
        turned = np.bincount(part, areas * turn, count) > np.bincount(part, areas, count) / 2
        turn ^= turned[part]
    sign = np.where(turn, -1.0, 1.0)
    volume = np.bincount(part, sign * (corners[:, 0] * area_normals(corners)).sum(axis=1), count)
    edges, owner = edges_of(surface.faces)
    _, index, number = np.unique(edges, axis=0, return_inverse=True, return_counts=True)
    is_open = np.zeros(count, np.bool_)
    is_open[part[owner[number[index.ravel()] != 2]]] = True
    turn ^= ((volume < 0) & ~is_open)[part]
    faces = np.where(turn[:, None], surface.faces[:, ::-1], surface.faces)
    return Surface(surface.points, faces, surface.colors)


def _neighbors(faces: Array) -> tuple[Array, Array, Array]:
    """Pairs of faces that alone share an edge, and whether they pass it in opposite directions."""
    edges, owner = edges_of(faces)
    forward = faces.ravel() == edges[:, 0]
    order = np.lexsort((owner, edges[:, 1], edges[:, 0]))
    _, start, count = np.unique(edges[order], axis=0, return_index=True, return_counts=True)
    one, two = order[start[count == 2]], order[start[count == 2] + 1]
    return owner[one], owner[two], forward[one] != forward[two]


def _agree_with(root: int, graph: object, faces: Array, turn: Array) -> None:
    """Set `turn` for all of root's part, so that neighbours pass their edges in opposite ways."""
    order, parent = breadth_first_order(graph, root, directed=False)
    for face in order[1:]:
        up = parent[face]
        directed = {(faces[up, k], faces[up, (k + 1) % 3]) for k in range(3)}
        same = any((faces[face, k], faces[face, (k + 1) % 3]) in directed for k in range(3))
        turn[face] = turn[up] ^ same


def _unit(vectors: Array) -> Array:
    length = np.sqrt((vectors * vectors).sum(axis=1, keepdims=True))
    return vectors / np.maximum(length, 1e-30)
