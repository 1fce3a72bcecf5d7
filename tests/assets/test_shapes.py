"""Meshes are closed and face outwards; the parts that collide lie where the mesh is."""

import numpy as np
import pytest

from robokiln.assets import build_mesh, collision_parts, footprint, height
from robokiln.geometry import compose, quat_to_matrix
from robokiln.types import RobokilnError, Shape

SHAPES = [
    Shape("box", {"x": 0.04, "y": 0.05, "z": 0.03}),
    Shape("cylinder", {"radius": 0.02, "height": 0.05}),
    Shape("sphere", {"radius": 0.02}),
    Shape("capsule", {"radius": 0.02, "length": 0.03}),
    Shape("bottle", {"radius": 0.022, "height": 0.09}),
    Shape("cup", {"radius": 0.03, "height": 0.06}),
    Shape("bowl", {"radius": 0.08, "height": 0.05}),
    Shape("plate", {"radius": 0.085, "height": 0.024}),
]
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=lambda s: s.kind)


@every_shape
def test_meshes_are_closed_and_face_outwards(shape: Shape) -> None:
    mesh = build_mesh(shape)
    corners = mesh.vertices[mesh.faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (across * mesh.normals[mesh.faces].mean(1)).sum(1).min() > 0
    assert np.abs(across.sum(0)).max() < 1e-12  # the area vectors of a closed surface cancel
    merged = {tuple(v) for v in np.round(corners.reshape(-1, 3), 9)}
    index = {v: i for i, v in enumerate(sorted(merged))}
    faces = [[index[tuple(v)] for v in np.round(c, 9)] for c in corners]
    edges = [(f[i], f[i - 2]) for f in faces for i in range(3)]
    assert sorted(edges) == sorted((b, a) for a, b in edges)


@every_shape
def test_dimensions_are_those_asked_for(shape: Shape) -> None:
    mesh = build_mesh(shape)
    assert np.ptp(mesh.vertices[:, 2]) == pytest.approx(height(shape))
    assert np.linalg.norm(mesh.vertices[:, :2], axis=1).max() == pytest.approx(footprint(shape))
    assert mesh.vertices[:, 2].max() == pytest.approx(height(shape) / 2)


@every_shape
def test_collision_parts_fit_the_mesh(shape: Shape) -> None:
    extent = np.array([footprint(shape), footprint(shape), height(shape) / 2])
    for part in collision_parts(shape):
        r = part.size[0]
        half = {
            "box": part.size,
            "sphere": (r, r, r),
            "cylinder": (r, r, part.size[-1] / 2),
            "capsule": (r, r, part.size[-1] / 2 + r),
        }[part.kind]
        reach = np.abs(quat_to_matrix(np.array(part.pose[3:]))) @ np.array(half)
        assert (np.abs(part.pose[:3]) + reach < extent * 1.1 + 0.003).all()


@pytest.mark.parametrize("kind", ["bowl", "plate", "cup"])
def test_hollow_shapes_are_hollow(kind: str) -> None:
    shape = Shape(kind, {"radius": 0.07, "height": 0.05})
    above_the_foot = np.array([0.0, 0.0, 0.01])
    for part in collision_parts(shape):
        inside = compose(
            np.array([*-np.array(part.pose[:3]), 0, 0, 0, 1]), [*above_the_foot, 0, 0, 0, 1]
        )
        local = quat_to_matrix(np.array(part.pose[3:])).T @ inside[:3]
        assert (np.abs(local) > np.array(part.size)).any()


@pytest.mark.parametrize(
    "shape",
    [
        Shape("cone", {"radius": 0.1}),
        Shape("sphere", {"radius": -0.1}),
        Shape("sphere", {"size": 0.1}),
        Shape("box", {"x": 0.1, "y": 0.1}),
        Shape("sphere", {"radius": float("nan")}),
    ],
)
def test_nonsense_is_refused_by_name(shape: Shape) -> None:
    with pytest.raises(RobokilnError, match=shape.kind):
        build_mesh(shape)
