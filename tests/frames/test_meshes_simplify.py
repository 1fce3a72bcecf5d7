"""Simplification keeps topology, colors and distances; hidden triangles alone disappear."""

import numpy as np
import pytest
import trimesh
from surfaces import open_edges, two_colored_sphere, volume

from robokiln.frames.meshes.hidden import seen_faces
from robokiln.frames.meshes.normals import drawn_vertices, facing_outwards
from robokiln.frames.meshes.preparation import simplified, without_unseen
from robokiln.frames.meshes.simplify import simplify
from robokiln.frames.meshes.triangles import Surface, double_areas, weld
from robokiln.types import Array


def surface(mesh: trimesh.Trimesh) -> Surface:
    corners = np.asarray(mesh.triangles)
    return weld(corners, np.full((len(corners), 3), 200, np.uint8))


@pytest.mark.parametrize("max_error", [0.0002, 0.001, 0.004])
def test_a_sphere_stays_closed_round_and_two_colored(max_error: float) -> None:
    points, faces, groups = two_colored_sphere()
    fewer, left, colors = simplify(points, faces, groups, max_error)
    assert len(left) < len(faces) / 10
    assert open_edges(left) == 0
    assert volume(fewer, left) == pytest.approx(volume(points, faces), rel=40 * max_error)
    assert np.abs(np.linalg.norm(fewer, axis=1) - 0.1).max() < 3 * max_error
    assert (double_areas(fewer[left]) > 1e-9).all()
    rim = np.intersect1d(left[colors == 0], left[colors == 1])
    assert len(rim) >= 6, "the two colors still share their border"
    assert np.abs(fewer[rim, 2] - 0.04).max() < 0.004


def test_smaller_errors_keep_more() -> None:
    points, faces, groups = two_colored_sphere()
    counts = [len(simplify(points, faces, groups, e)[1]) for e in (0.004, 0.001, 0.0002)]
    assert counts == sorted(counts)
    assert counts[0] < counts[2] / 4


def test_the_border_of_an_open_sheet_stays_where_it_is() -> None:
    side = np.linspace(0, 1, 41)
    x, y = (a.ravel() for a in np.meshgrid(side, side))
    corner = (np.arange(40)[:, None] * 41 + np.arange(40)).ravel()
    faces = np.concatenate(
        [
            np.stack([corner, corner + 1, corner + 41], 1),
            np.stack([corner + 1, corner + 42, corner + 41], 1),
        ]
    )
    hole = (np.abs(x[faces].mean(1) - 0.5) < 0.1) & (np.abs(y[faces].mean(1) - 0.5) < 0.1)
    points, faces = np.stack([x, y, 0 * x], axis=1), faces[~hole]
    area = double_areas(points[faces]).sum()
    fewer, left, _ = simplify(points, faces, np.zeros(len(faces), int), 1e-4)
    assert len(left) < 60
    assert double_areas(fewer[left]).sum() == pytest.approx(area, rel=1e-3)
    assert (np.cross(*np.moveaxis(np.diff(fewer[left], axis=1), 1, 0))[:, 2] > 0).all()


def test_what_a_closed_box_holds_is_left_out_and_what_a_cup_holds_is_not() -> None:
    inner = trimesh.creation.icosphere(subdivisions=2, radius=0.02)
    box = trimesh.creation.box((0.1, 0.1, 0.1)).subdivide().subdivide()
    both = surface(trimesh.util.concatenate([box, inner]))
    assert len(without_unseen(both).faces) == len(box.faces)
    lidless = box.submesh([np.flatnonzero(box.triangles_center[:, 2] < 0.049)], append=True)
    shown = without_unseen(surface(trimesh.util.concatenate([lidless, inner])))
    top = shown.points[shown.faces].mean(axis=1)
    assert (np.linalg.norm(top, axis=1) < 0.021).sum() > len(inner.faces) / 3


def test_a_narrow_slit_shows_what_lies_behind_it() -> None:
    slab = trimesh.creation.box((0.1, 0.1, 0.02))
    left, right = slab.copy(), slab.copy()
    left.apply_translation((-0.051, 0, 0))
    right.apply_translation((0.051, 0, 0))
    floor = trimesh.creation.box((0.2, 0.1, 0.01))
    floor.apply_translation((0, 0, -0.02))
    assert seen_faces(*_arrays(surface(trimesh.util.concatenate([left, right, floor])))).all()


def _arrays(found: Surface) -> tuple[Array, Array]:
    return found.points, found.faces


def test_parts_that_are_inside_out_or_mixed_are_turned() -> None:
    ball = trimesh.creation.icosphere(subdivisions=3, radius=0.05)
    right = surface(ball)
    wrong = Surface(right.points, right.faces[:, ::-1].copy(), right.colors)
    mixed = right.faces.copy()
    mixed[::3] = mixed[::3, ::-1]
    for faces in (wrong.faces, mixed):
        turned = facing_outwards(Surface(right.points, faces, right.colors))
        assert volume(turned.points, turned.faces) == pytest.approx(ball.volume, rel=1e-6)


def test_normals_are_the_originals_and_edges_stay_sharp() -> None:
    rod = surface(trimesh.creation.cylinder(radius=0.03, height=0.1, sections=128))
    rod = Surface(rod.points, rod.faces, rod.colors)
    fewer = simplified(rod, 0.0005)
    assert len(fewer.faces) < 120
    vertices, normals, faces = drawn_vertices(fewer, rod)
    assert np.allclose(np.linalg.norm(normals, axis=1), 1)
    flat = np.abs(normals[:, 2]) > 0.5
    assert np.allclose(np.abs(normals[flat, 2]), 1), "caps are flat up to their edge"
    radial = vertices[~flat, :2] / np.linalg.norm(vertices[~flat, :2], axis=1, keepdims=True)
    assert (np.arccos((radial * normals[~flat, :2]).sum(1).clip(-1, 1)) < np.radians(4)).all()
    assert faces.max() == len(vertices) - 1
