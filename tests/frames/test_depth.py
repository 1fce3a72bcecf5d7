"""Depth and segmentation against analytic geometry."""

import dataclasses

import numpy as np
import pytest
from arranged import (
    FLOOR,
    FRONT,
    TABLE,
    gray_look,
    link_poses,
    lone_body,
    reach,
    resized,
    table_scene,
)

from robokiln import frames
from robokiln.geometry import IDENTITY, intrinsics, look_at, project, quat_to_matrix
from robokiln.types import Array, Body, Camera, Frames, SceneSpec, Shape


def picture(spec: SceneSpec, antialias: bool = False) -> Frames:
    renderer = frames.Renderer(spec, gray_look(spec), antialias)
    return renderer.render(link_poses(spec))[spec.cameras[0].name]


def rays(camera: Camera) -> tuple[Array, Array]:
    """The eye [3] and the world direction of each pixel's centre [H, W, 3], 1 along the axis."""
    pixels = np.stack(np.meshgrid(np.arange(camera.width), np.arange(camera.height)), -1) + 0.5
    k = intrinsics(camera)
    local = np.ones((camera.height, camera.width, 3))
    local[..., :2] = (pixels - k[:2, 2]) / k[0, 0]
    pose = np.array(camera.pose)
    return pose[:3], local @ quat_to_matrix(pose[3:]).T


@pytest.mark.parametrize("antialias", [False, True])
def test_plane(antialias: bool) -> None:
    spec = lone_body(FLOOR, FRONT)
    eye, direction = rays(FRONT)
    expected = (-0.40 - eye[2]) / direction[..., 2]
    hit = eye + expected[..., None] * direction
    on_floor = (np.abs(hit[..., :2]) < 2).all(axis=-1)
    found = picture(spec, antialias)
    assert on_floor.mean() > 0.9
    assert np.array_equal(found.segmentation[0] == 2, on_floor)
    assert np.abs(found.depth[0] - expected)[on_floor].max() < 1e-4
    assert not found.depth[0][~on_floor].any()


def test_plane_under_the_camera_is_cut_at_the_near_plane() -> None:
    """The floor also lies behind this camera, so its triangles cross the near plane."""
    camera = Camera("low", 64, 48, 80.0, look_at((0.0, 0.1, -0.37), (1.0, 0.3, -0.40)))
    eye, direction = rays(camera)
    with np.errstate(divide="ignore"):
        expected = (-0.40 - eye[2]) / direction[..., 2]
    hit = eye + expected[..., None] * direction
    on_floor = (expected > 0.01) & (np.abs(hit[..., :2]) < 2).all(axis=-1)
    found = picture(lone_body(FLOOR, camera))
    assert 0.3 < on_floor.mean() < 0.7
    differing = (found.segmentation[0] == 2) != on_floor
    assert differing.sum() <= 2  # far edges, to a pixel
    assert np.abs(found.depth[0] - expected)[on_floor & ~differing].max() < 1e-4


def test_box() -> None:
    size = {"x": 0.2, "y": 0.3, "z": 0.1}
    spec = lone_body(Body("box", Shape("box", size), IDENTITY, 0.0, 1.0), FRONT)
    eye, direction = rays(FRONT)
    half = np.array([size["x"], size["y"], size["z"]]) / 2
    a, b = (-half - eye) / direction, (half - eye) / direction
    enters, leaves = np.minimum(a, b).max(axis=-1), np.maximum(a, b).min(axis=-1)
    inside = enters < leaves
    found = picture(spec)
    assert inside.sum() > 100
    assert (found.segmentation[0] == 2).sum() == inside.sum()
    assert np.abs(found.depth[0] - enters)[inside].max() < 1e-4


def test_sphere() -> None:
    """A faceted sphere lies within its chords' sagitta of the round one."""
    radius = 0.1
    center = np.array([0.44, 0.0, 0.02])
    body = Body("ball", Shape("sphere", {"radius": radius}), (*center, 0, 0, 0, 1), 0.0, 1.0)
    spec = lone_body(body, FRONT)
    eye, direction = rays(FRONT)
    to_center = center - eye
    square = (direction**2).sum(axis=-1)
    along = direction @ to_center
    root = along**2 - square * (to_center @ to_center - radius**2)
    expected = (along - np.sqrt(np.maximum(root, 0))) / square
    found = picture(spec)
    core = root > np.quantile(root[root > 0], 0.3)
    sagitta = 2 * radius * (1 - np.cos(np.pi / 24))
    assert (found.segmentation[0][core] == 2).all()
    assert np.abs(found.depth[0] - expected)[core].max() < 2 * sagitta
    assert abs((found.segmentation[0] == 2).sum() / (root > 0).sum() - 1) < 0.06


def test_projection_agrees_with_geometry() -> None:
    """A small box appears where `project` says, to half a pixel."""
    for x, y in ((0.35, -0.2), (0.6, 0.2), (0.44, 0.0)):
        shape = Shape("box", {"x": 0.02, "y": 0.02, "z": 0.02})
        spec = lone_body(Body("box", shape, (x, y, 0.02, 0, 0, 0, 1), 0.0, 1.0), FRONT)
        spec = resized(spec, 480, 480)
        camera = spec.cameras[0]
        rows, columns = np.nonzero(picture(spec).segmentation[0] == 2)
        u, v, _ = project(camera, np.array(camera.pose), np.array([x, y, 0.02]))
        assert abs((columns.min() + columns.max() + 1) / 2 - u) < 0.5
        assert abs((rows.min() + rows.max() + 1) / 2 - v) < 0.5


def test_segmentation_names_the_body_at_each_center() -> None:
    """Seen from above, every object's id stands at its projected centre."""
    above = dataclasses.replace(
        FRONT, width=200, height=200, pose=look_at((0.45, 0, 1.2), (0.451, 0, 0))
    )
    spec = table_scene(cameras=(above,))
    segmentation = picture(spec).segmentation[0]
    for i, body in enumerate(spec.bodies[2:], start=2):
        u, v, _ = project(above, np.array(above.pose), np.array(body.pose[:3]))
        assert segmentation[int(v), int(u)] == 2 + i, body.name
    assert set(np.unique(segmentation)) <= set(range(2, 12))


def test_robot_is_one() -> None:
    spec = table_scene()
    segmentation = frames.Renderer(spec, gray_look(spec)).render(reach(1))["front"].segmentation
    assert 0.03 < (segmentation == 1).mean() < 0.5


def test_center_does_not_depend_on_antialiasing() -> None:
    """Depth and segmentation are those of the pixel's centre, whatever the color's samples."""
    spec = table_scene()
    one, two = (frames.Renderer(spec, gray_look(spec), s).render(reach(2)) for s in (False, True))
    for name in ("front", "wrist"):
        same = one[name].segmentation == two[name].segmentation
        assert same.mean() > 0.9995
        assert np.abs(one[name].depth - two[name].depth)[same].max() < 2e-3
        difference = np.abs(one[name].rgb.astype(int) - two[name].rgb)
        assert 0 < difference.mean() < 4


def test_coplanar_neighbours_leave_no_cracks() -> None:
    """Nothing of the floor or the background shows through the table's diagonal."""
    spec = table_scene(0)
    corners = np.array([[x, y, 0.0] for x in (0.12, 0.88) for y in (-0.55, 0.55)])
    camera = resized(spec, 640, 480).cameras[0]
    spec = dataclasses.replace(spec, cameras=(dataclasses.replace(camera, fov=70.0),))
    found = picture(spec).segmentation[0]
    u, v, _ = project(spec.cameras[0], np.array(camera.pose), corners).T
    left, right = int(max(u[:2].min(), u[2:].min(), 0)) + 1, int(u[1::2].min())
    rows = slice(int(v.min()) + 1, int(v.max()) - 1)
    inner = found[rows, max(left, 200) : min(right, 440)]
    assert inner.size > 1000
    assert (inner == 3).all()
    assert spec.bodies[1] == TABLE
