"""Boxes, visibility, normals, links and point clouds against geometry known beforehand."""

from __future__ import annotations

import dataclasses

import numpy as np
from arranged import FRONT, gray_look, link_poses, lone_body, reach, table_scene

from robokiln import frames
from robokiln.geometry import IDENTITY, intrinsics, look_at, project, quat_to_matrix
from robokiln.scene.robots import visual_links
from robokiln.types import Array, Body, Camera, Prop, SceneSpec, Shape

STRAIGHT = Camera("straight", 96, 96, 40.0, look_at((2.0, 0.0, 0.0), (0.0, 0.0, 0.0)))


def box(name: str, x: float, y: float, side: float) -> Body:
    shape = Shape("box", {"x": side, "y": side, "z": side})
    return Body(name, shape, (x, y, 0.0, 0.0, 0.0, 0.0, 1.0), 0.0, 1.0)


def labelled(spec: SceneSpec, poses: Array | None = None) -> frames.ObjectLabels:
    renderer = frames.Renderer(spec, gray_look(spec))
    poses = link_poses(spec) if poses is None else poses
    return frames.object_labels(renderer, poses, renderer.render(poses))[spec.cameras[0].name]


def projected_box(body: Body, camera: Camera) -> Array:
    half = body.shape.size["x"] / 2
    corners = np.array(np.meshgrid(*[[-half, half]] * 3)).reshape(3, -1).T + body.pose[:3]
    pixels = project(camera, np.array(camera.pose), corners)[:, :2]
    return np.concatenate([pixels.min(axis=0), pixels.max(axis=0)])


def test_boxes_of_a_lone_body_are_its_projection() -> None:
    body = box("box", 0.1, 0.2, 0.3)
    found = labelled(lone_body(body, STRAIGHT))
    assert np.abs(found.boxes[0, 1] - projected_box(body, STRAIGHT)).max() <= 1
    assert np.array_equal(found.boxes, found.amodal_boxes)
    assert found.visibility[0, 1] == 1
    assert (found.boxes[0, 0] == -1).all()
    assert found.visibility[0, 0] == 0


def test_a_hidden_half_is_counted_and_boxed() -> None:
    """A nearer box of the same apparent height covers one side of the farther one."""
    far, near = box("far", -0.5, 0.0, 0.4), box("near", 0.5, 0.2, 0.4)
    spec = dataclasses.replace(lone_body(far, STRAIGHT), bodies=(far, near))
    found = labelled(spec)
    assert np.abs(found.amodal_boxes[0, 1] - projected_box(far, STRAIGHT)).max() <= 1
    left, _, right, _ = found.boxes[0, 1]
    edge = projected_box(near, STRAIGHT)[[0, 2]]
    hidden_from_right = abs(right - edge[0]) <= 1
    hidden_from_left = abs(left - edge[1]) <= 1
    assert hidden_from_right != hidden_from_left
    share = (right - left) / (found.amodal_boxes[0, 1, 2] - found.amodal_boxes[0, 1, 0])
    assert abs(found.visibility[0, 1] - share) < 0.06
    assert found.visibility[0, 2] == 1


def test_labels_of_a_full_scene_agree_with_its_segmentation() -> None:
    spec, poses = table_scene(), reach(3)
    for antialias in (False, True):
        renderer = frames.Renderer(spec, gray_look(spec), antialias)
        pictures = renderer.render(poses)
        for name, found in frames.object_labels(renderer, poses, pictures).items():
            segmentation = pictures[name].segmentation
            for i in range(1 + len(spec.bodies)):
                assert np.array_equal((segmentation == i + 1).sum(axis=(1, 2)), found.pixels[:, i])
            assert (found.pixels <= found.amodal_pixels).all()
            assert found.visibility.min() < 0.9
            inner, outer = found.boxes, found.amodal_boxes
            seen = found.pixels > 0
            assert (inner[..., :2] >= outer[..., :2])[seen].all()
            assert (inner[..., 2:] <= outer[..., 2:])[seen].all()


def test_normals_and_links() -> None:
    spec, poses = table_scene(), reach(2)
    found = frames.Renderer(spec, gray_look(spec), extras=True).render(poses)["front"]
    assert found.normals is not None
    assert found.links is not None
    links = visual_links(spec)
    robot = len(links) - len(spec.bodies)
    body = np.where(found.links > robot, found.links - robot + 1, np.minimum(found.links, 1))
    assert np.array_equal(body, found.segmentation)
    seen = found.segmentation > 0
    assert np.abs(np.linalg.norm(found.normals[seen], axis=-1) - 1).max() < 1e-5
    assert not found.normals[~seen].any()
    table = found.segmentation == 3
    up = (found.normals[table] == [0, 0, 1]).all(axis=-1)
    assert up.mean() > 0.95  # the rest is the table's rim


def test_normals_of_a_sphere_point_away_from_its_middle() -> None:
    ball = Body("ball", Shape("sphere", {"radius": 0.4}), IDENTITY, 0.0, 1.0)
    spec = lone_body(ball, STRAIGHT)
    found = frames.Renderer(spec, gray_look(spec), extras=True).render(link_poses(spec))["straight"]
    assert found.normals is not None
    points = frames.point_cloud(found.depth[0], STRAIGHT, np.array(STRAIGHT.pose))
    seen = found.segmentation[0] == 2
    outward = points[seen] / np.linalg.norm(points[seen], axis=-1, keepdims=True)
    assert ((outward * found.normals[0][seen]).sum(axis=-1)).min() > np.cos(np.radians(4))


def test_points_lie_on_what_they_show() -> None:
    spec = table_scene(0)
    camera = dataclasses.replace(FRONT, calibration=(140.0, 120.0, 51.0, 45.0))
    spec = dataclasses.replace(spec, cameras=(camera,))
    found = frames.render(spec, link_poses(spec), gray_look(spec))["front"]
    points = frames.point_cloud(found.depth[0], camera, np.array(camera.pose))
    assert points.dtype == np.float32
    assert np.isnan(points[found.segmentation[0] == 0]).all()
    top = points[found.segmentation[0] == 3]
    assert (np.abs(top[:, 2]) < 1e-4).mean() > 0.95
    x, y = np.meshgrid(np.arange(96) + 0.5, np.arange(96) + 0.5)
    seen = found.depth[0] > 0
    again = project(camera, np.array(camera.pose), points[seen].astype(float))
    assert np.abs(again[:, 0] - x[seen]).max() < 1e-3
    assert np.abs(again[:, 1] - y[seen]).max() < 1e-3
    assert intrinsics(camera)[0, 0] != intrinsics(camera)[1, 1]


def test_props_are_seen_and_carry_the_last_ids() -> None:
    spec = table_scene(2)
    look = gray_look(spec)
    shape = Shape("sphere", {"radius": 0.05})
    prop = Prop("ball", shape, (0.45, 0.0, 0.05, 0, 0, 0, 1), look.materials[0])
    found = frames.Renderer(spec, dataclasses.replace(look, props=(prop,)), extras=True).render(
        link_poses(spec)
    )["front"]
    assert found.links is not None
    ball = found.segmentation[0] == 2 + len(spec.bodies)
    assert np.array_equal(ball, found.links[0] == len(visual_links(spec)) + 1)
    middle = project(FRONT, np.array(FRONT.pose), np.array([0.45, 0.0, 0.05]))
    row, column = np.nonzero(ball)
    assert np.abs([column.mean() + 0.5 - middle[0], row.mean() + 0.5 - middle[1]]).max() < 1
    without = frames.render(spec, link_poses(spec), look)["front"].segmentation[0]
    assert np.array_equal(without[~ball], found.segmentation[0][~ball])
    assert not np.isin(2 + len(spec.bodies), without)


def test_cameras_of_a_look_stand_in_for_the_specs() -> None:
    spec = table_scene(2)
    moved = dataclasses.replace(FRONT, fov=40.0, pose=look_at((1.2, 0.1, 1.0), (0.4, 0.0, 0.1)))
    look = dataclasses.replace(gray_look(spec), cameras=(moved,))
    found = frames.render(spec, reach(1)[:, : len(visual_links(spec))], look)
    expected = frames.render(
        spec, reach(1)[:, : len(visual_links(spec))], gray_look(spec), (moved, spec.cameras[1])
    )
    for name in ("front", "wrist"):
        assert np.array_equal(found[name].rgb, expected[name].rgb)
    assert quat_to_matrix(np.array(moved.pose[3:])).shape == (3, 3)
