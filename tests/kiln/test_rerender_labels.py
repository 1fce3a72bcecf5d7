"""Labels of motions that were rendered again: they agree with the scene, and policies read them."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from rerendered import FRONT, LABELS, WRIST, rerender

from robokiln import dataset
from robokiln.frames import LookConfig
from robokiln.geometry import project, quat_to_matrix
from robokiln.policy.demonstrations import read_demonstrations
from robokiln.policy.roles import SHOWN
from robokiln.serial import from_json
from robokiln.types import Array, Body, RobokilnError, SceneSpec


def test_looks_of_a_motion_differ_in_color_alone(labelled: Path) -> None:
    data = dataset.open(labelled)
    assert data.slots().tolist() == [0, 0, 1, 1]
    assert data.task_families() == ["pick_place"] * 4
    assert not np.array_equal(data.video("front", 0), data.video("front", 1))
    for camera in ("front", "wrist"):
        first, second = data.labels(2), data.labels(3)
        assert np.array_equal(first.segmentation(camera), second.segmentation(camera))
        assert np.array_equal(first.boxes(camera).box, second.boxes(camera).box)
        ids, pixels = first.segmentation(camera), first.pixels(camera)
        for body in range(pixels.shape[1]):
            assert np.array_equal(pixels[:, body], (ids == 1 + body).sum(axis=(1, 2)))
        assert np.array_equal(data.depth(camera, 2), data.depth(camera, 3))
    rows, others = data.rows(2), data.rows(3)
    assert np.array_equal(rows["action"], others["action"])


def test_a_policy_learns_what_the_pictures_show(labelled: Path) -> None:
    data, learned = dataset.open(labelled), read_demonstrations([labelled])
    scenes = (labelled / "meta/robokiln/scenes.jsonl").read_text().splitlines()
    for episode, line in enumerate(scenes):
        spec = from_json(SceneSpec, json.loads(line)["spec"])
        rows = slice(*learned.bounds[episode])
        for i, camera in enumerate((FRONT, WRIST)):
            pixels = data.labels(episode).pixels(camera.name)
            least = max(1, SHOWN * camera.width * camera.height)
            for role, name in enumerate(("target", "goal")):
                body = spec.index(spec.goal[name])
                assert learned.bodies[episode, role] == body
                shown = learned.shown[rows, i, body]
                np.testing.assert_array_equal(shown, pixels[:, 1 + body] >= least)
    target = learned.shown[np.arange(len(learned)), :, learned.bodies[learned.episode, 0]]
    assert 0 < target[:, 1].mean() < 1, "the wrist's camera sees it, but not all along"


def test_pictures_without_labels_are_no_lesson(labelled: Path, tmp_path: Path) -> None:
    bare = shutil.copytree(labelled, tmp_path / "bare")
    shutil.rmtree(bare / "labels")
    with pytest.raises(RobokilnError, match="label 'cameras' was not recorded; available: none"):
        read_demonstrations([bare])


def points(labels: dataset.StoredLabels, depth: Array, camera: str, t: int) -> Array:
    """Where each pixel's surface is in the world: [H, W, 3]."""
    fx, fy, cx, cy = labels.intrinsics(camera)[t]
    y, x = np.mgrid[: depth.shape[0], : depth.shape[1]] + 0.5
    local = np.stack([(x - cx) / fx, (y - cy) / fy, np.ones_like(x)], -1) * depth[..., None]
    pose = labels.camera_pose(camera)[t]
    return local @ quat_to_matrix(pose[3:]).T + pose[:3]


def bodies_of(root: Path, episode: int) -> tuple[Body, ...]:
    line = (root / "meta/robokiln/scenes.jsonl").read_text().splitlines()[episode]
    return from_json(SceneSpec, json.loads(line)["spec"]).bodies


def check_agreement(root: Path, episode: int, camera: str) -> None:
    """Depth, segments, lens and poses agree: each body's pixels lie around the body."""
    data, seen = dataset.open(root), 0
    labels, bodies = data.labels(episode), bodies_of(root, episode)
    centers = labels.link_poses()[:, -len(bodies) :, :3]
    ids, depth = labels.segmentation(camera), data.depth(camera, episode)
    for t in range(0, len(ids), 6):
        surface = points(labels, depth[t], camera, t)
        assert np.abs(np.median(surface[ids[t] == 3][:, 2])) < 0.005  # the table's top
        for i in range(2, len(bodies)):
            mine = ids[t] == 2 + i
            seen += mine.sum()
            away = np.linalg.norm(surface[mine] - centers[t, i], axis=-1)
            assert (away < max(bodies[i].shape.size.values()) + 0.01).all()
    assert seen > 500


@pytest.mark.parametrize("camera", ["front", "wrist"])
def test_labels_are_those_of_the_scene(labelled: Path, camera: str) -> None:
    check_agreement(labelled, 0, camera)


def test_a_look_that_moves_cameras_says_where_they_were(original: Path, tmp_path: Path) -> None:
    look = LookConfig(camera_shift=0.05, mount_shift=0.01, camera_turn=5.0, camera_zoom=0.1)
    moved = rerender(
        original, tmp_path / "run", look=look, episodes=1, looks_per_episode=2, record=LABELS
    )
    data = dataset.open(moved)
    first, second = data.labels(0), data.labels(1)
    for camera in ("front", "wrist"):
        assert not np.allclose(first.camera_pose(camera), second.camera_pose(camera), atol=1e-3)
        assert not np.allclose(first.intrinsics(camera), second.intrinsics(camera), atol=0.1)
        for episode in (0, 1):
            check_agreement(moved, episode, camera)
    larger = tuple(
        dataclasses.replace(c, width=2 * c.width, height=2 * c.height) for c in (FRONT, WRIST)
    )
    again_ = dataset.open(rerender(moved, tmp_path / "again", cameras=larger, record=())).labels(1)
    assert np.array_equal(again_.camera_pose("wrist"), second.camera_pose("wrist"))
    assert np.allclose(again_.intrinsics("wrist"), 2 * second.intrinsics("wrist"), rtol=1e-6)


def test_centers_project_into_their_segments(labelled: Path) -> None:
    labels, bodies = dataset.open(labelled).labels(0), bodies_of(labelled, 0)
    ids, checked = labels.segmentation("front")[0], 0
    for i in range(2, len(bodies)):
        y, x = np.nonzero(ids == 2 + i)
        center = labels.link_poses()[0, i - len(bodies), :3]
        at = project(FRONT, labels.camera_pose("front")[0], center)[:2]
        if len(x) > 4:
            checked += 1
            spread = np.array([np.ptp(x), np.ptp(y)])
            assert (np.abs(at - (x.mean() + 0.5, y.mean() + 0.5)) < 0.25 * spread + 1).all()
    assert checked >= 2


def test_boxes_bound_what_is_visible(labelled: Path) -> None:
    labels = dataset.open(labelled).labels(3)
    ids, boxes = labels.segmentation("wrist"), labels.boxes("wrist")
    seen = boxes.pixels > 0
    bodies = 1 + len(bodies_of(labelled, 3))
    assert seen.sum() == sum(len(np.unique(i[(i > 0) & (i <= bodies)])) for i in ids)
    for row in range(0, len(boxes.frame), 5):
        y, x = np.nonzero(ids[boxes.frame[row]] == boxes.id[row])
        assert boxes.pixels[row] == len(x)
        if len(x):
            assert boxes.box[row].tolist() == [x.min(), y.min(), x.max() + 1, y.max() + 1]
    assert (boxes.amodal_box[seen, :2] <= boxes.box[seen, :2]).all()
    assert (boxes.amodal_box[seen, 2:] >= boxes.box[seen, 2:]).all()
    assert (boxes.visibility <= 1).all()
    assert boxes.visibility[boxes.id == 3].min() < 0.95  # things stand on the table
