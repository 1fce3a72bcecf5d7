"""Rotations agree with scipy's; poses, actions and cameras undo each other."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from robokiln import geometry as g
from robokiln.types import Camera

ROTATIONS = Rotation.random(300, rng=1)
POSES = np.concatenate([np.random.default_rng(2).uniform(-1, 1, (300, 3)), ROTATIONS.as_quat()], 1)


def test_conversions_agree_with_scipy() -> None:
    matrices = ROTATIONS.as_matrix()
    np.testing.assert_allclose(g.quat_to_matrix(ROTATIONS.as_quat()), matrices, atol=1e-12)
    np.testing.assert_allclose(
        g.matrix_to_quat(matrices), ROTATIONS.as_quat(canonical=True), atol=1e-12
    )
    vectors = np.stack([g.rotation_vector(m) for m in matrices])
    np.testing.assert_allclose(vectors, ROTATIONS.as_rotvec(), atol=1e-9)


def test_one_and_many_give_the_same_bytes() -> None:
    """One rotation goes another way through the code, since demonstrations need it fast."""
    quats, matrices = ROTATIONS.as_quat(), ROTATIONS.as_matrix()
    for function, values in ((g.quat_to_matrix, quats), (g.matrix_to_quat, matrices)):
        np.testing.assert_array_equal(np.stack([function(v) for v in values]), function(values))
    products = np.stack([g.quat_multiply(a, b) for a, b in zip(quats, quats[::-1], strict=True)])
    np.testing.assert_array_equal(products, g.quat_multiply(quats, quats[::-1]))
    np.testing.assert_array_equal(
        g.cross(matrices[:, 0], matrices[:, 1]), np.cross(matrices[:, 0], matrices[:, 1])
    )


def test_no_rotation_at_all_is_none() -> None:
    assert np.isnan(g.quat_to_matrix(np.zeros(4))).all()


@pytest.mark.parametrize("axis", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0.6, 0.8, 0)])
def test_half_turns_have_their_axis(axis: tuple[float, ...]) -> None:
    vector = g.rotation_vector(Rotation.from_rotvec(np.pi * np.array(axis)).as_matrix())
    assert np.linalg.norm(vector) == pytest.approx(np.pi)
    assert abs(vector @ axis) == pytest.approx(np.pi)


def test_inverse_undoes_compose() -> None:
    there = g.compose(POSES[:150], POSES[150:])
    back = g.compose(g.inverse(POSES[:150]), there)
    np.testing.assert_allclose(g.pose_to_matrix(back), g.pose_to_matrix(POSES[150:]), atol=1e-12)
    product = g.pose_to_matrix(POSES[:150]) @ g.pose_to_matrix(POSES[150:])
    np.testing.assert_allclose(g.pose_to_matrix(there), product, atol=1e-12)


def test_actions_hold_the_pose() -> None:
    actions = g.pose_to_action(POSES, 0.25)
    assert actions.shape == (300, 10)
    back = g.pose_to_matrix(g.action_to_pose(actions))
    np.testing.assert_allclose(back, g.pose_to_matrix(POSES), atol=1e-12)
    sloppy = actions * np.r_[np.ones(3), np.full(6, 3.0), 1]
    np.testing.assert_allclose(g.action_to_pose(sloppy), g.action_to_pose(actions), atol=1e-12)


def test_a_camera_sees_its_target_in_the_middle_and_up_is_up() -> None:
    pose = g.look_at((1.0, 0.2, 0.8), (0.4, 0.0, 0.0))
    camera = Camera("front", 96, 64, 40.0, pose)
    points = np.array([[0.4, 0.0, 0.0], [0.4, 0.0, 0.1]])
    x, y, depth = g.project(camera, np.array(pose), points).T
    assert (x[0], y[0]) == pytest.approx((48.0, 32.0))
    assert depth[0] == pytest.approx(np.linalg.norm([0.6, 0.2, 0.8]))
    assert y[1] < y[0]
