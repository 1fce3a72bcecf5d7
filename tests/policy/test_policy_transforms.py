"""Transforms and their inverses."""

from __future__ import annotations

import numpy as np

from robokiln.geometry import pose_to_action, rot6_to_matrix
from robokiln.policy.transforms import ToRelative, fit_normalize


def random_actions(shape: tuple[int, ...], seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    poses = rng.normal(size=(*shape, 7))
    poses[..., 3:] /= np.linalg.norm(poses[..., 3:], axis=-1, keepdims=True)
    return pose_to_action(poses, rng.random(shape))


def test_relative_chunks_come_back() -> None:
    chunk, start = random_actions((5, 16), 0), random_actions((5,), 1)
    relative = ToRelative()(chunk, start)
    np.testing.assert_allclose(ToRelative().inverse(relative, start), chunk, atol=1e-12)
    assert ToRelative().inverse.inverse == ToRelative()


def test_staying_is_zero_motion_whatever_the_pose() -> None:
    start = random_actions((5,), 2)
    relative = ToRelative()(np.repeat(start[:, None], 3, 1), start)
    np.testing.assert_allclose(relative[..., :3], 0, atol=1e-12)
    np.testing.assert_allclose(rot6_to_matrix(relative[..., 3:9]) - np.eye(3), 0, atol=1e-12)
    np.testing.assert_array_equal(relative[..., 9], np.repeat(start[:, None, 9], 3, 1))


def test_absolute_rotations_are_orthonormal_for_any_prediction() -> None:
    noise = np.random.default_rng(3).normal(size=(5, 16, 10))
    chunk = ToRelative().inverse(noise, random_actions((5,), 4))
    a, b = chunk[..., 3:6], chunk[..., 6:9]
    np.testing.assert_allclose([(a * a).sum(-1), (b * b).sum(-1)], 1, atol=1e-9)
    np.testing.assert_allclose((a * b).sum(-1), 0, atol=1e-9)


def test_normalize_maps_the_middle_98_percent_to_one_and_comes_back() -> None:
    values = np.random.default_rng(5).uniform([-3, 10], [1, 30], (10001, 2))
    normalize = fit_normalize(values)
    inside = np.abs(normalize(values)) <= 1 + 1e-12
    np.testing.assert_allclose(inside.mean(0), 0.98, atol=1e-3)
    np.testing.assert_allclose(normalize.inverse(normalize(values)), values, atol=1e-12)


def test_a_constant_entry_is_not_blown_up() -> None:
    normalize = fit_normalize(np.full((10, 1), 0.7), least_scale=0.05)
    np.testing.assert_allclose(normalize(np.array([0.701])), [0.02])
